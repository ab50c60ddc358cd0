// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.NextStep;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.Outcome;
import io.github.otpresend.internal.StrictJson;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.PrematureChannelClosureException;
import io.vertx.core.MultiMap;
import io.vertx.core.VertxException;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ResponseDecoderTest {
  private static final InstantSource NOW =
      InstantSource.fixed(Instant.parse("2026-11-23T10:00:00Z"));

  private static final Set<ResendFailure> KINDS_OF_SERVICE =
      EnumSet.range(ResendFailure.RESEND_CHANNEL, ResendFailure.UNRECOGNIZED);

  // incomplete answers

  static Stream<Throwable> lostConnections() {
    return Stream.of(
        new IOException("Connection reset"),
        new VertxException("Connection was closed"),
        new PrematureChannelClosureException(),
        new DecoderException(new SSLException("Received fatal alert")));
  }

  @ParameterizedTest
  @MethodSource("lostConnections")
  void an_answer_that_breaks_off_is_a_lost_connection(Throwable cause) {
    ResendException failure = incomplete(cause);
    assertEquals(ResendFailure.CONNECTION_LOST, failure.failure());
    assertSame(cause, failure.getCause());
  }

  static Stream<Throwable> decoderFailures() {
    return Stream.of(
        new IllegalArgumentException("invalid version format: <canary>"),
        new DecoderException(new IllegalStateException("<canary>")));
  }

  @ParameterizedTest
  @MethodSource("decoderFailures")
  void an_answer_that_is_not_http_is_an_invalid_response_without_its_text(Throwable cause) {
    ResendException failure = incomplete(cause);
    assertEquals(ResendFailure.INVALID_RESPONSE, failure.failure());
    assertFalse(failure.getMessage().contains("canary"));
  }

  private static ResendException incomplete(Throwable cause) {
    BoundedBody body = new BoundedBody(null, 1); // without a connection, since nothing closes it
    return Objects.requireNonNull(ResponseDecoder.decode(body, null, cause).failure());
  }

  // success

  @ParameterizedTest
  @ValueSource(ints = {200, 201, 202, 206, 226, 299})
  void any_2xx_with_a_success_object_is_a_success(int status) {
    assertEquals(new ResendResponse(true), decode(status, "{\"success\":true}"));
  }

  @Test
  void a_success_of_false_is_kept() {
    assertEquals(new ResendResponse(false), decode(201, "{\"success\":false}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"success\":true,\"id\":7,\"type\":\"SessionNotFoundException\",\"x\":[{\"success\":false}]}",
        "{\"x\":null,\"success\":true}",
        " \t\r\n{ \"success\" : true } \r\n",
        "{\"\\u0073uccess\":true}",
      })
  void unknown_fields_and_white_space_are_ignored(String body) {
    assertEquals(new ResendResponse(true), decode(201, body));
  }

  @Test
  void a_byte_order_mark_before_the_object_is_ignored() {
    assertEquals(new ResendResponse(true), decode(201, "\uFEFF{\"success\":true}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "null",
        "true",
        "1",
        "\"\"",
        "\"success\"",
        "[]",
        "[true]",
        "[{\"success\":true}]",
        "{}",
        "{\"success\":\"true\"}",
        "{\"success\":\"\"}",
        "{\"success\":1}",
        "{\"success\":0}",
        "{\"success\":1.0}",
        "{\"success\":null}",
        "{\"success\":[true]}",
        "{\"success\":{}}",
        "{\"Success\":true}",
        "{\"result\":{\"success\":true}}",
        "{\"success\":True}",
        "{'success':true}",
        "{success:true}",
        "{\"success\":true,}",
        "{\"success\":true,\"x\":NaN}",
        "{\"success\":true,\"x\":01}",
        "{\"success\":true}/* */",
        "{\"success\":true,\"success\":true}",
        "{\"success\":false,\"success\":true}",
        "{\"success\":true,\"x\":1,\"x\":1}",
        "{\"success\":true,\"x\":{\"y\":1,\"y\":1}}",
        "{",
        "{\"success\"",
        "{\"success\":",
        "{\"success\":tru",
        "{\"success\":true",
        "{\"success\":true,",
        "{\"success\":true,\"x\":\"",
        "{\"success\":true}x",
        "{\"success\":true} {}",
        "{\"success\":true}{\"success\":true}",
        "{\"success\":true}\n{\"success\":true}",
        "{\"success\":true}]",
        "{\"success\":true},",
        "{\"success\":true}\u0000",
        "\uFEFF\uFEFF{\"success\":true}",
        "<html><body>OK</body></html>",
      })
  void a_2xx_with_any_other_body_is_an_invalid_response(String body) {
    assertInvalid(refusal(201, body));
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 204, 205})
  void a_2xx_without_a_body_is_an_invalid_response(int status) {
    assertInvalid(refusal(status, ""));
  }

  @Test
  void a_2xx_with_an_error_object_is_an_invalid_response() {
    assertInvalid(
        refusal(
            200, "{\"type\":\"SessionNotFoundException\",\"message\":\"x\",\"httpStatus\":404}"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"FF", "80", "C328", "E282", "F09F98", "EDA080", "FE", "C3", "EFBFBDFF"})
  void a_body_that_is_not_utf_8_is_an_invalid_response(String hex) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes("{\"success\":true,\"x\":\"".getBytes(StandardCharsets.UTF_8));
    body.writeBytes(HexFormat.of().parseHex(hex));
    body.writeBytes("\"}".getBytes(StandardCharsets.UTF_8));
    assertInvalid(
        assertThrows(ResendException.class, () -> decode(201, Buffer.buffer(body.toByteArray()))));
  }

  @Test
  void the_replacement_character_is_utf_8() {
    assertEquals(new ResendResponse(true), decode(201, "{\"success\":true,\"x\":\"\ufffd\"}"));
  }

  @Test
  void nesting_up_to_the_limit_is_accepted() {
    assertEquals(new ResendResponse(true), decode(201, nested(StrictJson.MAX_DEPTH)));
  }

  @ParameterizedTest
  @ValueSource(ints = {StrictJson.MAX_DEPTH + 1, 1_000, 100_000})
  void deeper_nesting_is_an_invalid_response(int depth) {
    assertInvalid(refusal(201, nested(depth)));
  }

  /** Returns an object with this many levels of nesting. The object itself is the first. */
  private static String nested(int depth) {
    return "{\"success\":true,\"x\":" + "[".repeat(depth - 1) + "]".repeat(depth - 1) + "}";
  }

  @ParameterizedTest
  @ValueSource(strings = {"1e999", "-1e999", "1e-999", "1e999999999", "1e-999999999"})
  void a_huge_number_in_an_unknown_field_is_ignored(String number) {
    assertEquals(new ResendResponse(true), decode(201, "{\"success\":true,\"x\":" + number + "}"));
  }

  @Test
  void a_number_of_two_thousand_digits_is_an_invalid_response() {
    assertInvalid(refusal(201, "{\"success\":true,\"x\":" + "9".repeat(2_000) + "}"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1e99999999999", "1e-99999999999"})
  void a_number_that_a_big_decimal_cannot_hold_is_an_invalid_response(String number) {
    assertInvalid(refusal(201, "{\"success\":true,\"x\":" + number + "}"));
  }

  @ParameterizedTest
  @ValueSource(ints = {100, 101, 103, 199, 300, 301, 302, 303, 304, 307, 308, 399})
  void a_status_below_400_that_is_not_2xx_is_an_invalid_response(int status) {
    assertInvalid(refusal(status, "{\"success\":true}"));
    assertInvalid(refusal(status, "{\"type\":\"SessionNotFoundException\",\"message\":\"x\"}"));
    assertInvalid(refusal(status, ""));
  }

  @ParameterizedTest
  @CsvSource({"201", "303", "100"})
  void an_invalid_response_shows_its_status_and_does_not_show_its_body(int status) {
    String body = "{\"success\":\"geheim\",\"type\":\"geheim\",\"message\":\"geheim\"}";
    for (String shown : new String[] {body, "geheim", body + "geheim", "\"geheim"}) {
      ResendException failure = refusal(status, shown);
      assertTrue(failure.getMessage().contains(Integer.toString(status)), failure.getMessage());
      assertFalse(failure.toString().contains("geheim"), failure.toString());
      assertFalse(failure.toJson().encode().contains("geheim"));
      assertEquals(null, failure.getCause());
    }
  }

  // refusals in the documentation of the service

  static Stream<Arguments> documented() {
    return Stream.of(
        row(
            "{\"type\":\"ResendChannelException\",\"message\":\"Перезапустите"
                + " канал\",\"httpStatus\":400}",
            400,
            ResendFailure.RESEND_CHANNEL,
            "ResendChannelException",
            NextStep.RESEND,
            "Перезапустите канал"),
        row(
            "{\"type\":\"AttemptsExpiredException\",\"message\":\"Количество попыток ввода кода"
                + " исчерпано, запустите попытку авторизации заново\",\"httpStatus\":400}",
            400,
            ResendFailure.ATTEMPTS_EXPIRED,
            "AttemptsExpiredException",
            NextStep.START_OVER,
            "Количество попыток ввода кода исчерпано, запустите попытку авторизации заново"),
        row(
            "{\"type\":\"NoAvailableChannelsException\",\"message\":\"Нет подходящих каналов для"
                + " отправки сообщения, запустите попытку авторизации заново\",\"httpStatus\":400}",
            400,
            ResendFailure.NO_AVAILABLE_CHANNELS,
            "NoAvailableChannelsException",
            NextStep.START_OVER,
            "Нет подходящих каналов для отправки сообщения, запустите попытку авторизации заново"),
        row(
            "",
            401,
            ResendFailure.UNAUTHORIZED,
            "UnauthorizedException",
            NextStep.FIX_CREDENTIALS,
            "The service answered 401"),
        row(
            "{\"type\":\"UnauthorizedException\",\"message\":\"Unauthorized\",\"httpStatus\":401}",
            401,
            ResendFailure.UNAUTHORIZED,
            "UnauthorizedException",
            NextStep.FIX_CREDENTIALS,
            "Unauthorized"),
        row(
            "{\"statusCode\":401,\"message\":\"Unauthorized\"}",
            401,
            ResendFailure.UNAUTHORIZED,
            "UnauthorizedException",
            NextStep.FIX_CREDENTIALS,
            "Unauthorized"),
        row(
            "{\"type\":\"ForbiddenException\",\"message\":\"Запрещено\",\"httpStatus\":403}",
            403,
            ResendFailure.FORBIDDEN,
            "ForbiddenException",
            NextStep.FIX_CREDENTIALS,
            "Запрещено"),
        row(
            "{\"type\":\"CommonForbiddenException\",\"message\":\"Запрещено\",\"httpStatus\":403}",
            403,
            ResendFailure.FORBIDDEN,
            "CommonForbiddenException",
            NextStep.FIX_CREDENTIALS,
            "Запрещено"),
        row(
            "{\"type\":\"SessionNotFoundException\",\"message\":\"Сессия не"
                + " найдена\",\"httpStatus\":404}",
            404,
            ResendFailure.SESSION_NOT_FOUND,
            "SessionNotFoundException",
            NextStep.START_OVER,
            "Сессия не найдена"),
        row(
            "{\"type\":\"RestartCooldownActiveException\",\"message\":\"Перезапуск недоступен:"
                + " требуется подождать.\",\"httpStatus\":409}",
            409,
            ResendFailure.RESTART_COOLDOWN_ACTIVE,
            "RestartCooldownActiveException",
            NextStep.WAIT,
            "Перезапуск недоступен: требуется подождать."),
        row(
            "{\"type\":\"SessionAlreadyConfirmedException\",\"message\":\"Сессия уже"
                + " подтверждена\",\"httpStatus\":409}",
            409,
            ResendFailure.SESSION_ALREADY_CONFIRMED,
            "SessionAlreadyConfirmedException",
            NextStep.PROCEED,
            "Сессия уже подтверждена"),
        row(
            "{\"type\":\"RateLimitException\",\"message\":\"Слишком часто\",\"httpStatus\":429}",
            429,
            ResendFailure.RATE_LIMITED,
            "RateLimitException",
            NextStep.WAIT,
            "Слишком часто"));
  }

  private static Arguments row(
      String body,
      int status,
      ResendFailure failure,
      String type,
      NextStep nextStep,
      String message) {
    return Arguments.of(body, status, failure, type, nextStep, message);
  }

  @ParameterizedTest
  @MethodSource("documented")
  void a_documented_refusal_was_not_sent_and_matches_its_row(
      String body, int status, ResendFailure kind, String type, NextStep nextStep, String message) {
    ResendException failure = refusal(status, body);
    assertEquals(kind, failure.failure());
    assertEquals(type, failure.type());
    assertEquals(status, failure.httpStatus());
    assertFalse(failure.maybeSent());
    assertEquals(nextStep, failure.nextStep());
    assertEquals(message, failure.getMessage());
    assertEquals(Optional.empty(), failure.retryAfter());
    assertEquals(Optional.empty(), failure.payload());
  }

  @Test
  void the_type_decides_the_kind_and_the_status_is_kept() {
    ResendException failure = refusal(422, "{\"type\":\"SessionNotFoundException\"}");
    assertEquals(ResendFailure.SESSION_NOT_FOUND, failure.failure());
    assertEquals(422, failure.httpStatus());
    assertFalse(failure.maybeSent());
  }

  @Test
  void the_status_of_the_status_line_is_used_and_the_status_in_the_body_is_ignored() {
    assertEquals(
        404,
        refusal(404, "{\"type\":\"SessionNotFoundException\",\"httpStatus\":409}").httpStatus());
  }

  @Test
  void a_refusal_without_a_message_says_its_status() {
    assertEquals(
        "The service answered 404",
        refusal(404, "{\"type\":\"SessionNotFoundException\"}").getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "SessionNotFoundException, 500, SESSION_NOT_FOUND",
    "RestartCooldownActiveException, 503, RESTART_COOLDOWN_ACTIVE",
    "ResendChannelException, 502, RESEND_CHANNEL",
    "UnauthorizedException, 500, UNAUTHORIZED",
    "SessionNotFoundException, 600, SESSION_NOT_FOUND",
  })
  void a_known_refusal_with_a_status_that_is_not_4xx_may_have_been_sent(
      String type, int status, ResendFailure kind) {
    ResendException failure = refusal(status, "{\"type\":\"" + type + "\"}");
    assertEquals(kind, failure.failure());
    assertEquals(status, failure.httpStatus());
    assertTrue(failure.maybeSent());
  }

  // server errors and undocumented answers

  @ParameterizedTest
  @CsvSource({"500", "501", "503", "400", "404", "422"})
  void an_internal_server_error_may_have_been_sent_with_any_status(int status) {
    ResendException failure =
        refusal(
            status,
            "{\"type\":\"InternalServerErrorException\",\"message\":\"Внутренняя ошибка\"}");
    assertEquals(ResendFailure.SERVER_ERROR, failure.failure());
    assertEquals(status, failure.httpStatus());
    assertTrue(failure.maybeSent());
    assertEquals(NextStep.AWAIT_CODE, failure.nextStep());
    assertEquals("Внутренняя ошибка", failure.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "400, UNRECOGNIZED, UnrecognizedException, true",
    "402, UNRECOGNIZED, UnrecognizedException, true",
    "403, UNRECOGNIZED, UnrecognizedException, true",
    "404, UNRECOGNIZED, UnrecognizedException, false",
    "409, UNRECOGNIZED, UnrecognizedException, true",
    "408, UNRECOGNIZED, UnrecognizedException, true",
    "499, UNRECOGNIZED, UnrecognizedException, true",
    "401, UNAUTHORIZED, UnauthorizedException, false",
    "405, UNRECOGNIZED, UnrecognizedException, false",
    "431, UNRECOGNIZED, UnrecognizedException, false",
    "429, RATE_LIMITED, RateLimitException, false",
    "500, SERVER_ERROR, InternalServerErrorException, true",
    "502, SERVER_ERROR, InternalServerErrorException, true",
    "504, SERVER_ERROR, InternalServerErrorException, true",
    "599, SERVER_ERROR, InternalServerErrorException, true",
    "600, UNRECOGNIZED, UnrecognizedException, true",
    "999, UNRECOGNIZED, UnrecognizedException, true",
  })
  void the_status_decides_if_there_is_no_type(
      int status, ResendFailure kind, String type, boolean maybeSent) {
    for (String body :
        new String[] {
          "",
          "{}",
          "null",
          "[]",
          "{\"success\":true}",
          "{\"type\":null}",
          "{\"type\":5}",
          "{\"type\":[\"SessionNotFoundException\"]}",
          "{\"type\":{\"type\":\"SessionNotFoundException\"}}",
          "{\"type\":\"SessionNotFoundException\"",
          "{\"type\":\"SessionNotFoundException\",\"type\":\"SessionNotFoundException\"}",
          "{\"type\":\"SessionNotFoundException\"} trailing",
          "<html><body><h1>No</h1></body></html>",
        }) {
      ResendException failure = refusal(status, body);
      assertEquals(kind, failure.failure(), body);
      assertEquals(type, failure.type(), body);
      assertEquals(status, failure.httpStatus(), body);
      assertEquals(maybeSent, failure.maybeSent(), body);
      assertEquals("The service answered " + status, failure.getMessage(), body);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "400, UNRECOGNIZED, AWAIT_CODE",
    "401, UNAUTHORIZED, FIX_CREDENTIALS",
    "403, UNRECOGNIZED, AWAIT_CODE",
    "404, UNRECOGNIZED, RETRY_LATER",
    "408, UNRECOGNIZED, AWAIT_CODE",
    "429, RATE_LIMITED, WAIT",
    "500, SERVER_ERROR, AWAIT_CODE",
    "503, SERVER_ERROR, AWAIT_CODE",
    "600, UNRECOGNIZED, AWAIT_CODE",
  })
  void the_status_decides_if_the_type_is_unknown(
      int status, ResendFailure kind, NextStep nextStep) {
    ResendException failure =
        refusal(status, "{\"type\":\"НоваяException\",\"message\":\"Что-то новое\"}");
    assertEquals(kind, failure.failure());
    assertEquals("НоваяException", failure.type());
    assertEquals("Что-то новое", failure.getMessage());
    assertEquals(status, failure.httpStatus());
    assertEquals(nextStep == NextStep.AWAIT_CODE, failure.maybeSent());
    assertEquals(nextStep, failure.nextStep());
  }

  @Test
  void no_answer_of_the_service_gives_a_kind_of_the_library() {
    for (ResendFailure kind : EnumSet.complementOf(EnumSet.copyOf(KINDS_OF_SERVICE))) {
      for (int status = 400; status < 600; status++) {
        ResendException failure = refusal(status, "{\"type\":\"" + kind.type() + "\"}");
        ResendException untyped = refusal(status, "{}");
        assertEquals(untyped.failure(), failure.failure());
        assertEquals(untyped.maybeSent(), failure.maybeSent());
        assertEquals(kind.type(), failure.type());
        assertEquals(status, failure.httpStatus());
      }
    }
  }

  @Test
  void the_body_of_a_refusal_that_is_not_json_is_not_in_the_failure() {
    for (int status : new int[] {401, 403, 404, 429, 502}) {
      ResendException failure = refusal(status, "<html>geheim</html>");
      assertFalse(failure.toString().contains("geheim"));
      assertFalse(failure.toJson().encode().contains("geheim"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"5", "true", "null", "[\"geheim\"]", "{\"text\":\"geheim\"}"})
  void a_message_that_is_not_text_is_ignored(String message) {
    ResendException failure =
        refusal(404, "{\"type\":\"SessionNotFoundException\",\"message\":" + message + "}");
    assertEquals(ResendFailure.SESSION_NOT_FOUND, failure.failure());
    assertEquals("The service answered 404", failure.getMessage());
  }

  // payload

  static Stream<Arguments> payloads() {
    return Stream.of(
        Arguments.of("{\"a\":{\"b\":[1]}}", new JsonObject("{\"a\":{\"b\":[1]}}")),
        Arguments.of("[1,\"два\",null,{}]", new JsonArray("[1,\"два\",null,{}]")),
        Arguments.of("{}", new JsonObject()),
        Arguments.of("[]", new JsonArray()),
        Arguments.of("\"текст\"", "текст"),
        Arguments.of("\"\"", ""),
        Arguments.of("7", 7),
        Arguments.of("7000000000", 7_000_000_000L),
        Arguments.of("70000000000000000000", new BigInteger("70000000000000000000")),
        Arguments.of("7.25", new BigDecimal("7.25")),
        Arguments.of("1e999", new BigDecimal("1e999")),
        Arguments.of("1e999999999", new BigDecimal("1e999999999")),
        Arguments.of("true", true),
        Arguments.of("false", false));
  }

  @ParameterizedTest
  @MethodSource("payloads")
  void a_payload_of_any_json_type_is_kept(String json, Object payload) {
    ResendException failure =
        refusal(409, "{\"type\":\"RestartCooldownActiveException\",\"payload\":" + json + "}");
    assertEquals(Optional.of(payload), failure.payload());
    assertEquals(ResendFailure.RESTART_COOLDOWN_ACTIVE, failure.failure());
  }

  @Test
  void a_payload_of_null_is_ignored() {
    assertEquals(
        Optional.empty(),
        refusal(404, "{\"type\":\"SessionNotFoundException\",\"payload\":null}").payload());
  }

  @Test
  void a_payload_is_kept_with_an_unknown_type_and_without_a_type() {
    assertEquals(Optional.of(7), refusal(418, "{\"type\":\"New\",\"payload\":7}").payload());
    assertEquals(Optional.of(7), refusal(500, "{\"payload\":7}").payload());
  }

  @Test
  void half_a_surrogate_pair_is_replaced_as_on_the_event_bus() {
    ResendException failure =
        refusal(
            418,
            "{\"type\":\"New\\ud83d\",\"message\":\"\\ude00x\",\"payload\":{\"a\\ud83d\":\"\\ud83d\\ude00\\ud83d\"}}");
    assertEquals("New?", failure.type());
    assertEquals("?x", failure.getMessage());
    assertEquals(Optional.of(new JsonObject().put("a?", "\ud83d\ude00?")), failure.payload());
  }

  @Test
  void a_payload_that_the_event_bus_cannot_carry_is_dropped_and_the_failure_is_kept() {
    ResendException failure =
        refusal(
            404,
            "{\"type\":\"SessionNotFoundException\",\"payload\":{\"\\ud83d\":1,\"\\ud83e\":2}}");
    assertEquals(ResendFailure.SESSION_NOT_FOUND, failure.failure());
    assertEquals(Optional.empty(), failure.payload());
  }

  // Retry-After

  @ParameterizedTest
  @CsvSource({"409, RestartCooldownActiveException", "429, ''", "503, ''", "404, New"})
  void retry_after_is_kept_with_any_refusal(int status, String type) {
    String body = type.isEmpty() ? "" : "{\"type\":\"" + type + "\"}";
    assertEquals(
        Optional.of(Duration.ofSeconds(30)),
        refusal(status, body, "Retry-After", "30").retryAfter());
  }

  @Test
  void a_date_in_retry_after_is_converted_to_the_time_left() {
    assertEquals(
        Optional.of(Duration.ofMinutes(2)),
        refusal(429, "", "retry-after", "Mon, 23 Nov 2026 10:02:00 GMT").retryAfter());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "soon", "-1", "1.5", "99999999999"})
  void a_malformed_retry_after_is_ignored(String header) {
    ResendException failure =
        refusal(409, "{\"type\":\"RestartCooldownActiveException\"}", "Retry-After", header);
    assertEquals(ResendFailure.RESTART_COOLDOWN_ACTIVE, failure.failure());
    assertEquals(Optional.empty(), failure.retryAfter());
  }

  private static void assertInvalid(ResendException failure) {
    assertEquals(ResendFailure.INVALID_RESPONSE, failure.failure());
    assertEquals("InvalidResponseException", failure.type());
    assertEquals(502, failure.httpStatus());
    assertTrue(failure.maybeSent());
    assertEquals(NextStep.AWAIT_CODE, failure.nextStep());
  }

  private static ResendException refusal(int status, String body, String... header) {
    MultiMap headers = MultiMap.caseInsensitiveMultiMap();
    if (header.length > 0) {
      headers.add(header[0], header[1]);
    }
    Outcome outcome = ResponseDecoder.decode(status, headers, Buffer.buffer(body), NOW);
    assertNull(outcome.response(), body);
    return Objects.requireNonNull(outcome.failure(), body);
  }

  private static ResendResponse decode(int status, String body) {
    return decode(status, Buffer.buffer(body));
  }

  private static ResendResponse decode(int status, Buffer body) {
    Outcome outcome = ResponseDecoder.decode(status, MultiMap.caseInsensitiveMultiMap(), body, NOW);
    if (outcome.failure() != null) {
      throw outcome.failure();
    }
    return Objects.requireNonNull(outcome.response());
  }
}
