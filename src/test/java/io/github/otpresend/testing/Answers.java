// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.Outcomes;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Failures as they are decoded from answers of the service. */
public final class Answers {
  private Answers() {}

  /** Returns a failure as it is decoded from an answer of the service. */
  public static ResendException ofService(
      @Nullable String type,
      int status,
      String message,
      @Nullable Duration retryAfter,
      @Nullable Object payload) {
    ResendFailure kind = Outcomes.kindOfAnswer(type, status);
    return new ResendException(
        kind,
        type == null ? kind.type() : type,
        status,
        Outcomes.maybeSentAfterAnswer(type, status),
        message,
        retryAfter,
        payload,
        null);
  }

  /** Asserts that two failures have the same values. */
  public static void assertSameFailure(ResendException expected, ResendException actual) {
    assertEquals(expected.failure(), actual.failure());
    assertEquals(expected.nextStep(), actual.nextStep());
    assertEquals(expected.type(), actual.type());
    assertEquals(expected.getMessage(), actual.getMessage());
    assertEquals(expected.httpStatus(), actual.httpStatus());
    assertEquals(expected.maybeSent(), actual.maybeSent());
    assertEquals(expected.retryAfter(), actual.retryAfter());
    assertEquals(expected.payload(), actual.payload());
    assertEquals(expected.toJson(), actual.toJson());
  }
}
