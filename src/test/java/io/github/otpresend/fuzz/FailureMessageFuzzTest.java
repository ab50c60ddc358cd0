// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import java.time.Duration;
import org.junit.jupiter.api.Timeout;

/** A failure on the event bus. The input is a line with the code, and the message. */
@Timeout(10) // of one input, in seconds
class FailureMessageFuzzTest {
  @FuzzTest
  void any_failure_message_is_a_typed_failure(byte[] bytes) {
    FuzzInput input = new FuzzInput(bytes);
    int code = input.number();
    ResendException failure = from(code, input.restAsText());
    assertEquals(code, failure.httpStatus());
    assertTrue(
        failure.maybeSent() || code / 100 == 4 || !failure.failure().maybeSent(),
        "a code may have gone out");
    if (failure.failure() != ResendFailure.UNRECOGNIZED) {
      assertTrue(failure.maybeSent() || !failure.failure().maybeSent(), "the kind says otherwise");
    }
    assertFalse(failure.retryAfter().orElse(Duration.ZERO).isNegative());

    ResendException further = from(code, failure.toJson().encode());
    assertEquals(failure.failure(), further.failure());
    assertEquals(failure.maybeSent(), further.maybeSent());
  }

  private static ResendException from(int code, String message) {
    return ResendException.from(new ReplyException(ReplyFailure.RECIPIENT_FAILURE, code, message));
  }
}
