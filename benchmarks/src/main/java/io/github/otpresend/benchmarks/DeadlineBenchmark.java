// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.github.otpresend.internal.DeadlineQueue;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.time.Duration;
import java.util.concurrent.Semaphore;
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

/**
 * Sets and cancels a deadline on an event loop, among others: once with the library's queue, and
 * once with a timer of Vert.x.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DeadlineBenchmark {
  private static final int BATCH = 1_000;
  private static final Duration DELAY = Duration.ofHours(1);

  @Param({"1", "1000", "100000"})
  public int others;

  private final Semaphore done = new Semaphore(0);
  private Vertx vertx;
  private ContextInternal context;
  private DeadlineQueue<Deadline> deadlines;
  private boolean hasOthers;

  @Setup
  public void start() {
    vertx = Vertx.vertx();
    context = ((VertxInternal) vertx).createEventLoopContext();
    deadlines = new DeadlineQueue<>(context, DELAY);
  }

  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void queue() throws InterruptedException {
    run(this::addDeadline, () -> addDeadline().cancel());
  }

  private Deadline addDeadline() {
    Deadline deadline = new Deadline();
    deadlines.add(deadline);
    return deadline;
  }

  private static final class Deadline extends DeadlineQueue.Entry {
    @Override
    public void expire() {}
  }

  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void timer() throws InterruptedException {
    run(this::setTimer, () -> vertx.cancelTimer(setTimer()));
  }

  private long setTimer() {
    return context.setTimer(DELAY.toMillis(), id -> {});
  }

  private void run(Runnable add, Runnable addAndCancel) throws InterruptedException {
    context.runOnContext(
        v -> {
          for (int i = 0; !hasOthers && i < others; i++) {
            add.run();
          }
          hasOthers = true;
          for (int i = 0; i < BATCH; i++) {
            addAndCancel.run();
          }
          done.release();
        });
    done.acquire();
  }

  @TearDown
  public void stop() {
    vertx.close().await();
  }
}
