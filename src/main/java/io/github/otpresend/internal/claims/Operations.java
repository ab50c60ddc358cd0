// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.Failures;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.internal.ContextInternal;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The operations of the shared claims under way. This class is used on one event loop only. */
final class Operations {
  private final ContextInternal home;
  private final long limitMillis;
  private final Promise<Void> closed = Promise.promise();
  private int underWay;
  private boolean closing;

  /**
   * @param limit how long an operation is waited for
   */
  Operations(ContextInternal home, Duration limit) {
    this.home = home;
    limitMillis = limit.toMillis();
  }

  /** Counts an operation, and returns a future that fails if it does not end in time. */
  <T> Future<T> limit(Future<T> operation) {
    underWay++;
    Promise<T> onHome = home.promise();
    operation.onComplete(onHome);
    return onHome
        .future()
        .timeout(limitMillis, TimeUnit.MILLISECONDS)
        .recover(e -> Future.failedFuture(unavailable(e)))
        .onComplete(
            done -> {
              underWay--;
              completeIfIdle();
            });
  }

  static ResendException unavailable(Throwable cause) {
    boolean isLate = cause instanceof TimeoutException;
    return Failures.of(
        ResendFailure.GUARD_UNAVAILABLE,
        "The shared claims " + (isLate ? "did not answer in time" : "failed"),
        isLate ? null : cause);
  }

  /** Returns a future that completes when no operation is under way. */
  Future<Void> close() {
    closing = true;
    completeIfIdle();
    return closed.future();
  }

  private void completeIfIdle() {
    if (closing && underWay == 0) {
      closed.tryComplete();
    }
  }
}
