// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.otpresend.ResendException;
import io.github.otpresend.internal.http.Redaction;
import io.github.otpresend.internal.http.ResponseDecoder;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Timeout;

/**
 * A fuzz test of answers of the service. The input is a line with the status, a line with the
 * header {@code Retry-After}, and the body.
 */
@Timeout(10) // seconds for each input
class ResponseFuzzTest {
  private static final Instant NOW = Instant.parse("2026-11-23T10:00:00Z");

  @FuzzTest
  void any_answer_of_the_service_has_a_typed_outcome(byte[] bytes) {
    FuzzInput input = new FuzzInput(bytes);
    int status = input.number() & Integer.MAX_VALUE;
    MultiMap headers = MultiMap.caseInsensitiveMultiMap().add("Retry-After", input.line());
    ResendException failure =
        ResponseDecoder.decode(status, headers, Buffer.buffer(input.rest()), () -> NOW).failure();
    if (failure == null) {
      assertEquals(2, status / 100);
    } else {
      assertTrue(failure.maybeSent() || status / 100 == 4, "must be maybe sent");
      assertFalse(failure.retryAfter().orElse(Duration.ZERO).isNegative());
      assertSameOnAnotherNode(failure);
      assertWithoutSecret(failure);
    }
  }

  /** Asserts that another node decodes the same failure. Nodes exchange messages as UTF-8. */
  private static void assertSameOnAnotherNode(ResendException failure) {
    String json = failure.toJson().encode();
    String received = new String(json.getBytes(UTF_8), UTF_8);
    ResendException decoded =
        ResendException.from(
            new ReplyException(ReplyFailure.RECIPIENT_FAILURE, failure.httpStatus(), received));
    assertEquals(failure.failure(), decoded.failure());
    assertEquals(json, decoded.toJson().encode());
  }

  /** Asserts that a failure contains no secret after the library has removed it. */
  private static void assertWithoutSecret(ResendException failure) {
    ResendException redacted = Redaction.without(FuzzInput.CANARY, failure);
    FuzzInput.assertNoSecretIn(redacted);
    assertFalse(redacted.toJson().encode().contains(FuzzInput.CANARY), "the secret is in the JSON");
    assertEquals(failure.failure(), redacted.failure());
    assertEquals(failure.maybeSent(), redacted.maybeSent());
  }
}
