// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Calls for a request id share the call that is in flight. */
@ExtendWith(VertxExtension.class)
class SharingTest {
  private Vertx vertx;
  private FaultServer server;
  private final CountDownLatch answer = new CountDownLatch(1);

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server =
        FaultServer.onRequest(
            peer -> {
              peer.await(answer);
              peer.write(
                  peer.head().contains("/refused/")
                      ? FaultServer.response(404, "{\"type\":\"SessionNotFoundException\"}")
                      : FaultServer.SUCCESS);
            });
  }

  @AfterEach
  void stop() {
    answer.countDown();
    server.close();
  }

  @Test
  void calls_of_every_client_of_one_base_url_share_one_resend() {
    OtpResendClient one = OtpResendClient.create(vertx, server.options());
    OtpResendClient two =
        OtpResendClient.create(vertx, server.options().setBaseUrl(server.baseUrl() + "/"));
    await(
        vertx.deployVerticle(
            "io.github.otpresend.OtpResendVerticle",
            new DeploymentOptions().setInstances(3).setConfig(server.config())));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx);
    List<Future<ResendResponse>> all = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      all.add(one.resend("id"));
      all.add(two.resend("id"));
      all.add(overBus.resend("id"));
    }
    Promise<Void> sent = Promise.promise(); // all calls run on one event loop
    vertx.runOnContext(v -> sent.complete());
    await(sent.future());
    for (int i = 0; i < 3; i++) {
      // the instances answer in turn, after they have received the earlier messages
      causeOf(vertx.eventBus().request("otp.resend", ".."));
    }
    eventually("the service is called", () -> server.requests().size() == 1);
    answer.countDown();
    all.forEach(resend -> assertTrue(await(resend).success()));
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_failure_is_shared_too() {
    OtpResendClient client = OtpResendClient.create(vertx, server.options());
    Future<ResendResponse> first = client.resend("refused");
    Future<ResendResponse> second = client.resend("refused");
    answer.countDown();
    assertEquals(ResendFailure.SESSION_NOT_FOUND, failureOf(first).failure());
    assertEquals(ResendFailure.SESSION_NOT_FOUND, failureOf(second).failure());
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_call_after_the_outcome_is_another_resend() {
    answer.countDown();
    OtpResendClient client = OtpResendClient.create(vertx, server.options());
    for (int i = 0; i < 10; i++) {
      await(client.resend("id"));
      failureOf(client.resend("refused"));
    }
    assertEquals(20, server.requests().size());
  }

  @Test
  void calls_for_other_request_ids_are_other_resends() {
    OtpResendClient client = OtpResendClient.create(vertx, server.options());
    Future<ResendResponse> a = client.resend("a");
    Future<ResendResponse> b = client.resend("b");
    eventually("both are called", () -> server.requests().size() == 2);
    answer.countDown();
    await(a);
    await(b);
  }

  @Test
  void without_single_flight_a_second_call_is_refused_and_told_how_long_the_first_may_take() {
    OtpResendClient client = OtpResendClient.create(vertx, server.options().setSingleFlight(false));
    OtpResendClient sharing =
        OtpResendClient.create(vertx, server.options().setTimeout(Duration.ofSeconds(30)));
    for (OtpResendClient holder : List.of(client, sharing)) {
      Future<ResendResponse> one = holder.resend(holder == client ? "id" : "another");
      Duration timeout = Duration.ofSeconds(holder == client ? 10 : 30);
      int requests = holder == client ? 1 : 2;
      eventually("the first is sent", () -> server.requests().size() == requests);
      ResendException refusal = failureOf(client.resend(holder == client ? "id" : "another"));
      assertEquals(ResendFailure.ALREADY_IN_PROGRESS, refusal.failure());
      assertFalse(refusal.maybeSent());
      assertTrue(refusal.retryAfter().orElseThrow().compareTo(timeout) <= 0);
      assertTrue(refusal.retryAfter().orElseThrow().compareTo(timeout.minusSeconds(8)) > 0);
      assertFalse(one.isComplete());
    }
    answer.countDown();
    assertEquals(2, server.requests().size());
  }

  @Test
  void at_most_128_calls_share_a_call_and_others_are_in_progress() {
    OtpResendClient client = OtpResendClient.create(vertx, server.options());
    List<Future<ResendResponse>> sharing = new ArrayList<>();
    for (int i = 0; i < 129; i++) {
      sharing.add(client.resend("id"));
    }
    ResendException refusal = failureOf(client.resend("id"));
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, refusal.failure());
    assertTrue(refusal.retryAfter().orElseThrow().compareTo(Duration.ofSeconds(10)) <= 0);
    assertTrue(refusal.retryAfter().orElseThrow().compareTo(Duration.ofSeconds(2)) > 0);
    answer.countDown();
    sharing.forEach(call -> assertTrue(await(call).success()));
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_call_that_shares_and_times_out_is_told_how_long_a_cooldown_may_last() {
    OtpResendClient first = OtpResendClient.create(vertx, server.options());
    first.resend("id");
    eventually("the service is called", () -> server.requests().size() == 1);
    OtpResendClient hasty =
        OtpResendClient.create(
            vertx,
            server.options().setTimeout(Duration.ofMillis(200)).setCooldown(Duration.ofMinutes(2)));
    ResendException failure = failureOf(hasty.resend("id"));
    assertEquals(ResendFailure.TIMEOUT, failure.failure());
    assertEquals(Optional.of(Duration.ofMinutes(2)), failure.retryAfter());
  }

  @Test
  void a_call_that_shares_keeps_its_own_deadline() {
    OtpResendClient patient = OtpResendClient.create(vertx, server.options());
    OtpResendClient hasty =
        OtpResendClient.create(vertx, server.options().setTimeout(Duration.ofMillis(200)));
    Future<ResendResponse> first = patient.resend("id");
    eventually("the service is called", () -> server.requests().size() == 1);

    ResendException failure = failureOf(hasty.resend("id"));

    assertEquals(ResendFailure.TIMEOUT, failure.failure());
    assertTrue(failure.maybeSent());
    answer.countDown();
    assertTrue(await(first).success());
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_call_that_shares_needs_no_connection_but_counts_as_a_call() {
    OtpResendClient client =
        OtpResendClient.create(vertx, server.options().setMaxConnections(1).setMaxPending(1));
    Future<ResendResponse> first = client.resend("id");
    Future<ResendResponse> second = client.resend("id");
    ResendException failure = failureOf(client.resend("another"));
    assertEquals(ResendFailure.OVERLOADED, failure.failure());
    answer.countDown();
    await(first);
    await(second);
    await(client.resend("another"));
  }

  @Test
  void closing_a_client_does_not_end_the_calls_that_another_client_shares() {
    OtpResendClient one = OtpResendClient.create(vertx, server.options());
    OtpResendClient two = OtpResendClient.create(vertx, server.options());
    Future<ResendResponse> first = one.resend("id");
    Future<ResendResponse> second = two.resend("id");
    Future<Void> closed = two.close();
    assertEquals(ResendFailure.CLOSED, failureOf(two.resend("id")).failure());
    answer.countDown();
    await(closed);
    assertTrue(await(first).success());
    assertTrue(await(second).success());
  }
}
