// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The first call of a fresh JVM, some time after the client was created or deployed. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class FirstCallBenchmark {
  /** The time until the first user comes. */
  private static final long PAUSE_MILLIS = 3_000;

  @Param({"EVENT_BUS", "DIRECT", "WEB_CLIENT"})
  public Contenders contender;

  private Contender client;

  @Setup
  public void start() throws InterruptedException {
    int port = Integer.getInteger("server.port");
    client = contender.start(new Target(port, "", 1, 0, Answer.SUCCESS));
    Thread.sleep(PAUSE_MILLIS);
  }

  @Benchmark
  public void firstCall() throws InterruptedException {
    CountDownLatch ended = new CountDownLatch(1);
    client.begin(() -> client.resend("first", outcome -> ended.countDown()));
    if (!ended.await(1, TimeUnit.MINUTES)) {
      throw new IllegalStateException("the first call did not end within a minute");
    }
  }

  @TearDown
  public void stop() throws InterruptedException {
    client.close();
  }
}
