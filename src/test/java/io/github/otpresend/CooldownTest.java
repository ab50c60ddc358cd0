// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.eventually;
import static io.github.otpresend.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** After a code was or may have been sent, a request id is refused for a while. */
class CooldownTest {
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration SHORT = Duration.ofMillis(500);

  private Vertx vertx;
  private FaultServer server;
  private final CountDownLatch answer = new CountDownLatch(1);

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
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
    await(vertx.close());
    server.close();
  }

  private OtpResendOptions options(Duration cooldown) {
    return new OtpResendOptions()
        .setBaseUrl(server.baseUrl())
        .setToken("secret-token")
        .setCooldown(cooldown);
  }

  private OtpResendClient client(Duration cooldown) {
    return OtpResendClient.create(vertx, options(cooldown));
  }

  private static Duration coolingDown(Future<?> resend) {
    ResendException failure = failureOf(resend);
    assertEquals(ResendFailure.COOLING_DOWN, failure.failure());
    assertEquals(NextStep.WAIT, failure.nextStep());
    assertFalse(failure.maybeSent());
    return failure.retryAfter().orElseThrow();
  }

  private static void assertBetween(Duration least, Duration actual, Duration most) {
    assertTrue(
        actual.compareTo(least) >= 0 && actual.compareTo(most) <= 0, () -> "it is " + actual);
  }

  @Test
  void two_presses_at_once_share_a_resend_and_a_third_one_has_to_wait() {
    OtpResendClient client = client(LONG);
    Future<ResendResponse> first = client.resend("held");
    Future<ResendResponse> second = client.resend("held");
    answer.countDown();
    assertTrue(await(first).success());
    assertTrue(await(second).success());
    assertEquals(await(first), await(second));
    assertBetween(Duration.ofMinutes(9), await(first).retryAfter().orElseThrow(), LONG);

    Duration rest = coolingDown(client.resend("held"));
    assertBetween(Duration.ofMinutes(9), rest, await(first).retryAfter().orElseThrow());
    assertEquals(1, server.requests().size());
    assertTrue(await(client.resend("another")).success());
  }

  @Test
  void without_single_flight_the_second_of_two_presses_at_once_has_to_wait_too() {
    OtpResendClient client = OtpResendClient.create(vertx, options(LONG).setSingleFlight(false));
    Future<ResendResponse> first = client.resend("held");
    Future<ResendResponse> second = client.resend("held");
    coolingDown(second);
    answer.countDown();
    assertTrue(await(first).success());
    assertEquals(1, server.requests().size());
  }

  @ParameterizedTest
  @CsvSource({"lost, CONNECTION_LOST", "failed, SERVER_ERROR", "silent, TIMEOUT"})
  void a_press_after_a_resend_that_may_have_been_sent_has_to_wait(String id, ResendFailure kind) {
    OtpResendClient client =
        OtpResendClient.create(vertx, options(LONG).setTimeout(Duration.ofSeconds(1)));
    assertEquals(kind, failureOf(client.resend(id)).failure());
    coolingDown(client.resend(id));
    assertEquals(1, server.requests().size());
  }

  @Test
  void an_answer_that_says_no_success_counts_as_maybe_sent() {
    OtpResendClient client = client(LONG);
    assertFalse(await(client.resend("no-success")).success());
    coolingDown(client.resend("no-success"));
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
  void a_call_that_finds_a_resend_under_way_is_refused_until_the_service_has_refused_it() {
    OtpResendClient client = OtpResendClient.create(vertx, options(LONG).setSingleFlight(false));
    Future<ResendResponse> first = client.resend("held-refused");
    eventually("it is sent", () -> server.requests().size() == 1);
    coolingDown(client.resend("held-refused"));
    answer.countDown();
    assertEquals(404, failureOf(first).httpStatus());
    assertEquals(404, failureOf(client.resend("held-refused")).httpStatus());
  }

  @Test
  void a_401_that_is_repeated_with_another_token_begins_one_cooldown() {
    AtomicInteger asked = new AtomicInteger();
    try (FaultServer strict =
        FaultServer.onRequest(
            peer ->
                peer.write(
                    peer.head().contains("Bearer old")
                        ? FaultServer.response(401, "")
                        : FaultServer.SUCCESS))) {
      OtpResendClient client =
          OtpResendClient.create(
              vertx,
              options(LONG).setBaseUrl(strict.baseUrl()),
              () -> Future.succeededFuture(asked.getAndIncrement() == 0 ? "old" : "new"));
      assertTrue(await(client.resend("id")).retryAfter().isPresent());
      coolingDown(client.resend("id"));
      assertEquals(2, strict.requests().size());
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
  void whoever_waits_for_the_rest_is_served() {
    OtpResendClient client = client(SHORT);
    for (int i = 0; i < 3; i++) {
      await(client.resend("id"));
      Duration rest = coolingDown(client.resend("id"));
      assertBetween(Duration.ofMillis(1), rest, SHORT);
      await(vertx.timer(rest.toMillis()));
    }
    assertEquals(3, server.requests().size());
  }

  @Test
  void the_rest_decreases() {
    OtpResendClient client = client(LONG);
    Duration before = await(client.resend("id")).retryAfter().orElseThrow();
    for (int i = 0; i < 5; i++) {
      await(vertx.timer(10));
      Duration rest = coolingDown(client.resend("id"));
      assertTrue(rest.compareTo(before) < 0, rest + " is not less than " + before);
      before = rest;
    }
  }

  @Test
  void every_client_of_the_base_url_knows_the_cooldown_also_when_the_first_one_is_closed() {
    OtpResendClient closed = client(LONG);
    await(closed.resend("id"));
    await(closed.close());
    assertEquals(ResendFailure.CLOSED, failureOf(closed.resend("id")).failure());
    coolingDown(client(LONG).resend("id"));
    coolingDown(client(SHORT).resend("id"));
    assertTrue(await(client(Duration.ZERO).resend("id")).success(), "but not where it is off");
  }

  @Test
  void a_cooldown_ends_on_time_though_its_client_is_closed() {
    OtpResendClient closed = client(SHORT);
    await(closed.resend("id"));
    await(closed.close());
    assertTrue(cooldowns().containsKey("id"));
    eventually("it ends", () -> cooldowns().isEmpty());
    assertTrue(await(client(LONG).resend("id")).success());
  }

  @Test
  void a_deadline_that_is_longer_than_the_cooldown_ends_after_it() {
    OtpResendClient client =
        OtpResendClient.create(vertx, options(SHORT).setTimeout(Duration.ofSeconds(2)));
    assertEquals(ResendFailure.TIMEOUT, failureOf(client.resend("silent")).failure());
    assertEquals(ResendFailure.TIMEOUT, failureOf(client.resend("silent")).failure());
  }

  @Test
  void over_the_event_bus_it_is_the_same() {
    await(
        vertx.deployVerticle(
            "io.github.otpresend.OtpResendVerticle",
            new DeploymentOptions().setConfig(options(LONG).toJson())));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx);
    assertBetween(
        Duration.ofMinutes(9), await(overBus.resend("id")).retryAfter().orElseThrow(), LONG);
    assertBetween(Duration.ofMinutes(9), coolingDown(overBus.resend("id")), LONG);

    Future<Message<JsonObject>> asked = vertx.eventBus().request("otp.resend", "plain");
    long rest = await(asked).body().getLong("retryAfterMs");
    assertBetween(Duration.ofMinutes(9), Duration.ofMillis(rest), LONG);
    ReplyException refused =
        (ReplyException) Calls.causeOf(vertx.eventBus().request("otp.resend", "plain"));
    assertEquals(409, refused.failureCode());
    JsonObject json = new JsonObject(refused.getMessage());
    assertEquals("CoolingDownException", json.getString("type"));
    assertTrue(json.getLong("retryAfterMs") <= rest);
  }

  @Test
  @SuppressWarnings("NullAway") // which is the point
  void a_response_has_no_null() {
    assertThrows(NullPointerException.class, () -> new ResendResponse(true, null));
  }

  @Test
  void without_a_cooldown_the_reply_is_the_services_own() {
    assertEquals(Optional.empty(), await(client(Duration.ZERO).resend("id")).retryAfter());
    assertTrue(await(client(Duration.ZERO).resend("id")).success());
  }

  private Map<String, Long> cooldowns() {
    return vertx
        .sharedData()
        .getLocalMap("io.github.otpresend.cooldowns localhost:" + server.port() + "/api");
  }
}
