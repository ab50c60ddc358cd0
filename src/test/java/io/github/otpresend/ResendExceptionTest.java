// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.testing.Answers.assertSameFailure;
import static io.github.otpresend.testing.Answers.ofService;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.http.ResponseDecoder;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class ResendExceptionTest {
  // accessors

  @ParameterizedTest
  @EnumSource(ResendFailure.class)
  void a_failure_of_the_library_has_the_values_of_its_kind(ResendFailure kind) {
    ResendException failure = new ResendException(kind, "text");
    assertEquals(kind, failure.failure());
    assertEquals(kind.type(), failure.type());
    assertEquals(kind.httpStatus(), failure.httpStatus());
    assertEquals(kind.maybeSent(), failure.maybeSent());
    assertEquals(kind.maybeSent() ? NextStep.AWAIT_CODE : kind.nextStep(), failure.nextStep());
    assertEquals("text", failure.getMessage());
    assertEquals(Optional.empty(), failure.retryAfter());
    assertEquals(Optional.empty(), failure.payload());
  }

  @Test
  void a_failure_has_no_stack_trace() {
    assertEquals(0, new ResendException(ResendFailure.TIMEOUT, "x").getStackTrace().length);
    assertEquals(0, ofService("New", 418, "x", null, null).getStackTrace().length);
  }

  @Test
  void the_cause_of_a_failure_is_kept() {
    Exception cause = new Exception();
    assertSame(cause, Failures.of(ResendFailure.CONNECTION_LOST, "x", cause).getCause());
  }

  @Test
  void changing_a_payload_object_does_not_change_the_failure() {
    ResendException failure = ofService("New", 418, "x", null, new JsonObject("{\"a\":{\"b\":1}}"));
    JsonObject payload = (JsonObject) failure.payload().orElseThrow();
    payload.getJsonObject("a").put("b", 2);
    payload.put("c", 3);
    assertEquals(Optional.of(new JsonObject("{\"a\":{\"b\":1}}")), failure.payload());
  }

  @Test
  void changing_a_payload_array_does_not_change_the_failure() {
    ResendException failure = ofService("New", 418, "x", null, new JsonArray("[[1]]"));
    JsonArray payload = (JsonArray) failure.payload().orElseThrow();
    payload.getJsonArray(0).add(2);
    assertEquals(Optional.of(new JsonArray("[[1]]")), failure.payload());
  }

  @Test
  void changing_the_payload_that_was_given_does_not_change_the_failure() {
    JsonObject payload = new JsonObject("{\"a\":1}");
    ResendException failure = ofService("New", 418, "x", null, payload);
    payload.put("a", 2);
    assertEquals(Optional.of(new JsonObject("{\"a\":1}")), failure.payload());
  }

  @Test
  void changing_the_json_does_not_change_the_failure() {
    ResendException failure = ofService("New", 418, "x", null, new JsonObject("{\"a\":1}"));
    failure.toJson().getJsonObject("payload").put("a", 2);
    assertEquals(Optional.of(new JsonObject("{\"a\":1}")), failure.payload());
  }

  @Test
  void the_text_has_the_kind_the_status_whether_a_code_was_sent_and_the_message() {
    assertEquals(
        "io.github.otpresend.ResendException: SESSION_NOT_FOUND (404, not sent): Сессия не найдена",
        ofService("SessionNotFoundException", 404, "Сессия не найдена", null, null).toString());
    assertEquals(
        "io.github.otpresend.ResendException: SERVER_ERROR (503, maybe sent): x",
        ofService(null, 503, "x", null, null).toString());
  }

  // public constructors

  @Test
  void a_fake_failure_has_the_values_that_it_was_given() {
    Exception cause = new Exception();
    ResendException failure =
        new ResendException(
            ResendFailure.BLOCKED,
            "WidgetNotFoundException",
            404,
            true,
            "text",
            Duration.ofSeconds(3),
            new JsonArray().add(1),
            cause);
    assertEquals(ResendFailure.BLOCKED, failure.failure());
    assertEquals("WidgetNotFoundException", failure.type());
    assertEquals(404, failure.httpStatus());
    assertTrue(failure.maybeSent());
    assertEquals("text", failure.getMessage());
    assertEquals(Optional.of(Duration.ofSeconds(3)), failure.retryAfter());
    assertEquals(Optional.of(new JsonArray().add(1)), failure.payload());
    assertSame(cause, failure.getCause());
  }

  @Test
  void a_negative_time_to_wait_is_refused() {
    IllegalArgumentException refusal =
        assertThrows(
            IllegalArgumentException.class,
            () -> ofService("New", 418, "x", Duration.ofMillis(-1), null));
    assertEquals("retryAfter is PT-0.001S; it must not be negative", refusal.getMessage());
  }

  @Test
  void a_payload_that_is_not_json_is_refused() {
    IllegalArgumentException refusal =
        assertThrows(
            IllegalArgumentException.class,
            () -> ofService("New", 418, "x", null, new StringBuilder("x")));
    assertEquals(
        "payload is a java.lang.StringBuilder; it must be a JsonObject, a JsonArray, a text, a"
            + " number, a boolean or null",
        refusal.getMessage());
  }

  @Test
  void a_failure_needs_a_kind_a_type_and_a_message() {
    assertThrows(NullPointerException.class, () -> new ResendException(null, "x"));
    assertThrows(NullPointerException.class, () -> new ResendException(ResendFailure.CLOSED, null));
    assertThrows(
        NullPointerException.class,
        () -> new ResendException(ResendFailure.CLOSED, null, 503, false, "x", null, null, null));
  }

  // serialization

  @ParameterizedTest
  @MethodSource("failures")
  void serialization_keeps_every_value(ResendException failure) throws Exception {
    ResendException copy = serialized(failure);
    assertNotSame(failure, copy);
    assertSameFailure(failure, copy);
    assertEquals(failure.toString(), copy.toString());
  }

  @Test
  void serialization_keeps_neither_the_cause_nor_the_suppressed_exceptions() throws Exception {
    Exception notSerializable =
        new Exception("expected by this test") {
          @SuppressWarnings("unused")
          private final Object field = new Object();
        };
    ResendException failure =
        Failures.of(ResendFailure.CONNECTION_FAILED, "No connection", notSerializable);
    failure.addSuppressed(notSerializable);
    ResendException copy = serialized(failure);
    assertSameFailure(failure, copy);
    assertNull(copy.getCause());
    assertEquals(0, copy.getSuppressed().length);
  }

  private static ResendException serialized(ResendException failure) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(failure);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      return (ResendException) in.readObject();
    }
  }

  // JSON

  @Test
  void the_json_has_four_fields_without_retry_after_and_payload() {
    JsonObject json = new ResendException(ResendFailure.TIMEOUT, "Too late").toJson();
    assertEquals(Set.of("type", "message", "httpStatus", "maybeSent"), json.fieldNames());
    assertEquals("TimeoutException", json.getValue("type"));
    assertEquals("Too late", json.getValue("message"));
    assertEquals(504, json.getValue("httpStatus"));
    assertEquals(true, json.getValue("maybeSent"));
  }

  @Test
  void the_json_has_six_fields_with_retry_after_and_payload() {
    JsonObject json =
        ofService(
                "RestartCooldownActiveException",
                409,
                "Ждите",
                Duration.ofSeconds(30),
                new JsonObject("{\"channel\":\"sms\"}"))
            .toJson();
    assertEquals(
        new JsonObject(
            "{\"type\":\"RestartCooldownActiveException\",\"message\":\"Ждите\",\"httpStatus\":409,\"maybeSent\":false,\"retryAfterMs\":30000,\"payload\":{\"channel\":\"sms\"}}"),
        new JsonObject(json.encode()));
    assertEquals(6, json.size());
  }

  @Test
  void the_json_keeps_an_unknown_type() {
    assertEquals("New", ofService("New", 418, "x", null, null).toJson().getValue("type"));
  }

  // from

  @Test
  void from_returns_a_resend_exception_unchanged() {
    ResendException failure = new ResendException(ResendFailure.CLOSED, "x");
    assertSame(failure, ResendException.from(failure));
  }

  static Stream<ResendException> failures() {
    return Stream.concat(
        Stream.of(ResendFailure.values()).map(kind -> new ResendException(kind, "Почему " + kind)),
        Stream.of(
            ofService("SessionNotFoundException", 404, "Сессия не найдена", null, null),
            ofService("CommonForbiddenException", 403, "Запрещено", null, null),
            ofService(null, 401, "The service answered 401", null, null),
            ofService(null, 418, "x", null, null),
            ofService(null, 503, "x", Duration.ZERO, null),
            ofService(null, 600, "x", null, null),
            ofService("SessionNotFoundException", 500, "x", null, null),
            ofService("InternalServerErrorException", 503, "x", Duration.ofMillis(1), null),
            ofService("New", 418, "", Duration.ofSeconds(999_999_999), new JsonObject()),
            ofService("", 500, "x", null, new JsonArray()),
            ofService("ClientClosedException", 500, "x", null, null),
            ofService("TimeoutException", 400, "x", null, null),
            ofService(
                "\"\\\n\u2028\uD83D\uDE00", 418, "\"\\\n\u0000\u2028\uD83D\uDE00", null, "\""),
            ofService("New", 418, "x", null, 7),
            ofService("New", 418, "x", null, 7_000_000_000L),
            ofService("New", 418, "x", null, new BigInteger("7".repeat(1_000))),
            ofService("New", 418, "x", null, new BigDecimal("7.25")),
            ofService("New", 418, "x", null, new BigDecimal("1e999999999")),
            ofService("New", 418, "x", null, true),
            ofService("New", 418, "x", null, new JsonArray("[1,\"два\",null,{\"a\":[{}]}]")),
            ofService(
                "New", 418, "x", null, new JsonObject("{\"type\":\"x\",\"a\":{\"b\":null}}"))));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void a_failure_survives_the_event_bus_with_all_its_values(ResendException failure) {
    ResendException decoded =
        ResendException.from(recipientFailure(failure.httpStatus(), failure.toJson().encode()));
    assertNotSame(failure, decoded);
    assertSameFailure(failure, decoded);
  }

  @Test
  void a_failure_with_a_long_number_in_its_payload_survives_the_event_bus() {
    for (String number : new String[] {"9".repeat(998) + "e1", "10e2147483647", "1e999", "7.25"}) {
      String body = "{\"type\":\"SessionNotFoundException\",\"payload\":" + number + "}";
      ResendException failure =
          ResponseDecoder.decode(
                  404,
                  MultiMap.caseInsensitiveMultiMap(),
                  Buffer.buffer(body),
                  InstantSource.fixed(Instant.EPOCH))
              .failure();
      ResendException decoded =
          ResendException.from(recipientFailure(404, failure.toJson().encode()));
      assertEquals(ResendFailure.SESSION_NOT_FOUND, decoded.failure(), number);
      assertSameFailure(failure, decoded);
    }
  }

  @Test
  void a_no_handlers_failure_is_a_failed_connection() {
    ReplyException reply = new ReplyException(ReplyFailure.NO_HANDLERS, -1, "No handlers");
    ResendException failure = ResendException.from(reply);
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertEquals(503, failure.httpStatus());
    assertFalse(failure.maybeSent());
    assertSame(reply, failure.getCause());
  }

  @Test
  void a_timeout_of_the_event_bus_is_a_timeout_that_may_have_been_sent() {
    ResendException failure =
        ResendException.from(new ReplyException(ReplyFailure.TIMEOUT, -1, "Timed out"));
    assertEquals(ResendFailure.TIMEOUT, failure.failure());
    assertEquals(504, failure.httpStatus());
    assertTrue(failure.maybeSent());
  }

  @Test
  void a_message_that_no_consumer_received_was_not_sent() {
    ReplyException discarded =
        new ReplyException(
            ReplyFailure.TIMEOUT, "Discarded the request. address: 1, repliedAddress: otp.resend");
    ResendException failure = ResendException.from(discarded);
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertFalse(failure.maybeSent());
  }

  @Test
  void an_error_of_the_event_bus_may_have_been_sent() {
    ResendException failure =
        ResendException.from(new ReplyException(ReplyFailure.ERROR, -1, "Broken"));
    assertEquals(ResendFailure.CONNECTION_LOST, failure.failure());
    assertTrue(failure.maybeSent());
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(
      strings = {
        "",
        "No",
        "null",
        "[]",
        "{}",
        "{\"type\":\"TimeoutException\"}",
        "{\"type\":5,\"message\":\"x\",\"httpStatus\":404,\"maybeSent\":false}",
        "{\"type\":\"ClientClosedException\",\"message\":5,\"httpStatus\":404,\"maybeSent\":false}",
        "{\"type\":\"ClientClosedException\",\"message\":null,\"httpStatus\":404,\"maybeSent\":false}",
        "{\"type\":\"ClientClosedException\",\"message\":\"x\",\"httpStatus\":404,\"maybeSent\":\"false\"}",
        "{\"type\":\"ClientClosedException\",\"message\":\"x\",\"httpStatus\":404,\"maybeSent\":0}",
        "{\"type\":\"ClientClosedException\",\"message\":\"x\",\"httpStatus\":404}",
        "{\"type\":\"ClientClosedException\",\"message\":\"x\",\"maybeSent\":false} and more",
        "{\"type\":\"ClientClosedException\",\"message\":\"x\",\"maybeSent\":false",
        "{\"type\":\"a\",\"type\":\"b\",\"message\":\"x\",\"maybeSent\":false}",
      })
  void a_failure_of_another_format_is_unrecognized_and_may_have_been_sent(String message) {
    ResendException failure = ResendException.from(recipientFailure(404, message));
    assertEquals(ResendFailure.UNRECOGNIZED, failure.failure());
    assertEquals("UnrecognizedException", failure.type());
    assertEquals(404, failure.httpStatus());
    assertTrue(failure.maybeSent());
    assertEquals("The event-bus failure is not a failure of a resend", failure.getMessage());
  }

  @Test
  void optional_fields_of_the_wrong_type_are_ignored() {
    ResendException failure =
        ResendException.from(
            recipientFailure(
                404,
                "{\"type\":\"SessionNotFoundException\",\"message\":\"x\",\"maybeSent\":false,\"retryAfterMs\":\"30\",\"payload\":null}"));
    assertEquals(ResendFailure.SESSION_NOT_FOUND, failure.failure());
    assertEquals(Optional.empty(), failure.retryAfter());
    assertEquals(Optional.empty(), failure.payload());
  }

  @Test
  void a_negative_retry_after_is_ignored() {
    ResendException failure =
        ResendException.from(
            recipientFailure(
                409,
                "{\"type\":\"RestartCooldownActiveException\",\"message\":\"x\",\"maybeSent\":false,\"retryAfterMs\":-1}"));
    assertEquals(ResendFailure.RESTART_COOLDOWN_ACTIVE, failure.failure());
    assertEquals(Optional.empty(), failure.retryAfter());
  }

  @Test
  void a_retry_after_of_zero_is_kept() {
    ResendException failure =
        ResendException.from(
            recipientFailure(
                409,
                "{\"type\":\"RestartCooldownActiveException\",\"message\":\"x\",\"maybeSent\":false,\"retryAfterMs\":0}"));
    assertEquals(Optional.of(Duration.ZERO), failure.retryAfter());
  }

  @ParameterizedTest
  @CsvSource({
    "SessionNotFoundException, 500, SESSION_NOT_FOUND",
    "UnauthorizedException, 200, UNAUTHORIZED",
    "InternalServerErrorException, 400, SERVER_ERROR",
    "InternalServerErrorException, 500, SERVER_ERROR",
    "UnrecognizedException, 500, UNRECOGNIZED",
    "ChannelChangedException, 400, CHANNEL_CHANGED",
    "UnrecognizedException, 400, UNRECOGNIZED",
    "UnrecognizedException, 408, UNRECOGNIZED",
    "New, 399, UNRECOGNIZED",
    "New, 400, UNRECOGNIZED",
    "New, 403, UNRECOGNIZED",
    "New, 409, UNRECOGNIZED",
    "New, 499, UNRECOGNIZED",
    "New, 503, SERVER_ERROR",
    "TimeoutException, 400, UNRECOGNIZED",
    "InvalidRequestException, 403, UNRECOGNIZED",
    "ConnectionFailedException, 500, SERVER_ERROR",
    "TimeoutException, 504, TIMEOUT",
  })
  void maybe_sent_false_is_ignored_if_the_type_or_the_status_contradicts_it(
      String type, int status, ResendFailure kind) {
    ResendException failure = ResendException.from(unsent(type, status));
    assertTrue(failure.maybeSent());
    assertEquals(NextStep.AWAIT_CODE, failure.nextStep());
    assertEquals(kind, failure.failure());
  }

  @ParameterizedTest
  @CsvSource({
    "SessionNotFoundException, 404",
    "SessionNotFoundException, 400",
    "RateLimitException, 499",
    "about:blank, 401",
    "New, 404",
    "New, 429",
    "TimeoutException, 405",
    "ConnectionFailedException, 503",
    "ExpiredException, 504",
    "AlreadyInProgressException, 409",
    "InvalidRequestException, 400",
  })
  void maybe_sent_false_is_accepted_for_a_refusal_and_for_a_failure_of_the_library(
      String type, int status) {
    assertFalse(ResendException.from(unsent(type, status)).maybeSent());
  }

  @ParameterizedTest
  @EnumSource(from = "INVALID_REQUEST")
  void a_service_that_uses_a_type_of_the_library_has_the_same_outcome_over_the_event_bus(
      ResendFailure own) {
    for (int status : new int[] {400, 401, 404, 409, 429, 500, 502, 503, 504}) {
      ResendException failure = ofService(own.type(), status, "x", null, null);
      assertNotEquals(own, failure.failure());
      ResendException decoded =
          ResendException.from(recipientFailure(status, failure.toJson().encode()));
      assertSameFailure(failure, decoded);
    }
  }

  @ParameterizedTest
  @EnumSource(ResendFailure.class)
  void the_next_step_never_orders_a_second_code(ResendFailure kind) {
    ResendException maybeSent =
        new ResendException(kind, kind.type(), 400, true, "x", null, null, null);
    assertEquals(NextStep.AWAIT_CODE, maybeSent.nextStep());
    ResendException unsent =
        new ResendException(kind, kind.type(), 400, false, "x", null, null, null);
    assertEquals(kind.nextStep(), unsent.nextStep());
  }

  private static ReplyException unsent(String type, int status) {
    return recipientFailure(
        status, "{\"type\":\"" + type + "\",\"message\":\"x\",\"maybeSent\":false}");
  }

  @Test
  void unknown_fields_are_ignored() {
    ResendException failure =
        ResendException.from(
            recipientFailure(
                503,
                "{\"type\":\"ClientClosedException\",\"message\":\"x\",\"maybeSent\":false,\"later\":1}"));
    assertEquals(ResendFailure.CLOSED, failure.failure());
  }

  @Test
  void another_exception_becomes_the_cause_of_an_unrecognized_failure_that_is_maybe_sent() {
    IllegalStateException other = new IllegalStateException("other");
    ResendException failure = ResendException.from(other);
    assertEquals(ResendFailure.UNRECOGNIZED, failure.failure());
    assertEquals(500, failure.httpStatus());
    assertTrue(failure.maybeSent());
    assertSame(other, failure.getCause());
  }

  static Stream<Throwable> wrapped() {
    ResendException failure = new ResendException(ResendFailure.RATE_LIMITED, "slow down");
    ReplyException reply = recipientFailure(429, failure.toJson().encode());
    ResendException lost = new ResendException(ResendFailure.CONNECTION_LOST, "broke");
    Exception withSuppressed = new CompletionException(failure);
    withSuppressed.addSuppressed(lost);
    Exception circle = new Exception("circle");
    Exception cause = new Exception(circle);
    circle.initCause(cause);
    cause.addSuppressed(failure);
    Exception suppressing = new Exception(new IOException());
    suppressing.addSuppressed(new CompletionException(reply));
    return Stream.of(
        new CompletionException(failure),
        new CompletionException(reply),
        new ExecutionException(new CompletionException(new RuntimeException(failure))),
        withSuppressed,
        suppressing,
        circle);
  }

  @ParameterizedTest
  @MethodSource("wrapped")
  void from_returns_the_failure_inside_another_exception(Throwable failure) {
    assertEquals(ResendFailure.RATE_LIMITED, ResendException.from(failure).failure());
    assertEquals("slow down", ResendException.from(failure).getMessage());
  }

  @Test
  void from_prefers_a_suppressed_failure_that_is_maybe_sent() {
    Exception failure = new Exception();
    failure.addSuppressed(new ResendException(ResendFailure.CONNECTION_FAILED, "first"));
    failure.addSuppressed(new Exception(new ResendException(ResendFailure.TIMEOUT, "second")));
    failure.addSuppressed(new ResendException(ResendFailure.CLOSED, "third"));
    assertEquals("second", ResendException.from(failure).getMessage());
  }

  @Test
  void an_exception_without_a_resend_failure_inside_is_unrecognized() {
    Exception failure = new Exception(new IOException());
    failure.addSuppressed(failure.getCause());
    assertEquals(ResendFailure.UNRECOGNIZED, ResendException.from(failure).failure());
    assertSame(failure, ResendException.from(failure).getCause());
  }

  @Test
  void from_null_throws_a_null_pointer_exception() {
    assertThrows(NullPointerException.class, () -> ResendException.from(null));
  }

  private static ReplyException recipientFailure(int code, String message) {
    return new ReplyException(ReplyFailure.RECIPIENT_FAILURE, code, message);
  }
}
