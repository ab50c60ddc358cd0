// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * So many calls in flight, all the time: the end of each begins the next one. A benchmark takes its
 * batches of calls from this stream, so that none of them starts or ends with an idle client.
 */
final class Load {
  private static final String[] IDS = new String[1 << 17]; // more than are ever in flight

  static {
    Random random = new Random(1);
    for (int i = 0; i < IDS.length; i++) {
      IDS[i] = new UUID(random.nextLong(), random.nextLong()).toString();
    }
  }

  private final Contender contender;
  private final Outcome expected;
  private final int inFlight;
  private final int batch;
  private final Semaphore batches = new Semaphore(0);
  private final Semaphore ended = new Semaphore(0);
  private final AtomicInteger next = new AtomicInteger();
  private final AtomicInteger complete = new AtomicInteger();
  private final AtomicInteger errors = new AtomicInteger();
  private final Histogram latencies = new ConcurrentHistogram(TimeUnit.MINUTES.toNanos(5), 3);
  private volatile boolean stopped;

  Load(Contender contender, Outcome expected, int inFlight, int batch) {
    this.contender = contender;
    this.expected = expected;
    this.inFlight = inFlight;
    this.batch = batch;
  }

  void start() {
    contender.begin(
        () -> {
          for (int i = 0; i < inFlight; i++) {
            resend();
          }
        });
  }

  private void resend() {
    long begin = System.nanoTime();
    contender.resend(
        IDS[next.getAndIncrement() & IDS.length - 1],
        outcome -> {
          latencies.recordValue(System.nanoTime() - begin);
          if (outcome != expected) {
            errors.incrementAndGet();
          }
          if (complete.incrementAndGet() % batch == 0) {
            batches.release();
          }
          if (stopped) {
            ended.release();
          } else {
            resend();
          }
        });
  }

  /** Waits until so many more calls have ended. */
  void awaitBatch() throws InterruptedException {
    if (!batches.tryAcquire(1, TimeUnit.MINUTES)) {
      throw new IllegalStateException("no batch within a minute");
    } else if (errors.get() > 0) {
      throw new IllegalStateException(errors + " calls did not end as " + expected);
    }
  }

  /** In nanoseconds, since the last look. */
  Histogram takeLatencies() {
    Histogram taken = latencies.copy();
    latencies.reset();
    batches.drainPermits(); // of before: else an iteration would begin with batches that are over
    return taken;
  }

  /** Waits until the last call has ended, and returns how many there were. */
  int stop() throws InterruptedException {
    stopped = true;
    ended.acquire(inFlight);
    if (errors.get() > 0) {
      throw new IllegalStateException(errors + " calls did not end as " + expected);
    }
    return complete.get();
  }
}
