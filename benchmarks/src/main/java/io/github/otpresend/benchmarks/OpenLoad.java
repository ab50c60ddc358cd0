// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Calls at a constant rate, whether or not earlier calls have ended. The latency of a call counts
 * from the time at which it was due. So a client that falls behind does not hide it.
 */
final class OpenLoad extends Load {
  private final int rate;

  /**
   * @param rate the calls per second
   */
  OpenLoad(Contender contender, Outcome expected, int rate) {
    super(contender, expected);
    this.rate = rate;
  }

  @Override
  void callFor(long millis) throws InterruptedException {
    int calls = (int) (rate * millis / 1_000);
    long nanosBetween = TimeUnit.SECONDS.toNanos(1) / rate;
    CountDownLatch running = new CountDownLatch(calls);
    long begin = System.nanoTime();
    for (int made = 0; made < calls; ) {
      int first = made;
      int due = (int) Math.min(calls, (System.nanoTime() - begin) / nanosBetween + 1);
      if (due > first) {
        contender.begin(
            () -> {
              for (int i = first; i < due; i++) {
                resend(begin + i * nanosBetween, running::countDown);
              }
            });
        made = due;
      }
      LockSupport.parkNanos(nanosBetween);
    }
    running.await();
  }
}
