// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.ReplyDecoder;
import io.github.otpresend.internal.bus.RequestMessage;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.Json;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.Timeout;

/**
 * A fuzz test of messages and replies on the event bus. The input is a line with the header {@code
 * expires-at}, and a body: JSON or a text.
 */
@Timeout(10) // seconds for each input
class RequestMessageFuzzTest {
  private static final Instant NOW = Instant.parse("2026-11-23T10:00:00Z");

  @FuzzTest
  void any_message_and_any_reply_is_decoded_or_refused(byte[] bytes) {
    FuzzInput input = new FuzzInput(bytes);
    String expiresAt = input.line();
    Object body = jsonOrText(input.restAsText());
    try {
      RequestMessage.checkExpiry(expiresAt.isEmpty() ? null : expiresAt, NOW);
      String id = RequestMessage.decode(body);
      assertEquals(id, RequestMessage.decode(RequestMessage.encode(id)));
    } catch (ResendException refusal) {
      assertTrue(
          Set.of(ResendFailure.INVALID_REQUEST, ResendFailure.EXPIRED).contains(refusal.failure()));
      assertFalse(refusal.maybeSent());
    }
    try {
      ResendResponse response = ReplyDecoder.response(body);
      assertEquals(response, ReplyDecoder.response(response.toJson()));
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
