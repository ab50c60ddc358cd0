// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.Json;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.Timeout;

/**
 * A message and a reply on the event bus: a line with the header {@code expires-at}, and a body,
 * which is JSON or a text.
 */
@Timeout(10) // of one input, in seconds
class RequestMessageFuzzTest {
  private static final Instant NOW = Instant.parse("2026-11-23T10:00:00Z");

  @FuzzTest
  void whatever_message_comes_it_is_a_request_or_refused(byte[] bytes) {
    FuzzInput input = new FuzzInput(bytes);
    String expiresAt = input.line();
    Object body = jsonOrText(input.restAsText());
    try {
      ResendMessage.checkExpiry(expiresAt.isEmpty() ? null : expiresAt, NOW);
      String id = ResendMessage.decodeRequest(body);
      assertEquals(id, ResendMessage.decodeRequest(ResendMessage.encodeRequest(id)));
    } catch (ResendException refusal) {
      assertTrue(
          Set.of(ResendFailure.INVALID_REQUEST, ResendFailure.EXPIRED).contains(refusal.failure()));
      assertFalse(refusal.maybeSent());
    }
    try {
      ResendResponse response = ResendMessage.decodeReply(body);
      assertEquals(response, ResendMessage.decodeReply(response.toJson()));
    } catch (ResendException refusal) {
      assertEquals(ResendFailure.INVALID_RESPONSE, refusal.failure());
      assertTrue(refusal.maybeSent());
    }
  }

  private static Object jsonOrText(String text) {
    try {
      return Json.decodeValue(text);
    } catch (DecodeException e) {
      return text;
    }
  }
}
