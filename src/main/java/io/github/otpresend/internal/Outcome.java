// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendResponse;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The outcome of a call: either the response or the failure is null. */
public record Outcome(@Nullable ResendResponse response, @Nullable ResendException failure) {
  public static Outcome of(ResendResponse response) {
    return new Outcome(response, null);
  }

  public static Outcome of(ResendException failure) {
    return new Outcome(null, failure);
  }

  /** Returns whether a code was or may have been sent. */
  public boolean maybeSent() {
    return failure == null || failure.maybeSent();
  }

  /** Returns the outcome with the time left of a cooldown. */
  public Outcome waiting(Duration rest) {
    return response != null
        ? of(new ResendResponse(response.success(), Optional.of(rest)))
        : new Outcome(null, failure == null ? null : Failures.waiting(failure, rest));
  }
}
