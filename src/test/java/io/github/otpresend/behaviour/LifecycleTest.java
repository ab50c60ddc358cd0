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
import static org.junit.jupiter.api.parallel.ResourceAccessMode.READ;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.FreePort;
import io.github.otpresend.testing.LogCapture;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Creation and closing of clients, attempts to connect, and log messages. */
@ExtendWith(VertxExtension.class)
class LifecycleTest {
  /** Lock for the tests that read this log. A call of a test beside them would write to it. */
  private static final String CLIENT_LOG = "log of OtpResendClient";

  private Vertx vertx;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
  }

  private static OtpResendOptions options(String baseUrl) {
    return new OtpResendOptions().setBaseUrl(baseUrl).setToken("secret-token");
  }

  @Test
  void a_client_without_a_token_is_not_created() {
    IllegalArgumentException refusal =
        assertThrows(
            IllegalArgumentException.class,
            () -> OtpResendClient.create(vertx, new OtpResendOptions()));
    assertTrue(refusal.getMessage().contains("token"), refusal.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"http://localhost.example.org", "http://10.0.0.1/x", "http://[::2]:80"})
  @ResourceLock(CLIENT_LOG)
  void plaintext_to_a_remote_host_is_refused_unless_it_is_allowed(String baseUrl) {
    OtpResendOptions options = options(baseUrl);
    IllegalArgumentException refusal =
        assertThrows(IllegalArgumentException.class, () -> OtpResendClient.create(vertx, options));
    assertTrue(refusal.getMessage().contains("baseUrl"), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("allowPlaintext"), refusal.getMessage());
    try (LogCapture log = LogCapture.of(OtpResendClient.class)) {
      await(OtpResendClient.create(vertx, options.setAllowPlaintext(true)).close());
      assertTrue(log.text().startsWith("WARNING allowPlaintext"), log.text());
    }
  }

  @Test
  void options_changed_later_do_not_change_the_client() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendOptions options = options(server.baseUrl());
      OtpResendClient client = OtpResendClient.create(vertx, options);
      options.setToken("another").setBaseUrl("https://nowhere.example.org");
      await(client.resend("id"));
      assertTrue(server.requests().get(0).contains("Bearer secret-token\r\n"));
    }
  }

  @Test
  void closing_the_client_lets_the_calls_in_flight_finish_and_refuses_new_calls() {
    CountDownLatch answer = new CountDownLatch(1);
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              peer.await(answer);
              peer.write(FaultServer.SUCCESS);
            })) {
      OtpResendClient client =
          OtpResendClient.create(vertx, options(server.baseUrl()).setMaxConnections(1));
      Future<ResendResponse> inFlight = client.resend("in-flight");
      Future<ResendResponse> waiting = client.resend("waiting");
      eventually("the service is called", () -> server.requests().size() == 1);

      Future<Void> closed = client.close();
      assertEquals(ResendFailure.CLOSED, failureOf(client.resend("late")).failure());
      assertFalse(closed.isComplete());
      answer.countDown();

      assertTrue(await(inFlight).success());
      assertTrue(await(waiting).success());
      await(closed);
      await(client.close());
      server.awaitDisconnected();
      assertEquals(2, server.requests().size());
    }
  }

  @Test
  @Execution(CONCURRENT)
  @ResourceLock(value = CLIENT_LOG, mode = READ)
  void closing_the_client_takes_no_longer_than_the_deadline_of_a_call() {
    try (FaultServer server = FaultServer.onRequest(FaultServer.Peer::silence)) {
      OtpResendClient client =
          OtpResendClient.create(
              vertx, options(server.baseUrl()).setTimeout(Duration.ofSeconds(2)));
      Future<ResendResponse> silent = client.resend("id");
      eventually("the service is called", () -> server.requests().size() == 1);
      await(client.close());
      assertEquals(ResendFailure.TIMEOUT, failureOf(silent).failure());
      server.awaitDisconnected();
    }
  }

  @Test
  void a_refused_connection_is_tried_again() throws Exception {
    int port = FreePort.find();
    OtpResendClient client =
        OtpResendClient.create(vertx, options("http://localhost:" + port).setConnectAttempts(3));
    ResendException failure = failureOf(client.resend("id"));
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertFalse(failure.maybeSent());
    assertTrue(failure.getCause() instanceof IOException, "" + failure.getCause());
    assertTrue(failure.getMessage().endsWith(" in 3 attempts"), failure.getMessage());
  }

  @Test
  void pauses_between_attempts_to_connect_grow() {
    List<Long> times = new CopyOnWriteArrayList<>();
    FaultServer.Script script =
        peer -> {
          times.add(System.nanoTime());
          peer.close();
        };
    try (FaultServer server = FaultServer.onConnection("https", script)) {
      OtpResendClient client =
          OtpResendClient.create(vertx, options(server.baseUrl()).setConnectAttempts(4));
      assertEquals(ResendFailure.CONNECTION_FAILED, failureOf(client.resend("id")).failure());
      assertEquals(4, times.size());
      // at least half of 50, 100 and 200 ms, because of jitter; a slow machine may add to that
      for (int i = 1; i < 4; i++) {
        long millis = (times.get(i) - times.get(i - 1)) / 1_000_000;
        assertTrue(millis >= 25 << i - 1, "pause " + i + " was " + millis + " ms");
      }
    }
  }

  @Test
  void a_failed_handshake_is_tried_again_and_no_request_is_sent() {
    FaultServer.Script plaintext =
        peer -> {
          peer.write(FaultServer.response(400, ""));
          peer.silence();
        };
    try (FaultServer server = FaultServer.onConnection("https", plaintext)) {
      // a TLS handshake with a plaintext server fails before the request is sent
      OtpResendClient client =
          OtpResendClient.create(vertx, options(server.baseUrl()).setConnectAttempts(2));
      ResendException failure = failureOf(client.resend("id"));
      assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
      assertFalse(failure.maybeSent());
      assertTrue(failure.getMessage().endsWith(" in 2 attempts"), failure.getMessage());
      server.awaitDisconnected();
    }
  }

  @Test
  @Execution(CONCURRENT)
  @ResourceLock(value = CLIENT_LOG, mode = READ)
  void calls_that_get_no_connection_in_time_free_their_places_and_are_never_sent() {
    CountDownLatch answer = new CountDownLatch(1);
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              peer.await(answer);
              peer.write(FaultServer.SUCCESS);
            })) {
      OtpResendClient client =
          OtpResendClient.create(
              vertx,
              options(server.baseUrl())
                  .setMaxConnections(1)
                  .setMaxPending(2)
                  .setConnectAttempts(1)
                  .setConnectTimeout(Duration.ofSeconds(2)));
      Future<ResendResponse> inFlight = client.resend("in-flight");
      eventually("the service is called", () -> server.requests().size() == 1);
      Future<ResendResponse> one = client.resend("one");
      Future<ResendResponse> two = client.resend("two");
      assertEquals(ResendFailure.OVERLOADED, failureOf(client.resend("three")).failure());
      assertEquals(ResendFailure.CONNECTION_FAILED, failureOf(one).failure());
      assertEquals(ResendFailure.CONNECTION_FAILED, failureOf(two).failure());
      Future<ResendResponse> four = client.resend("four");
      Future<ResendResponse> five = client.resend("five");

      answer.countDown();

      assertTrue(await(inFlight).success());
      assertTrue(await(four).success());
      assertTrue(await(five).success());
      assertEquals(3, server.requests().size());
      assertTrue(server.requests().stream().noneMatch(head -> head.matches("(?s).*/(one|two)/.*")));
    }
  }

  @Test
  void every_call_fails_as_closed_after_vertx_is_closed() {
    Vertx other = Vertx.vertx();
    OtpResendClient client = OtpResendClient.create(other, options("http://localhost:1"));
    OtpResendClient overBus = OtpResendClient.overEventBus(other);
    await(other.close());
    for (OtpResendClient each : List.of(client, overBus)) {
      assertEquals(ResendFailure.CLOSED, failureOf(each.resend("id")).failure());
      assertEquals(ResendFailure.INVALID_REQUEST, failureOf(each.resend("..")).failure());
      await(each.close());
    }
  }

  @Test
  void a_call_whose_worker_pool_is_closed_frees_its_place() {
    CountDownLatch answer = new CountDownLatch(1);
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              peer.await(answer);
              peer.write(FaultServer.SUCCESS);
            })) {
      OtpResendClient client =
          OtpResendClient.create(
              vertx, options(server.baseUrl()).setMaxConnections(1).setMaxPending(0));
      String id = deployCaller(client, ThreadingModel.WORKER);
      eventually("the service is called", () -> server.requests().size() == 1);
      await(vertx.undeploy(id));
      answer.countDown();
      eventually(
          "a place is free",
          () -> {
            Future<ResendResponse> next = client.resend("next");
            eventually("the next call ends", next::isComplete);
            return next.succeeded();
          });
    }
  }

  /** Vert.x drops the replies and the timers of a verticle, and closes its worker pool. */
  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  @Execution(CONCURRENT)
  @ResourceLock(value = CLIENT_LOG, mode = READ)
  void a_client_over_the_event_bus_closes_even_if_the_verticle_of_a_caller_is_undeployed(
      ThreadingModel model) {
    vertx.eventBus().consumer("nobody-answers", message -> {});
    OtpResendOptions options =
        new OtpResendOptions()
            .setAddress("nobody-answers")
            .setTimeout(Duration.ofSeconds(1))
            .setConnectTimeout(Duration.ofSeconds(1));
    OtpResendClient client = OtpResendClient.overEventBus(vertx, options);
    await(vertx.undeploy(deployCaller(client, model)));
    await(client.close());
  }

  /** Deploys a verticle that makes a call, and returns its deployment id. */
  private String deployCaller(OtpResendClient client, ThreadingModel model) {
    VerticleBase caller =
        new VerticleBase() {
          @Override
          public Future<?> start() {
            client.resend("id");
            return Future.succeededFuture();
          }
        };
    DeploymentOptions ownPool =
        new DeploymentOptions().setThreadingModel(model).setWorkerPoolName("own-pool");
    return await(vertx.deployVerticle(caller, ownPool));
  }

  @Test
  void a_call_that_waits_for_a_token_ends_before_vertx_is_closed() {
    Vertx other = Vertx.vertx();
    OtpResendOptions options =
        new OtpResendOptions()
            .setBaseUrl("http://localhost:1")
            .setTimeout(Duration.ofMillis(500))
            .setConnectTimeout(Duration.ofMillis(500));
    Promise<String> tokenPromise = Promise.promise();
    OtpResendClient client = OtpResendClient.create(other, options, tokenPromise::future);
    Future<ResendResponse> waiting = client.resend("id");
    await(other.close());
    assertEquals(ResendFailure.TOKEN_UNAVAILABLE, ResendException.from(waiting.cause()).failure());
  }

  @Test
  @ResourceLock(CLIENT_LOG)
  void outcomes_are_logged_at_debug_level_only() {
    try (FaultServer server =
            FaultServer.onRequest(
                peer ->
                    peer.write(
                        peer.head().contains("/refused/")
                            ? FaultServer.response(404, "{\"type\":\"SessionNotFoundException\"}")
                            : FaultServer.SUCCESS));
        LogCapture log = LogCapture.of(OtpResendClient.class)) {
      OtpResendClient client = OtpResendClient.create(vertx, options(server.baseUrl()));
      await(client.resend("id"));
      failureOf(client.resend("refused"));
      assertEquals(
          """
          FINE resend of id: {"success":true}
          FINE resend of refused: SESSION_NOT_FOUND (404, not sent)\
          """,
          log.text());
    }
  }

  @Test
  @ResourceLock(CLIENT_LOG)
  void a_call_succeeds_even_if_the_logger_throws() {
    Logger logger = Logger.getLogger(OtpResendClient.class.getName());
    Handler throwing =
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            throw new IllegalStateException("thrown by the log handler");
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS));
        LogCapture log = LogCapture.of(OtpResendClient.class)) {
      logger.addHandler(throwing);
      OtpResendClient client = OtpResendClient.create(vertx, options(server.baseUrl()));
      assertTrue(await(client.resend("id")).success());
      await(client.close());
      assertEquals("FINE resend of id: {\"success\":true}", log.text());
    } finally {
      logger.removeHandler(throwing);
    }
  }

  @Test
  void a_verticle_logs_one_line_when_it_starts() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS));
        LogCapture log = LogCapture.of(OtpResendVerticle.class)) {
      await(vertx.deployVerticle(new OtpResendVerticle(options(server.baseUrl()))));
      assertEquals(
          "INFO Resends to " + server.baseUrl() + " are served at event-bus address otp.resend",
          log.text());
    }
  }
}
