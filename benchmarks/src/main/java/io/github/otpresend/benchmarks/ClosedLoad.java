// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.concurrent.Semaphore;

/** A constant number of calls in flight: when a call ends, its thread makes the next call. */
final class ClosedLoad extends Load {
  private final int inFlight;
  private final Semaphore ended = new Semaphore(0);
  private volatile boolean stopped;

  ClosedLoad(Contender contender, Outcome expected, int inFlight) {
    super(contender, expected);
    this.inFlight = inFlight;
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
    ended.acquire(inFlight);
  }

  private void resend() {
    resend(
        System.nanoTime(),
        () -> {
          if (stopped) {
            ended.release();
          } else {
            resend();
          }
        });
  }
}
