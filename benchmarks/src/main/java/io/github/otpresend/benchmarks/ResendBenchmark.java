// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Resends by one contender, so many in flight. An operation is one resend. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class ResendBenchmark {
  private static final int BATCH = 200;

  /** Where the profiler finds the load of this JVM. */
  static volatile Load load;

  @Param public Contenders contender;
  @Param public Answer answer;

  @Param("64")
  public int connections;

  /** Calls that wait for a connection; the others have one. */
  @Param("0")
  public int waiting;

  private Contender client;

  @Setup
  public void start() {
    Target target = new Target(Integer.getInteger("server.port"), connections, waiting, answer);
    client = contender.start(target);
    load = new Load(client, answer.outcome, connections + waiting, BATCH);
    load.start();
  }

  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void resend() throws InterruptedException {
    load.awaitBatch();
  }

  @TearDown
  public void stop() throws InterruptedException {
    load.stop();
    client.close();
  }
}
