// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.Random;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/** The calls of one turn. */
abstract class Load {
  private static final String[] IDS = new String[1 << 17]; // more than are ever in flight

  static {
    Random random = new Random(1);
    for (int i = 0; i < IDS.length; i++) {
      IDS[i] = new UUID(random.nextLong(), random.nextLong()).toString();
    }
  }

  final Contender contender;
  private final Outcome expected;
  private final AtomicInteger next = new AtomicInteger();
  private final AtomicInteger errors = new AtomicInteger();
  private final Histogram latencies = new ConcurrentHistogram(TimeUnit.MINUTES.toNanos(5), 3);

  Load(Contender contender, Outcome expected) {
    this.contender = contender;
    this.expected = expected;
  }

  /** Makes calls for some time, waits until all have ended, and returns their latencies in ns. */
  final Histogram run(long millis) throws InterruptedException {
    callFor(millis);
    if (errors.get() > 0) {
      throw new IllegalStateException(errors + " calls did not end as " + expected);
    }
    return latencies;
  }

  abstract void callFor(long millis) throws InterruptedException;

  /**
   * Makes a call.
   *
   * @param begin the {@link System#nanoTime()} from which its latency counts
   */
  final void resend(long begin, Runnable onEnd) {
    contender.resend(
        IDS[next.getAndIncrement() & IDS.length - 1],
        outcome -> {
          latencies.recordValue(System.nanoTime() - begin);
          if (outcome != expected) {
            errors.incrementAndGet();
          }
          onEnd.run();
        });
  }
}
