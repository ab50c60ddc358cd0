// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;
import org.openjdk.jmh.runner.IterationType;

/**
 * What JMH does not tell of an iteration: the CPU time of this whole process per resend, how busy
 * the server was, and the latencies of the calls.
 */
public final class ResendProfiler implements InternalProfiler {
  private long cpu;
  private long serverCpu;
  private long begin;

  @Override
  public String getDescription() {
    return "CPU per resend, server load, latencies";
  }

  @Override
  public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
    if (iteration.getType() == IterationType.MEASUREMENT) { // until then the compiler has it all
      Cores.pinToClient();
    }
    Load load = ResendBenchmark.load;
    if (load != null) { // the first warm-up iteration is what starts it
      load.takeLatencies();
    }
    serverCpu = serverCpuNanos();
    begin = System.nanoTime();
    cpu = cpuNanos();
  }

  @Override
  public List<Result<?>> afterIteration(
      BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
    long cpuNanos = cpuNanos() - cpu;
    long nanos = System.nanoTime() - begin;
    long serverCpuNanos = serverCpuNanos() - serverCpu;
    Histogram latencies = ResendBenchmark.load.takeLatencies();
    return List.of(
        average("cpu", cpuNanos / 1e3 / latencies.getTotalCount(), "us/op"),
        average("server", 100.0 * serverCpuNanos / nanos, "%"),
        average("p50", latencies.getValueAtPercentile(50) / 1e3, "us"),
        average("p99", latencies.getValueAtPercentile(99) / 1e3, "us"),
        average("p99.9", latencies.getValueAtPercentile(99.9) / 1e3, "us"));
  }

  private static Result<?> average(String name, double value, String unit) {
    return new ScalarResult(name, value, unit, AggregationPolicy.AVG);
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static long serverCpuNanos() {
    try (Socket socket = new Socket(Target.HOST, Integer.getInteger("server.port"))) {
      socket
          .getOutputStream()
          .write(("POST /" + Server.CPU + " HTTP/1.1\r\n\r\n").getBytes(US_ASCII));
      byte[] answer = new byte[1_000];
      int length = socket.getInputStream().read(answer);
      String text = new String(answer, 0, length, US_ASCII);
      return Long.parseLong(text.substring(text.lastIndexOf('\n') + 1));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
