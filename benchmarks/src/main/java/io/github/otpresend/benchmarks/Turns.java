// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import org.HdrHistogram.Histogram;

/**
 * The JVM of one contender. It works only when it is its turn. Each line of its standard input is
 * the length of a turn in milliseconds, and is answered by the figures of the turn, in the order of
 * {@link Figure}. With an exclamation mark before it, the turn is measured.
 */
final class Turns {
  private Turns() {}

  public static void main(String[] args) {
    try {
      takeTurns(args);
      System.exit(0); // some clients leave threads behind
    } catch (Exception e) {
      e.printStackTrace();
      System.exit(1);
    }
  }

  private static void takeTurns(String[] args) throws IOException, InterruptedException {
    Answer answer = Answer.valueOf(args[1]);
    int connections = Integer.parseInt(args[2]);
    int waiting = Integer.parseInt(args[3]);
    int rate = Integer.parseInt(args[4]);
    Server.Ports ports = Server.Ports.parse(args[5]);
    String certificate = args[6];
    int port = certificate.isEmpty() ? ports.plain() : ports.tls();
    // at a rate, the calls of a second may wait
    int room = rate > 0 ? rate : waiting;
    Target target = new Target(port, certificate, connections, room, answer);
    Contender client = Contenders.valueOf(args[0]).start(target);
    System.out.println("ready");
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, US_ASCII));
    boolean isPinned = false;
    for (String line; (line = in.readLine()) != null; ) {
      boolean isMeasured = line.startsWith("!");
      if (isMeasured && !isPinned) {
        Cores.pinToClient();
        isPinned = true;
      }
      long millis = Long.parseLong(line.replace("!", ""));
      // until a client is warm, it cannot hold the rate
      Load load =
          rate > 0 && isMeasured
              ? new OpenLoad(client, answer.outcome, rate)
              : new ClosedLoad(client, answer.outcome, connections + waiting);
      double[] figures = run(load, millis, ports.plain());
      System.out.println(
          Arrays.stream(figures).mapToObj(Double::toString).collect(Collectors.joining(" ")));
    }
    client.close();
  }

  private static double[] run(Load load, long millis, int serverPort)
      throws IOException, InterruptedException {
    long serverCpu = Server.cpuNanos(serverPort);
    long begin = System.nanoTime();
    long bytes = allocatedBytes();
    long cpu = cpuNanos();
    Histogram latencies = load.run(millis);
    double resends = latencies.getTotalCount();
    cpu = cpuNanos() - cpu;
    bytes = allocatedBytes() - bytes;
    long nanos = System.nanoTime() - begin;
    serverCpu = Server.cpuNanos(serverPort) - serverCpu;
    return DoubleStream.of(
            cpu / 1e3 / resends,
            resends / nanos * 1e9,
            bytes / resends,
            latencies.getValueAtPercentile(50) / 1e3,
            latencies.getValueAtPercentile(99) / 1e3,
            latencies.getValueAtPercentile(99.9) / 1e3,
            100.0 * serverCpu / nanos)
        .toArray();
  }

  /** Returns the CPU time of this process, with the garbage collector and the compiler. */
  static long cpuNanos() {
    return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  /** Returns the bytes that the live threads of this process have allocated. */
  private static long allocatedBytes() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    return Arrays.stream(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
        .filter(bytes -> bytes > 0)
        .sum();
  }
}
