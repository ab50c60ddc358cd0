// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;

/**
 * A JVM of one contender, which works when it is its turn. Each line of its standard input is a
 * turn in milliseconds, and is answered by the CPU time of this process in nanoseconds and the
 * number of resends. A turn that begins with an exclamation mark is one to measure.
 */
final class Turns {
  private static final int BATCH = 200;

  private Turns() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    Answer answer = Answer.valueOf(args[1]);
    int connections = Integer.parseInt(args[2]);
    int waiting = Integer.parseInt(args[3]);
    Target target = new Target(Integer.parseInt(args[4]), connections, waiting, answer);
    Contender client = Contenders.valueOf(args[0]).start(target);
    System.out.println("ready");
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    boolean isPinned = false;
    for (String turn; (turn = in.readLine()) != null; ) {
      if (turn.startsWith("!") && !isPinned) {
        Cores.pinToClient();
        isPinned = true;
      }
      Load load = new Load(client, answer.outcome, connections + waiting, BATCH);
      long cpu = cpuNanos();
      load.start();
      Thread.sleep(Long.parseLong(turn.replace("!", "")));
      long resends = load.stop();
      System.out.println(cpuNanos() - cpu + " " + resends);
    }
    client.close();
    System.exit(0); // some clients leave threads behind
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }
}
