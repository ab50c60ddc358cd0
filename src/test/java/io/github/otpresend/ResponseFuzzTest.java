// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import org.junit.jupiter.api.Timeout;

/** The service's answer: a line with the status, one with its Retry-After, and the body. */
@Timeout(10) // of one input, in seconds
class ResponseFuzzTest {
  private static final InstantSource NOW =
      InstantSource.fixed(Instant.parse("2026-11-23T10:00:00Z"));

  @FuzzTest
  void whatever_the_service_answers_the_outcome_is_a_typed_one(byte[] bytes) {
    FuzzInput input = new FuzzInput(bytes);
    int status = input.number() & Integer.MAX_VALUE;
    MultiMap headers = MultiMap.caseInsensitiveMultiMap().add("Retry-After", input.line());
    try {
      ResponseDecoder.decode(status, headers, Buffer.buffer(input.rest()), NOW);
      assertEquals(2, status / 100);
    } catch (ResendException failure) {
      assertTrue(failure.maybeSent() || status / 100 == 4, "a code may have gone out");
      assertFalse(failure.retryAfter().orElse(Duration.ZERO).isNegative());
      assertSameAfar(failure);
      assertWithoutSecret(failure);
    }
  }

  /** The same outcome everywhere, and a node reads a message of another one as UTF-8. */
  private static void assertSameAfar(ResendException failure) {
    String json = failure.toJson().encode();
    String carried = new String(json.getBytes(UTF_8), UTF_8);
    ResendException back =
        ResendException.from(
            new ReplyException(ReplyFailure.RECIPIENT_FAILURE, failure.httpStatus(), carried));
    assertEquals(failure.failure(), back.failure());
    assertEquals(json, back.toJson().encode());
  }

  private static void assertWithoutSecret(ResendException failure) {
    ResendException struck = failure.without(FuzzInput.CANARY);
    FuzzInput.assertKept(struck);
    assertFalse(struck.toJson().encode().contains(FuzzInput.CANARY), "the secret is in the JSON");
    assertEquals(failure.failure(), struck.failure());
    assertEquals(failure.maybeSent(), struck.maybeSent());
  }
}
