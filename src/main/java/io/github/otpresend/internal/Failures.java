// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Factory methods for the failures that the library creates itself. */
public final class Failures {
  private Failures() {}

  /** Returns a failure of the library, with the values of its kind and a cause. */
  public static ResendException of(ResendFailure kind, String message, @Nullable Throwable cause) {
    return new ResendException(
        kind, kind.type(), kind.httpStatus(), kind.maybeSent(), message, null, null, cause);
  }

  /** Returns a failure of the library, with the values of its kind and the time to wait. */
  public static ResendException of(ResendFailure kind, String message, Duration retryAfter) {
    return new ResendException(
        kind, kind.type(), kind.httpStatus(), kind.maybeSent(), message, retryAfter, null, null);
  }

  /** Returns the failure of a call that may have been sent, and got no answer by its deadline. */
  public static ResendException timedOut(Duration timeout) {
    String message = "No complete answer within timeout, " + timeout;
    return new ResendException(ResendFailure.TIMEOUT, message);
  }

  /** Returns the failure with this time to wait, unless its own time to wait is longer. */
  public static ResendException waiting(ResendException failure, Duration atLeast) {
    Duration known = failure.retryAfter().orElse(Duration.ZERO);
    return known.compareTo(atLeast) >= 0
        ? failure
        : new ResendException(
            failure.failure(),
            failure.type(),
            failure.httpStatus(),
            failure.maybeSent(),
            String.valueOf(failure.getMessage()),
            atLeast,
            failure.payload().orElse(null),
            failure.getCause());
  }
}
