// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.NextStep;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.Calls;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Cooldown: a request id is refused for some time after a code was sent or may have been sent. */
@ExtendWith(VertxExtension.class)
class CooldownTest {
  private static final Duration TIMEOUT = OtpResendOptions.DEFAULT_TIMEOUT;
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration SHORT = Duration.ofMillis(500);

  private Vertx vertx;
  private FaultServer server;
  private final CountDownLatch answer = new CountDownLatch(1);

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server =
        FaultServer.onRequest(
            peer -> {
              String id = peer.head().split("/")[2];
              if (id.startsWith("lost")) {
                peer.close();
              } else if (id.startsWith("silent")) {
                peer.silence();
              } else if (id.startsWith("held")) {
                peer.await(answer);
              }
              peer.write(
                  switch (id) {
                    case "refused" ->
                        FaultServer.response(400, "{\"type\":\"ResendChannelException\"}");
                    case "failed" -> FaultServer.response(503, "");
                    case "no-success" -> FaultServer.response(200, "{\"success\":false}");
                    case "unauthorized" -> FaultServer.response(401, "");
                    case "held-refused" -> FaultServer.response(404, "");
                    default -> FaultServer.SUCCESS;
                  });
            });
  }

  @AfterEach
  void stop() {
    answer.countDown();
    server.close();
  }

  private OtpResendOptions options(Duration cooldown) {
    return server.options().setCooldown(cooldown);
  }

  private OtpResendClient client(Duration cooldown) {
    return OtpResendClient.create(vertx, options(cooldown));
  }

  /** Asserts that the cooldown refuses the call, and returns the remaining time. */
  private static Duration assertCoolingDown(Future<?> resend) {
    ResendException failure = failureOf(resend);
    assertEquals(ResendFailure.COOLING_DOWN, failure.failure());
    assertEquals(NextStep.WAIT, failure.nextStep());
    assertFalse(failure.maybeSent());
    return failure.retryAfter().orElseThrow();
  }

  private static void assertInProgress(Future<?> resend) {
    ResendException failure = failureOf(resend);
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, failure.failure());
    assertFalse(failure.maybeSent());
    assertBetween(Duration.ofSeconds(2), failure.retryAfter().orElseThrow(), TIMEOUT);
  }

  private static void assertBetween(Duration min, Duration actual, Duration max) {
    assertTrue(
        actual.compareTo(min) >= 0 && actual.compareTo(max) <= 0, () -> "duration: " + actual);
  }

  @Test
  void two_calls_at_once_share_a_resend_and_a_third_call_is_refused() {
    OtpResendClient client = client(LONG);
    Future<ResendResponse> first = client.resend("held");
    Future<ResendResponse> second = client.resend("held");
    answer.countDown();
    assertTrue(await(first).success());
    assertTrue(await(second).success());
    assertEquals(await(first), await(second));
    assertBetween(Duration.ofMinutes(9), await(first).retryAfter().orElseThrow(), LONG);

    Duration remaining = assertCoolingDown(client.resend("held"));
    assertBetween(Duration.ofMinutes(9), remaining, await(first).retryAfter().orElseThrow());
    assertEquals(1, server.requests().size());
    assertTrue(await(client.resend("another")).success());
  }

  @Test
  void the_second_of_two_calls_at_once_is_refused_without_single_flight() {
    OtpResendClient client = OtpResendClient.create(vertx, options(LONG).setSingleFlight(false));
    Future<ResendResponse> first = client.resend("held");
    Future<ResendResponse> second = client.resend("held");
    assertInProgress(second);
    answer.countDown();
    assertTrue(await(first).success());
    assertCoolingDown(client.resend("held"));
    assertEquals(1, server.requests().size());
  }

  @ParameterizedTest
  @CsvSource({"lost, CONNECTION_LOST", "failed, SERVER_ERROR", "silent, TIMEOUT"})
  @Execution(CONCURRENT)
  void a_call_after_a_resend_that_may_have_been_sent_is_refused(String id, ResendFailure kind) {
    OtpResendClient client =
        OtpResendClient.create(vertx, options(LONG).setTimeout(Duration.ofSeconds(2)));
    assertEquals(kind, failureOf(client.resend(id)).failure());
    assertCoolingDown(client.resend(id));
    assertEquals(1, server.requests().size());
  }

  @Test
  void an_answer_with_success_false_begins_a_cooldown() {
    OtpResendClient client = client(LONG);
    assertFalse(await(client.resend("no-success")).success());
    assertCoolingDown(client.resend("no-success"));
  }

  @ParameterizedTest
  @CsvSource({"refused, RESEND_CHANNEL", "unauthorized, UNAUTHORIZED"})
  void a_refusal_by_the_service_begins_no_cooldown(String id, ResendFailure kind) {
    OtpResendClient client = client(LONG);
    for (int i = 0; i < 3; i++) {
      assertEquals(kind, failureOf(client.resend(id)).failure());
    }
    assertEquals(3, server.requests().size());
  }

  @Test
  void a_call_is_refused_only_until_the_service_refuses_the_resend_in_flight() {
    OtpResendClient client = OtpResendClient.create(vertx, options(LONG).setSingleFlight(false));
    Future<ResendResponse> first = client.resend("held-refused");
    eventually("the service is called", () -> server.requests().size() == 1);
    assertInProgress(client.resend("held-refused"));
    answer.countDown();
    assertEquals(404, failureOf(first).httpStatus());
    assertEquals(404, failureOf(client.resend("held-refused")).httpStatus());
  }

  @Test
  void a_request_sent_again_after_a_401_begins_one_cooldown() {
    AtomicInteger tokenCalls = new AtomicInteger();
    try (FaultServer tokenChecker =
        FaultServer.onRequest(
            peer ->
                peer.write(
                    peer.head().contains("Bearer old")
                        ? FaultServer.response(401, "")
                        : FaultServer.SUCCESS))) {
      OtpResendClient client =
          OtpResendClient.create(
              vertx,
              options(LONG).setBaseUrl(tokenChecker.baseUrl()),
              () -> Future.succeededFuture(tokenCalls.getAndIncrement() == 0 ? "old" : "new"));
      assertTrue(await(client.resend("id")).retryAfter().isPresent());
      assertCoolingDown(client.resend("id"));
      assertEquals(2, tokenChecker.requests().size());
      await(client.close());
    }
  }

  @Test
  void a_call_that_sends_nothing_begins_no_cooldown() {
    OtpResendClient client =
        OtpResendClient.create(
            vertx, options(LONG), () -> Future.failedFuture(new IllegalStateException()));
    for (int i = 0; i < 3; i++) {
      assertEquals(ResendFailure.TOKEN_UNAVAILABLE, failureOf(client.resend("id")).failure());
    }
  }

  @Test
  void a_call_after_the_remaining_time_of_the_cooldown_succeeds() {
    OtpResendClient client = client(SHORT);
    for (int i = 0; i < 3; i++) {
      await(client.resend("id"));
      Duration remaining = assertCoolingDown(client.resend("id"));
      assertBetween(Duration.ofMillis(1), remaining, SHORT);
      await(vertx.timer(remaining.toMillis()));
    }
    assertEquals(3, server.requests().size());
  }

  @Test
  void the_remaining_time_of_a_cooldown_decreases() {
    OtpResendClient client = client(LONG);
    Duration before = await(client.resend("id")).retryAfter().orElseThrow();
    for (int i = 0; i < 5; i++) {
      await(vertx.timer(10));
      Duration remaining = assertCoolingDown(client.resend("id"));
      assertTrue(remaining.compareTo(before) < 0, remaining + " is not less than " + before);
      before = remaining;
    }
  }

  @Test
  void all_clients_of_a_base_url_share_a_cooldown_even_after_its_client_is_closed() {
    OtpResendClient closed = client(LONG);
    await(closed.resend("id"));
    await(closed.close());
    assertEquals(ResendFailure.CLOSED, failureOf(closed.resend("id")).failure());
    assertCoolingDown(client(LONG).resend("id"));
    assertCoolingDown(client(SHORT).resend("id"));
    assertCoolingDown(client(Duration.ZERO).resend("id"));
  }

  @Test
  void a_cooldown_ends_even_if_its_client_is_closed() {
    OtpResendClient closed = client(SHORT);
    await(closed.resend("id"));
    await(closed.close());
    assertTrue(cooldowns().containsKey("id"));
    OtpResendClient next = client(LONG);
    await(vertx.timer(assertCoolingDown(next.resend("id")).toMillis()));
    assertTrue(await(next.resend("id")).success());
  }

  @Test
  void a_cooldown_counts_from_the_moment_of_sending() {
    OtpResendClient client = client(LONG);
    await(client.resend("first")); // the first call of the JVM may take long
    Future<ResendResponse> call = client.resend("held");
    eventually("the request is sent", () -> server.requests().size() == 2);
    long sent = System.nanoTime();
    await(vertx.timer(500));
    answer.countDown();
    Duration rest = await(call).retryAfter().orElseThrow();
    Duration sinceSent = Duration.ofNanos(System.nanoTime() - sent);
    assertTrue(sinceSent.toMillis() >= 500);
    assertBetween(Duration.ofMinutes(9), rest, LONG.minusMillis(500));
  }

  @ParameterizedTest
  @CsvSource({"lost, CONNECTION_LOST", "failed, SERVER_ERROR", "silent, TIMEOUT"})
  @Execution(CONCURRENT)
  void a_failure_that_is_maybe_sent_has_the_time_left_of_the_cooldown(
      String id, ResendFailure kind) {
    OtpResendClient client =
        OtpResendClient.create(vertx, options(LONG).setTimeout(Duration.ofSeconds(2)));
    ResendException failure = failureOf(client.resend(id));
    assertEquals(kind, failure.failure());
    assertBetween(Duration.ofMinutes(9), failure.retryAfter().orElseThrow(), LONG);
  }

  @Test
  @Execution(CONCURRENT)
  void a_call_that_takes_longer_than_the_cooldown_leaves_no_cooldown() {
    await(client(SHORT).resend("first")); // the first call of the JVM may take long
    OtpResendClient client =
        OtpResendClient.create(vertx, options(SHORT).setTimeout(Duration.ofSeconds(1)));
    assertEquals(ResendFailure.TIMEOUT, failureOf(client.resend("silent")).failure());
    assertEquals(ResendFailure.TIMEOUT, failureOf(client.resend("silent")).failure());
  }

  @Test
  void the_cooldown_also_applies_over_the_event_bus() {
    await(
        vertx.deployVerticle(
            "io.github.otpresend.OtpResendVerticle",
            new DeploymentOptions().setConfig(options(LONG).toJson())));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx);
    assertBetween(
        Duration.ofMinutes(9), await(overBus.resend("id")).retryAfter().orElseThrow(), LONG);
    assertBetween(Duration.ofMinutes(9), assertCoolingDown(overBus.resend("id")), LONG);

    Future<Message<JsonObject>> reply = vertx.eventBus().request("otp.resend", "plain");
    long remaining = await(reply).body().getLong("retryAfterMs");
    assertBetween(Duration.ofMinutes(9), Duration.ofMillis(remaining), LONG);
    ReplyException refusal =
        (ReplyException) Calls.causeOf(vertx.eventBus().request("otp.resend", "plain"));
    assertEquals(409, refusal.failureCode());
    JsonObject json = new JsonObject(refusal.getMessage());
    assertEquals("CoolingDownException", json.getString("type"));
    assertTrue(json.getLong("retryAfterMs") <= remaining);
  }

  @Test
  @SuppressWarnings("NullAway") // null is passed on purpose
  void a_response_rejects_a_null_retry_after() {
    assertThrows(NullPointerException.class, () -> new ResendResponse(true, null));
  }

  @Test
  void a_response_has_no_retry_after_without_a_cooldown() {
    assertEquals(Optional.empty(), await(client(Duration.ZERO).resend("id")).retryAfter());
    assertTrue(await(client(Duration.ZERO).resend("id")).success());
  }

  private Map<String, Long> cooldowns() {
    return vertx
        .sharedData()
        .getLocalMap("io.github.otpresend.cooldowns localhost:" + server.port() + "/api");
  }
}
