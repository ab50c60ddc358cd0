// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.failureOf;
import static io.github.otpresend.testing.FaultServer.response;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.NextStep;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.testing.Compression;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.nio.charset.Charset;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What an answer vouches for. A cooldown is on, so a person who presses again after an answer that
 * is maybe sent must not get a second code.
 */
@ExtendWith(VertxExtension.class)
@ParameterizedClass
@ValueSource(booleans = {false, true})
class VouchingTest {
  private static final Duration COOLDOWN = Duration.ofHours(1);
  private static final String CHANGED =
      "{\"type\":\"ChannelChangedException\",\"message\":\"Канал перезапускается\",\"httpStatus\":400}";

  @Parameter boolean overBus;

  private Vertx vertx;
  private FaultServer server;
  private volatile byte[] answer = {};

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server = FaultServer.onRequest(peer -> peer.write(answer));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private OtpResendClient client(OtpResendOptions options, TokenProvider tokens) {
    OtpResendClient client = OtpResendClient.create(vertx, options.setCooldown(COOLDOWN), tokens);
    if (!overBus) {
      return client;
    }
    await(EventBusAdapter.register(vertx, options.getAddress(), client));
    return OtpResendClient.overEventBus(vertx, options);
  }

  private OtpResendClient client() {
    return client(server.options(), () -> Future.succeededFuture(FaultServer.TOKEN));
  }

  private static byte[] answer(int status, String headers, byte[] body, int contentLength) {
    byte[] head =
        "HTTP/1.1 %d Status\r\n%sContent-Length: %d\r\n\r\n"
            .formatted(status, headers, contentLength)
            .getBytes(ISO_8859_1);
    byte[] whole = new byte[head.length + body.length];
    System.arraycopy(head, 0, whole, 0, head.length);
    System.arraycopy(body, 0, whole, head.length, body.length);
    return whole;
  }

  private static Arguments unreadable(String name, String headers, byte[] body, int length) {
    return Arguments.of(name, answer(400, headers, body, length));
  }

  private static Arguments encoded(Charset charset) {
    byte[] body = CHANGED.getBytes(charset);
    return unreadable(
        charset.name(),
        "Content-Type: application/json; charset=" + charset + "\r\n",
        body,
        body.length);
  }

  static Stream<Arguments> unreadableRefusals() {
    byte[] utf8 = CHANGED.getBytes(UTF_8);
    byte[] json = "Content-Type: application/json\r\n".getBytes(ISO_8859_1);
    byte[] binary = {(byte) 0x8b, 0x02, (byte) 0x80, '{', '}', 0x03};
    byte[] cut = Arrays.copyOf(Compression.of("gzip", CHANGED), 40);
    String withNaN = CHANGED.replace("400}", "NaN}");
    String twice = CHANGED + CHANGED;
    return Stream.of(
        unreadable("length in characters", "", utf8, CHANGED.length()),
        unreadable("no body", "", json, 0),
        unreadable("half of the body", "", utf8, utf8.length / 2),
        unreadable("Brotli", "Content-Encoding: br\r\n", binary, binary.length),
        unreadable("zstd", "Content-Encoding: zstd\r\n", binary, binary.length),
        unreadable("gzip that is cut", "Content-Encoding: gzip\r\n", cut, cut.length),
        unreadable("NaN", "", withNaN.getBytes(UTF_8), withNaN.getBytes(UTF_8).length),
        unreadable("two objects", "", twice.getBytes(UTF_8), twice.getBytes(UTF_8).length),
        encoded(Charset.forName("windows-1251")),
        encoded(Charset.forName("KOI8-R")),
        encoded(UTF_16),
        encoded(UTF_16LE));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("unreadableRefusals")
  void a_refusal_that_cannot_be_read_is_maybe_sent(String name, byte[] refusal) {
    answer = refusal;
    OtpResendClient client = client();
    ResendException failure = failureOf(client.resend("id"));
    assertEquals(ResendFailure.UNRECOGNIZED, failure.failure());
    assertEquals(400, failure.httpStatus());
    assertMaybeSent(client, failure);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "499, ``",
        "499, {\"type\":\"about:blank\"}",
        "408, ``",
        "408, {\"type\":\"about:blank\"}",
        "403, <html>blocked by the filter</html>",
        "403, {\"type\":\"RequestBlocked\",\"message\":\"x\"}",
        "409, {\"type\":\"https://example.com/probs/conflict\"}",
        "400, {\"type\":\"InvalidRequestException\",\"message\":\"x\",\"httpStatus\":400}",
        "409, {\"type\":\"AlreadyInProgressException\",\"message\":\"x\",\"httpStatus\":409}",
        "402, ``",
        "410, {}",
        "422, {\"message\":\"x\"}",
        "451, ``",
      })
  void an_answer_that_may_come_after_the_work_is_maybe_sent(int status, String body) {
    answer = response(status, body).getBytes(UTF_8);
    OtpResendClient client = client();
    ResendException failure = failureOf(client.resend("id"));
    assertEquals(ResendFailure.UNRECOGNIZED, failure.failure());
    assertEquals(status, failure.httpStatus());
    assertMaybeSent(client, failure);
  }

  private void assertMaybeSent(OtpResendClient client, ResendException failure) {
    assertTrue(failure.maybeSent());
    assertEquals(NextStep.AWAIT_CODE, failure.nextStep());
    assertWaits(failure.retryAfter());
    assertEquals(
        ResendFailure.COOLING_DOWN, failureOf(client.resend("id")).failure(), "the next press");
    assertEquals(1, server.requests().size());
  }

  private static void assertWaits(Optional<Duration> wait) {
    Duration left = wait.orElseThrow();
    assertTrue(left.compareTo(COOLDOWN) <= 0, left::toString);
    assertTrue(left.compareTo(COOLDOWN.minusMinutes(5)) > 0, left::toString);
  }

  @ParameterizedTest
  @ValueSource(ints = {404, 405, 411, 413, 414, 415, 417, 421, 425, 426, 428, 431})
  void an_unknown_refusal_before_any_work_is_not_sent_and_begins_no_cooldown(int status) {
    answer = response(status, "<html>no</html>").getBytes(UTF_8);
    OtpResendClient client = client();
    for (int press = 1; press <= 2; press++) {
      ResendException failure = failureOf(client.resend("id"));
      assertEquals(ResendFailure.UNRECOGNIZED, failure.failure());
      assertFalse(failure.maybeSent());
      assertEquals(NextStep.RETRY_LATER, failure.nextStep());
      assertEquals(press, server.requests().size());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "401, UNAUTHORIZED, FIX_CREDENTIALS",
    "429, RATE_LIMITED, WAIT",
    "500, SERVER_ERROR, AWAIT_CODE",
    "503, SERVER_ERROR, AWAIT_CODE",
    "504, SERVER_ERROR, AWAIT_CODE",
  })
  void the_status_decides_if_the_type_is_not_listed(
      int status, ResendFailure kind, NextStep nextStep) {
    OtpResendClient client = client();
    for (String type :
        List.of("about:blank", "https://example.com/p", "", "Foo", "TimeoutException")) {
      answer = response(status, "{\"type\":\"" + type + "\",\"message\":\"x\"}").getBytes(UTF_8);
      ResendException failure = failureOf(client.resend(status + type));
      assertEquals(kind, failure.failure(), type);
      assertEquals(type, failure.type());
      assertEquals(status, failure.httpStatus());
      assertEquals(nextStep, failure.nextStep(), type);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"about:blank", "https://example.com/p", "", "Foo", "ExpiredException"})
  void a_401_of_any_unlisted_type_refreshes_the_token(String type) {
    Deque<String> tokens = new ArrayDeque<>(List.of("old", "new"));
    String refusal = response(401, "{\"type\":\"" + type + "\"}");
    try (FaultServer strict =
        FaultServer.onRequest(
            peer ->
                peer.write(peer.head().contains("Bearer new") ? FaultServer.SUCCESS : refusal))) {
      OtpResendClient client =
          client(strict.options(), () -> Future.succeededFuture(tokens.remove()));
      assertTrue(await(client.resend("id")).success());
      assertEquals(2, strict.requests().size());
    }
  }

  /** Many servers close the connection after a 401 and do not announce it. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 5})
  void a_server_that_closes_after_a_401_gets_the_second_request_on_another_connection(int millis) {
    String refusal = response(401, "");
    try (FaultServer closing =
        FaultServer.onRequest(
            peer -> {
              if (peer.head().contains("Bearer new")) {
                peer.write(FaultServer.SUCCESS);
              } else {
                peer.write(refusal);
                peer.limitIdleTo(
                    Duration.ofMillis(millis + 1)); // then its read fails, and it closes
              }
            })) {
      OtpResendOptions options = closing.options().setMaxConnections(1);
      Deque<String> tokens = new ArrayDeque<>();
      OtpResendClient client = client(options, () -> Future.succeededFuture(tokens.remove()));
      for (int i = 0; i < 20; i++) {
        tokens.addAll(List.of("old" + i, "new" + i));
        assertTrue(await(client.resend("id" + i)).success());
      }
      assertEquals(40, closing.requests().size());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_2xx_is_a_success_of_the_call_and_begins_a_cooldown_whatever_it_says(boolean success) {
    answer = response(200, "{\"success\":" + success + "}").getBytes(UTF_8);
    OtpResendClient client = client();
    ResendResponse response = await(client.resend("id"));
    assertEquals(success, response.success());
    assertWaits(response.retryAfter());
    ResendException refused = failureOf(client.resend("id"));
    assertEquals(ResendFailure.COOLING_DOWN, refused.failure());
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_failure_that_is_maybe_sent_has_the_longer_time_to_wait() {
    OtpResendClient client = client();
    answer = response(503, "Retry-After: 7200", "").getBytes(UTF_8);
    assertEquals(Optional.of(Duration.ofHours(2)), failureOf(client.resend("long")).retryAfter());
    answer = response(503, "Retry-After: 5", "").getBytes(UTF_8);
    assertWaits(failureOf(client.resend("short")).retryAfter());
    answer = response(429, "Retry-After: 5", "").getBytes(UTF_8);
    assertEquals(
        Optional.of(Duration.ofSeconds(5)), failureOf(client.resend("unsent")).retryAfter());
  }
}
