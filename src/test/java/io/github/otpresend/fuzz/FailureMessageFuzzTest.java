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

/** A fuzz test of failures on the event bus. The input is a line with a code, and a message. */
@Timeout(10) // seconds for each input
class FailureMessageFuzzTest {
  @FuzzTest
  void any_failure_message_is_decoded_to_a_typed_failure(byte[] bytes) {
    FuzzInput input = new FuzzInput(bytes);
    int code = input.number();
    ResendException failure = from(code, input.restAsText());
    assertEquals(code, failure.httpStatus());
    assertTrue(
        failure.maybeSent() || code / 100 == 4 || !failure.failure().maybeSent(),
        "must be maybe sent");
    if (failure.failure() != ResendFailure.UNRECOGNIZED) {
      assertTrue(
          failure.maybeSent() || !failure.failure().maybeSent(),
          "must be maybe sent like its kind");
    }
    assertFalse(failure.retryAfter().orElse(Duration.ZERO).isNegative());

    ResendException decodedAgain = from(code, failure.toJson().encode());
    assertEquals(failure.failure(), decodedAgain.failure());
    assertEquals(failure.maybeSent(), decodedAgain.maybeSent());
  }

  private static ResendException from(int code, String message) {
    return ResendException.from(new ReplyException(ReplyFailure.RECIPIENT_FAILURE, code, message));
  }
}
