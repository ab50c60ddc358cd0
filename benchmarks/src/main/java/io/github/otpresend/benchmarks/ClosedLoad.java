// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.concurrent.CountDownLatch;

/** A constant number of calls in flight: when a call ends, its thread makes the next call. */
final class ClosedLoad extends Load {
  private final int inFlight;
  private final CountDownLatch running;
  private final Runnable onEnd = this::end;
  private volatile boolean stopped;

  ClosedLoad(Contender contender, Outcome expected, int inFlight) {
    super(contender, expected);
    this.inFlight = inFlight;
    running = new CountDownLatch(inFlight);
  }

  @Override
  void callFor(long millis) throws InterruptedException {
    contender.begin(
        () -> {
          for (int i = 0; i < inFlight; i++) {
            resend();
          }
        });
    Thread.sleep(millis);
    stopped = true;
    running.await();
  }

  private void resend() {
    resend(System.nanoTime(), onEnd);
  }

  private void end() {
    if (stopped) {
      running.countDown();
    } else {
      resend();
    }
  }
}
