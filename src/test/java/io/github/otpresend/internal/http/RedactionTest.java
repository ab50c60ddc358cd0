// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import static io.github.otpresend.testing.Answers.assertSameFailure;
import static io.github.otpresend.testing.Answers.ofService;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedactionTest {
  private static final String SECRET = "s3cr3t-t0ken";

  @Test
  void a_failure_without_the_secret_is_unchanged() {
    ResendException failure = ofService("New", 418, "x", null, new JsonObject().put("a", "b"));
    assertSame(failure, Redaction.without(SECRET, failure));
  }

  @Test
  void an_empty_secret_removes_nothing() {
    ResendException failure = ofService("New", 418, "x", null, new JsonArray().add(1).add("a"));
    assertSame(failure, Redaction.without("", failure));
  }

  static Stream<Arguments> failuresWithSecret() {
    return Stream.of(
        Arguments.of(ofService(SECRET, 418, "x", null, null)),
        Arguments.of(ofService("New" + SECRET, 418, "x", null, null)),
        Arguments.of(ofService("New", 418, "Bearer " + SECRET + " and " + SECRET, null, null)),
        Arguments.of(ofService("New", 418, "x", null, SECRET)),
        Arguments.of(ofService("New", 418, "x", null, new JsonArray().add("a" + SECRET))),
        Arguments.of(ofService("New", 418, "x", null, new JsonObject().put(SECRET, 1))),
        Arguments.of(ofService("New", 418, "x", null, new JsonObject().put("a", SECRET))),
        Arguments.of(
            ofService(
                "New",
                418,
                "x",
                null,
                new JsonObject()
                    .put("a", new JsonArray().add(new JsonObject().put("b" + SECRET, SECRET))))));
  }

  @ParameterizedTest
  @MethodSource("failuresWithSecret")
  void a_failure_that_repeats_the_secret_loses_the_texts_of_the_service(ResendException failure) {
    assertTrue(failure.toJson().encode().contains(SECRET));
    ResendException redacted = Redaction.without(SECRET, failure);
    assertFalse(redacted.toJson().encode().contains(SECRET), redacted.toJson().encode());
    assertFalse(redacted.toString().contains(SECRET), redacted.toString());
    assertEquals(ResendFailure.UNRECOGNIZED, redacted.failure(), "the kind is unchanged");
    assertEquals(
        "The service answered 418; its text is left out, because it contains the token",
        redacted.getMessage());
    assertEquals(Optional.empty(), redacted.payload());
  }

  @Test
  void a_secret_that_json_escapes_is_found_in_the_payload() {
    String secret = "a\"b\\c";
    ResendException redacted =
        Redaction.without(
            secret,
            ofService("New", 418, "x", null, new JsonObject().put("a", "<" + secret + ">")));
    assertEquals(Optional.empty(), redacted.payload());
  }

  @Test
  void a_secret_of_digits_is_found_in_a_number_of_the_payload() {
    ResendException redacted =
        Redaction.without(
            "471147114711",
            ofService(
                "New", 418, "x", null, new JsonArray().add(new BigDecimal("0.471147114711"))));
    assertEquals(Optional.empty(), redacted.payload());
  }

  @Test
  void a_failure_that_repeats_the_secret_keeps_everything_except_the_texts() {
    ResendException redacted =
        Redaction.without(
            SECRET,
            ofService(
                "RestartCooldownActiveException",
                409,
                "Ждите " + SECRET,
                Duration.ofSeconds(30),
                new JsonObject().put("a", 1).put("b", SECRET)));
    assertSameFailure(
        ofService(
            "RestartCooldownActiveException",
            409,
            "The service answered 409; its text is left out, because it contains the token",
            Duration.ofSeconds(30),
            null),
        redacted);
  }

  @Test
  void a_server_error_that_repeats_the_secret_still_may_have_been_sent() {
    ResendException redacted = Redaction.without(SECRET, ofService(null, 503, SECRET, null, null));
    assertEquals(ResendFailure.SERVER_ERROR, redacted.failure());
    assertEquals(503, redacted.httpStatus());
    assertTrue(redacted.maybeSent());
  }

  @ParameterizedTest
  @ValueSource(strings = {"type", "httpStatus", "false", "404", "30000", "4071", "{", ":", "n"})
  void a_secret_that_looks_like_a_part_of_the_json_does_not_change_the_outcome(String secret) {
    ResendException failure =
        ofService(
            "RateLimitException",
            404,
            "Ждите",
            Duration.ofSeconds(30),
            new JsonObject().put("ключ", 4071));
    ResendException redacted = Redaction.without(secret, failure);
    assertEquals(ResendFailure.RATE_LIMITED, redacted.failure());
    assertEquals("RateLimitException", redacted.type());
    assertFalse(redacted.maybeSent());
    assertEquals(404, redacted.httpStatus());
    assertEquals(Optional.of(Duration.ofSeconds(30)), redacted.retryAfter());
  }
}
