// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.bus;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.NextStep;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestMessageTest {
  private static final Instant NOW = Instant.parse("2026-11-23T10:00:00Z");

  @Test
  void a_request_is_a_json_object_with_the_request_id() {
    assertEquals(new JsonObject("{\"requestId\":\"id-1\"}"), RequestMessage.encode("id-1"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"id-1", "", " ", "a/b", "{\"requestId\":\"id-1\"}", "\uD83D"})
  void a_string_body_is_the_request_id(String body) {
    assertEquals(body, RequestMessage.decode(body));
  }

  @ParameterizedTest
  @ValueSource(strings = {"id-1", "", "a/b", "\uD83D\uDE00"})
  void decoding_a_request_returns_its_request_id(String id) {
    assertEquals(id, RequestMessage.decode(RequestMessage.encode(id)));
  }

  @Test
  void unknown_fields_of_a_request_are_ignored() {
    assertEquals(
        "id-1", RequestMessage.decode(new JsonObject().put("requestId", "id-1").put("other", 1)));
  }

  static Stream<Object> invalidRequests() {
    return Stream.of(
        new JsonObject(),
        new JsonObject().putNull("requestId"),
        new JsonObject().put("requestId", 4071),
        new JsonObject().put("requestId", true),
        new JsonObject().put("requestId", new JsonObject()),
        new JsonObject().put("requestId", new JsonArray().add("4071")),
        new JsonObject().put("requestid", "4071"),
        new JsonObject().put("id", "4071"),
        new JsonArray().add("4071"),
        4071,
        4071L,
        40.71,
        true,
        '4',
        Buffer.buffer("4071"),
        "4071".getBytes(StandardCharsets.UTF_8),
        Map.of("requestId", "4071"),
        List.of("4071"));
  }

  @ParameterizedTest
  @NullSource
  @MethodSource("invalidRequests")
  void a_body_of_another_format_is_an_invalid_request(Object body) {
    ResendException failure = refusalOf(body);
    assertEquals(ResendFailure.INVALID_REQUEST, failure.failure());
    assertEquals(400, failure.httpStatus());
    assertFalse(failure.maybeSent());
    assertEquals(NextStep.FIX_REQUEST, failure.nextStep());
  }

  @ParameterizedTest
  @NullSource
  @MethodSource("invalidRequests")
  void a_refusal_says_what_is_allowed_and_does_not_show_the_body(Object body) {
    String message = refusalOf(body).getMessage();
    assertTrue(message.contains("{\"requestId\": \"…\"}"), message);
    assertTrue(message.contains("a bare id as a string"), message);
    assertFalse(message.contains("4071"), message);
  }

  @Test
  void a_refusal_names_the_type_of_the_body() {
    assertTrue(refusalOf(null).getMessage().endsWith("but null"));
    assertTrue(refusalOf(7).getMessage().endsWith("a java.lang.Integer"));
    assertTrue(refusalOf(new JsonArray()).getMessage().endsWith("a io.vertx.core.json.JsonArray"));
    assertTrue(refusalOf(new JsonObject()).getMessage().contains("JSON object"));
  }

  @Test
  void a_message_without_an_expiry_time_does_not_expire() {
    assertDoesNotThrow(() -> RequestMessage.checkExpiry(null, NOW));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 60_000})
  void a_message_is_valid_until_its_expiry_time(long millisLeft) {
    String expiresAt = Long.toString(NOW.toEpochMilli() + millisLeft);
    assertDoesNotThrow(() -> RequestMessage.checkExpiry(expiresAt, NOW));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "0", "-9223372036854775808"})
  void a_message_that_arrives_after_its_expiry_time_has_expired(String expiresAt) {
    ResendException refusal = expiryRefusalOf(expiresAt);
    assertEquals(ResendFailure.EXPIRED, refusal.failure());
    assertFalse(refusal.maybeSent());
  }

  @Test
  void a_message_that_arrives_a_millisecond_after_its_expiry_time_has_expired() {
    assertEquals(
        ResendFailure.EXPIRED, expiryRefusalOf(Long.toString(NOW.toEpochMilli() - 1)).failure());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "soon", "1.5", " 1", "0x1", "9223372036854775808"})
  void an_expiry_time_that_is_not_a_number_is_an_invalid_request(String expiresAt) {
    assertEquals(ResendFailure.INVALID_REQUEST, expiryRefusalOf(expiresAt).failure());
  }

  private static ResendException expiryRefusalOf(String expiresAt) {
    return assertThrows(ResendException.class, () -> RequestMessage.checkExpiry(expiresAt, NOW));
  }

  private static ResendException refusalOf(Object body) {
    return assertThrows(ResendException.class, () -> RequestMessage.decode(body));
  }
}
