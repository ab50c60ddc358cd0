// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static io.github.otpresend.testing.FaultServer.SUCCESS;
import static io.github.otpresend.testing.FaultServer.response;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.Outcomes;
import io.github.otpresend.testing.EventLoops;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.FreePort;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.net.ConnectException;
import java.time.Duration;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The steps of a call, and how each step ends: by success, by failure or by the deadline. */
@ExtendWith(VertxExtension.class)
class CallTest {
  private static final Duration SHORT = Duration.ofMillis(150);
  private static final String REFUSED_TOKEN = response(401, "");

  private Vertx vertx;
  private FaultServer server;

  /** Latches by request id. The server answers a request with such an id once its latch opens. */
  private final Map<String, CountDownLatch> answerLatches = new ConcurrentHashMap<>();

  /** The futures that the token provider returns, in this order. It repeats the last future. */
  private final Deque<Future<String>> tokens = new ConcurrentLinkedDeque<>();

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    tokens.add(Future.succeededFuture("good"));
    server =
        FaultServer.onRequest(
            peer -> {
              CountDownLatch latch = answerLatches.get(peer.head().split("/")[2]);
              if (latch != null) {
                peer.await(latch);
              }
              peer.write(peer.head().contains("Bearer good") ? SUCCESS : REFUSED_TOKEN);
            });
  }

  @AfterEach
  void stop() {
    answerLatches.values().forEach(CountDownLatch::countDown);
    server.close();
  }

  /** Makes the server hold back its answers to a request id. */
  private CountDownLatch holdAnswer(String id) {
    return answerLatches.computeIfAbsent(id, key -> new CountDownLatch(1));
  }

  /** Lets the server answer the requests with this request id. */
  private void releaseAnswer(String id) {
    holdAnswer(id).countDown();
  }

  private void awaitRequests(int count) {
    eventually("the server has received the requests", () -> server.requests().size() == count);
  }

  /** Returns options that allow one connection and no waiting call. */
  private OtpResendOptions options() {
    return new OtpResendOptions()
        .setBaseUrl(server.baseUrl())
        .setMaxConnections(1)
        .setMaxPending(0);
  }

  private OtpResendClient client(OtpResendOptions options) {
    return OtpResendClient.create(
        vertx, options, () -> tokens.size() > 1 ? tokens.poll() : tokens.peek());
  }

  private OtpResendOptions withShortTimeouts(OtpResendOptions options) {
    return options.setTimeout(SHORT).setConnectTimeout(SHORT);
  }

  /** Sets a timeout that leaves time to send the request. */
  private OtpResendOptions withTimeoutAfterSending(OtpResendOptions options) {
    return options.setTimeout(Duration.ofSeconds(2));
  }

  @Test
  void a_call_that_waits_for_a_token_until_its_deadline_sends_nothing_later() {
    Promise<String> late = Promise.promise();
    tokens.addFirst(late.future());
    OtpResendClient client = client(withShortTimeouts(options()));
    ResendException failure = failureOf(client.resend("id"));
    assertEquals(ResendFailure.TOKEN_UNAVAILABLE, failure.failure());
    assertFalse(failure.maybeSent());

    late.complete("good");

    assertTrue(await(client.resend("next")).success(), "the place of the first call is free");
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_call_that_waits_for_a_connection_until_its_deadline_was_not_sent() {
    try (FaultServer silent = FaultServer.onConnection("https", FaultServer.Peer::silence)) {
      OtpResendOptions options =
          options()
              .setBaseUrl(silent.baseUrl())
              .setTimeout(SHORT.multipliedBy(2))
              .setConnectTimeout(SHORT)
              .setConnectAttempts(100);
      ResendException failure = failureOf(client(options).resend("id"));
      assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
      assertFalse(failure.maybeSent());
    }
  }

  @Test
  @Execution(CONCURRENT)
  void a_call_that_waits_for_its_answer_until_its_deadline_closes_its_connection() {
    OtpResendClient client = client(withTimeoutAfterSending(options()));
    holdAnswer("id");
    ResendException failure = failureOf(client.resend("id"));
    assertEquals(ResendFailure.TIMEOUT, failure.failure());
    assertTrue(failure.maybeSent());
    eventually("another call gets a connection", () -> tryResend(client));
    assertEquals(2, server.connections());
  }

  @Test
  @Execution(CONCURRENT)
  void a_call_that_follows_another_call_until_its_deadline_may_have_been_sent() {
    holdAnswer("id");
    Future<ResendResponse> first = client(options()).resend("id");
    awaitRequests(1);
    ResendException failure = failureOf(client(withTimeoutAfterSending(options())).resend("id"));
    assertEquals(ResendFailure.TIMEOUT, failure.failure());
    assertTrue(failure.maybeSent());
    releaseAnswer("id");
    assertTrue(await(first).success());
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_call_whose_event_loop_is_busy_until_its_deadline_fails_with_that_reason() {
    Context context = vertx.getOrCreateContext();
    Promise<OtpResendClient> created = Promise.promise();
    context.runOnContext(
        v -> {
          created.complete(client(withShortTimeouts(options())));
          EventLoops.keepBusy(SHORT.multipliedBy(2).toNanos());
        });
    ResendException failure = failureOf(await(created.future()).resend("id"));
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertTrue(failure.getMessage().contains("event loop was busy"), failure.getMessage());
    assertEquals(0, server.connections());
  }

  @Test
  void a_call_whose_token_provider_blocks_until_its_deadline_sends_nothing() {
    OtpResendClient client =
        OtpResendClient.create(
            vertx,
            withShortTimeouts(options()),
            () -> {
              EventLoops.keepBusy(SHORT.multipliedBy(2).toNanos());
              return Future.succeededFuture("good");
            });
    assertFalse(failureOf(client.resend("id")).maybeSent());
    assertEquals(0, server.requests().size());
  }

  @Test
  void a_refused_token_is_replaced_once() {
    tokens.addFirst(Future.succeededFuture("old"));
    assertTrue(await(client(options()).resend("id")).success());
    assertEquals(2, server.requests().size());
    assertEquals(2, server.connections(), "a server may close the connection after a 401");
  }

  @Test
  void a_second_refused_token_makes_the_call_unauthorized() {
    tokens.addFirst(Future.succeededFuture("older"));
    tokens.addFirst(Future.succeededFuture("old"));
    ResendException failure = failureOf(client(options()).resend("id"));
    assertEquals(ResendFailure.UNAUTHORIZED, failure.failure());
    assertFalse(failure.maybeSent());
    assertEquals(2, server.requests().size());
  }

  @Test
  void a_refused_token_that_the_provider_returns_again_is_not_sent_again() {
    tokens.clear();
    tokens.add(Future.succeededFuture("old"));
    OtpResendClient client = client(options());
    assertEquals(ResendFailure.UNAUTHORIZED, failureOf(client.resend("id")).failure());
    assertEquals(ResendFailure.UNAUTHORIZED, failureOf(client.resend("id")).failure());
    assertEquals(2, server.requests().size());
  }

  @Test
  @Execution(CONCURRENT)
  void the_deadline_of_a_call_that_waits_for_a_second_token_does_not_affect_another_call() {
    tokens.clear();
    tokens.add(Future.succeededFuture("old"));
    tokens.add(Promise.<String>promise().future());
    tokens.add(Future.succeededFuture("good"));
    OtpResendClient client = client(options().setMaxPending(1).setTimeout(Duration.ofSeconds(3)));
    Future<ResendResponse> refused = client.resend("refused");
    eventually("the provider is called again", () -> tokens.size() == 1);
    await(vertx.timer(1, TimeUnit.SECONDS)); // separates the deadlines of the two calls
    holdAnswer("other");
    Future<ResendResponse> other = client.resend("other"); // may use the place of the first call
    awaitRequests(2);
    ResendException failure = failureOf(refused);
    assertEquals(ResendFailure.TOKEN_UNAVAILABLE, failure.failure());
    releaseAnswer("other");
    assertTrue(await(other).success());
    assertEquals(2, server.connections());
  }

  @Test
  void the_failure_has_the_number_of_attempts_and_the_last_cause() {
    int port = FreePort.find();
    OtpResendClient client =
        client(options().setBaseUrl("http://localhost:" + port).setConnectAttempts(3));
    ResendException failure = failureOf(client.resend("id"));
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertEquals("No connection to localhost:" + port + " in 3 attempts", failure.getMessage());
    assertInstanceOf(ConnectException.class, failure.getCause());
  }

  @Test
  void a_call_succeeds_if_the_service_is_back_after_a_failed_attempt() {
    int port = FreePort.find();
    OtpResendClient client =
        client(options().setBaseUrl("http://localhost:" + port).setConnectAttempts(50));
    Future<ResendResponse> call = client.resend("id");
    try (FaultServer late = FaultServer.at(port, peer -> peer.write(SUCCESS))) {
      assertTrue(await(call).success());
      assertEquals(1, late.requests().size());
    }
  }

  @Test
  void a_call_beyond_max_pending_is_refused_at_once() {
    OtpResendClient client = client(options().setMaxPending(1));
    holdAnswer("one");
    Future<ResendResponse> one = client.resend("one");
    Future<ResendResponse> two = client.resend("two");
    ResendException failure = failureOf(client.resend("three"));
    assertEquals(ResendFailure.OVERLOADED, failure.failure());
    assertFalse(failure.maybeSent());
    releaseAnswer("one");
    assertTrue(await(one).success());
    assertTrue(await(two).success());
    assertTrue(await(client.resend("three")).success());
  }

  @Test
  void a_call_that_follows_another_call_takes_a_place() {
    OtpResendClient client = client(options().setMaxPending(1));
    holdAnswer("id");
    Future<ResendResponse> one = client.resend("id");
    Future<ResendResponse> two = client.resend("id");
    Future<ResendResponse> three = client.resend("id");
    assertTrue(three.failed(), "it is refused on the thread of the caller");
    assertEquals(ResendFailure.OVERLOADED, failureOf(three).failure());
    releaseAnswer("id");
    assertTrue(await(one).success());
    assertTrue(await(two).success());
    assertTrue(await(client.resend("id")).success());
    assertEquals(2, server.requests().size());
  }

  @Test
  void a_call_that_waits_for_its_turn_on_the_event_loop_takes_a_place() {
    Context context = vertx.getOrCreateContext();
    Promise<OtpResendClient> created = Promise.promise();
    CountDownLatch busy = new CountDownLatch(1);
    context.runOnContext(
        v -> {
          created.complete(client(options().setMaxPending(2)));
          while (busy.getCount() > 0) {
            EventLoops.keepBusy(1_000_000);
          }
        });
    OtpResendClient client = await(created.future());
    List<Future<ResendResponse>> calls =
        List.of(client.resend("one"), client.resend("two"), client.resend("three"));
    for (int i = 0; i < 1_000; i++) {
      Future<ResendResponse> excess = client.resend("id-" + i);
      assertTrue(excess.failed());
      // without a listener, which would run on the busy event loop
      assertEquals(ResendFailure.OVERLOADED, ResendException.from(excess.cause()).failure());
    }
    busy.countDown();
    calls.forEach(call -> assertTrue(await(call).success()));
    assertEquals(3, server.requests().size());
  }

  @Test
  void a_call_that_cannot_begin_is_refused_as_invalid_then_as_closed_then_as_overloaded() {
    OtpResendClient client = client(options());
    holdAnswer("id");
    Future<ResendResponse> call = client.resend("id");
    assertEquals(ResendFailure.OVERLOADED, failureOf(client.resend("id")).failure());
    assertEquals(ResendFailure.INVALID_REQUEST, failureOf(client.resend("..")).failure());
    Future<Void> closed = client.close();
    Future<ResendResponse> late = client.resend("id");
    assertTrue(late.failed());
    assertEquals(ResendFailure.CLOSED, failureOf(late).failure());
    assertEquals(ResendFailure.INVALID_REQUEST, failureOf(client.resend("..")).failure());
    releaseAnswer("id");
    assertTrue(await(call).success());
    await(closed);
  }

  @ParameterizedTest
  @ValueSource(strings = {"claim", "token"})
  void a_handler_that_asks_again_whenever_it_is_refused_on_the_event_loop_does_not_recurse(
      String refusal) {
    if (refusal.equals("token")) {
      tokens.clear();
      tokens.add(Future.failedFuture("no token"));
    } else {
      holdAnswer("id");
    }
    Context context = vertx.getOrCreateContext();
    AtomicInteger left = new AtomicInteger(20_000);
    Promise<Void> done = Promise.promise();
    AtomicReference<OtpResendClient> client = new AtomicReference<>();
    context.runOnContext(
        v -> {
          client.set(client(options().setMaxPending(1).setSingleFlight(false)));
          if (refusal.equals("claim")) {
            client.get().resend("id");
          }
          askAgain(client.get(), left, done);
        });
    await(done.future());
    assertEquals(0, left.get());
    releaseAnswer("id");
  }

  private static void askAgain(OtpResendClient client, AtomicInteger left, Promise<Void> done) {
    client
        .resend("id")
        .onFailure(
            e -> {
              ResendFailure kind = ((ResendException) e).failure();
              if (kind != ResendFailure.ALREADY_IN_PROGRESS
                  && kind != ResendFailure.TOKEN_UNAVAILABLE) {
                done.fail(e);
              } else if (left.decrementAndGet() == 0) {
                done.complete();
              } else {
                askAgain(client, left, done);
              }
            });
  }

  @Test
  void a_closed_client_refuses_new_calls_and_closes_when_the_last_call_has_ended() {
    OtpResendClient client = client(options());
    holdAnswer("id");
    Future<ResendResponse> call = client.resend("id");
    awaitRequests(1);
    Future<Void> closed = client.close();
    assertEquals(ResendFailure.CLOSED, failureOf(client.resend("late")).failure());
    assertFalse(closed.isComplete());
    releaseAnswer("id");
    assertTrue(await(call).success());
    await(closed);
    server.awaitDisconnected();
  }

  @Test
  void a_connection_that_closes_before_the_answer_is_lost_and_not_used_again() {
    try (FaultServer closing = FaultServer.onRequest(FaultServer.Peer::close)) {
      OtpResendClient client = client(options().setBaseUrl(closing.baseUrl()));
      for (int i = 0; i < 3; i++) {
        ResendException failure = failureOf(client.resend("id"));
        assertEquals(ResendFailure.CONNECTION_LOST, failure.failure());
        assertTrue(failure.maybeSent());
        assertSame(failure, ResendException.from(failure));
      }
      assertEquals(3, closing.connections());
    }
  }

  @Test
  void a_connection_that_the_service_will_close_is_not_used_again() {
    String success = response(201, "Connection: close", "{\"success\":true}");
    try (FaultServer closing = FaultServer.onRequest(peer -> peer.write(success))) {
      OtpResendClient client = client(options().setBaseUrl(closing.baseUrl()));
      for (int i = 0; i < 3; i++) {
        assertTrue(await(client.resend("id")).success());
      }
      assertEquals(3, closing.connections());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 201\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 418 New\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
      })
  void a_connection_with_an_undocumented_answer_is_closed(String answer) {
    try (FaultServer strange = FaultServer.onRequest(peer -> peer.write(answer))) {
      OtpResendClient client = client(options().setBaseUrl(strange.baseUrl()));
      ResendException failure = failureOf(client.resend("id"));
      assertTrue(
          Outcomes.closesConnection(failure.failure()),
          () -> "the failure is " + failure.failure());
      strange.awaitDisconnected();
    }
  }

  private boolean tryResend(OtpResendClient client) {
    Future<ResendResponse> call = client.resend("next");
    eventually("the call has ended", call::isComplete);
    return call.succeeded();
  }
}
