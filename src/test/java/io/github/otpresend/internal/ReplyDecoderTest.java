// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReplyDecoderTest {
  @Test
  void the_field_names_match_the_event_bus_contract() {
    assertEquals(
        List.of(
            "requestId",
            "expires-at",
            "success",
            "type",
            "message",
            "httpStatus",
            "maybeSent",
            "retryAfterMs",
            "payload"),
        List.of(
            WireNames.REQUEST_ID,
            WireNames.EXPIRES_AT,
            WireNames.SUCCESS,
            WireNames.TYPE,
            WireNames.MESSAGE,
            WireNames.HTTP_STATUS,
            WireNames.MAYBE_SENT,
            WireNames.RETRY_AFTER_MS,
            WireNames.PAYLOAD));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void decoding_a_reply_returns_the_response(boolean success) {
    ResendResponse response = new ResendResponse(success);
    assertEquals(new JsonObject().put("success", success), response.toJson());
    assertEquals(response, ReplyDecoder.response(response.toJson()));
  }

  static Stream<Object> invalidReplies() {
    return Stream.of(
        new JsonObject(),
        new JsonObject().putNull("success"),
        new JsonObject().put("success", "true"),
        new JsonObject().put("success", 1),
        new JsonObject().put("Success", true),
        new JsonArray().add(true),
        "{\"success\":true}",
        true,
        1,
        Buffer.buffer("{\"success\":true}"));
  }

  @ParameterizedTest
  @NullSource
  @MethodSource("invalidReplies")
  void a_reply_of_another_format_is_an_invalid_response_that_may_have_been_sent(Object body) {
    ResendException failure =
        assertThrows(ResendException.class, () -> ReplyDecoder.response(body));
    assertEquals(ResendFailure.INVALID_RESPONSE, failure.failure());
    assertTrue(failure.maybeSent());
  }
}
