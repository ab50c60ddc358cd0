// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.Time;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.concurrent.TimeoutException;

/** The operations of the shared claims under way. This class is used on one event loop only. */
final class Operations {
  private final Time time;
  private final long limitMillis;
  private final Promise<Void> closed = Promise.promise();
  private int underWay;
  private boolean closing;

  /**
   * @param limit how long an operation is waited for
   */
  Operations(Time time, Duration limit) {
    this.time = time;
    limitMillis = limit.toMillis();
  }

  /** Counts an operation, and returns a future that fails if it does not end in time. */
  <T> Future<T> limit(Future<T> operation) {
    underWay++;
    Promise<T> limited = Promise.promise();
    Runnable limit =
        time.after(limitMillis, () -> limited.tryFail(unavailable(new TimeoutException())));
    operation.onComplete(
        (result, failure) ->
            time.run(
                () -> {
                  limit.run();
                  if (failure == null) {
                    limited.tryComplete(result);
                  } else {
                    limited.tryFail(unavailable(failure));
                  }
                }));
    return limited
        .future()
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
