// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.testing.Calls;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A client whose application has faulty code, a second client of the same Vert.x, and the service.
 * The service answers at once, except for these request ids: it answers {@code held} and {@code
 * both} ids when the test says so, and closes the connection of {@code lost} ids.
 */
final class FaultyScene implements AutoCloseable {
  static final String OLD_TOKEN = "old-token";
  static final Duration SHORT = Duration.ofMillis(500);
  private static final int MAX_REPEATS = 3;

  /** Ways to call the client. */
  enum Way {
    DIRECT,
    BUS
  }

  /** Places of code that calls the client. */
  enum Caller {
    CLIENT_LOOP,
    OTHER_LOOP,
    WORKER,
    PLAIN_THREAD
  }

  final CountDownLatch release = new CountDownLatch(1);
  private final FaultServer server = FaultServer.onRequest(this::serve);
  private final List<Future<?>> tracked = new CopyOnWriteArrayList<>();

  /** The calls, by request id. */
  private final Map<String, Queue<Future<ResendResponse>>> calls = new ConcurrentHashMap<>();

  private final AtomicInteger repeats = new AtomicInteger();
  private final AtomicInteger undeployments = new AtomicInteger();
  private final AtomicInteger ids = new AtomicInteger();
  final Vertx vertx;
  final Fault fault;
  OtpResendClient client;
  private OtpResendClient second;
  private Context home;
  private String deployment;

  /** The requests for {@code held} ids wait for it. */
  private final CountDownLatch answer = new CountDownLatch(1);

  /** The requests for {@code both} ids wait for it; a late {@code held} request does not. */
  private volatile CountDownLatch answerOfBoth = new CountDownLatch(1);

  /** The request id for which faulty code calls the client again. */
  String faultyId = "faulty";

  /** Whether the faulty code is faulty now. */
  volatile boolean on;

  FaultyScene(Vertx vertx, Fault fault) {
    this.vertx = vertx;
    this.fault = fault;
    if (fault == Fault.THROWS_AND_SO_DOES_THE_EXCEPTION_HANDLER) {
      vertx.exceptionHandler(
          e -> {
            throw new IllegalStateException("thrown by the exception handler", e);
          });
    } else {
      vertx.exceptionHandler(e -> {}); // instead of a log
    }
  }

  private void serve(FaultServer.Peer peer) throws IOException {
    String head = peer.head();
    if (head.contains(OLD_TOKEN)) {
      peer.write(FaultServer.response(401, ""));
      return;
    } else if (head.contains("/lost")) {
      peer.close();
      return;
    } else if (head.contains("/held")) {
      peer.await(answer);
    } else if (head.contains("/both")) {
      peer.await(answerOfBoth);
    }
    peer.write(FaultServer.SUCCESS);
  }

  /** Runs the faulty code, if it is faulty now. */
  void fault() {
    if (on) {
      fault.run(this);
    }
  }

  /** Deploys the client, and creates the second client. */
  FaultyScene start(Way way, Duration timeout, TokenProvider provider) {
    OtpResendOptions options =
        server.options().setMaxConnections(2).setTimeout(timeout).setConnectTimeout(timeout);
    VerticleBase verticle =
        way == Way.BUS
            ? new OtpResendVerticle(options, provider) {
              @Override
              public Future<?> start() {
                home = context;
                FaultyScene.this.client = OtpResendClient.overEventBus(vertx, options);
                return super.start();
              }
            }
            : new VerticleBase() {
              @Override
              public Future<?> start() {
                home = context;
                FaultyScene.this.client = OtpResendClient.create(vertx, options, provider);
                return Future.succeededFuture();
              }
            };
    deployment = await(vertx.deployVerticle(verticle));
    second = OtpResendClient.create(vertx, options);
    return this;
  }

  FaultyScene start(Way way, Duration timeout) {
    return start(way, timeout, () -> Future.succeededFuture(FaultServer.TOKEN));
  }

  /** Runs the task at the place. */
  void run(Caller caller, Runnable task) {
    switch (caller) {
      case CLIENT_LOOP -> home.runOnContext(v -> task.run());
      case OTHER_LOOP -> otherLoop().runOnContext(v -> task.run());
      case WORKER -> ((VertxInternal) vertx).createWorkerContext().runOnContext(v -> task.run());
      case PLAIN_THREAD -> task.run();
    }
  }

  private Context otherLoop() {
    return Stream.generate(((VertxInternal) vertx)::createEventLoopContext)
        .filter(c -> c.nettyEventLoop() != ((ContextInternal) home).nettyEventLoop())
        .findFirst()
        .orElseThrow();
  }

  /** Calls the client, and counts the call. */
  Future<ResendResponse> resend(String requestId) {
    return resend(client, requestId);
  }

  private Future<ResendResponse> resend(OtpResendClient client, String requestId) {
    Future<ResendResponse> call;
    try {
      call = track(client.resend(requestId));
    } catch (Throwable thrown) { // it must never throw; the assertions find that it has
      call = Future.failedFuture(thrown);
    }
    calls.computeIfAbsent(requestId, id -> new ConcurrentLinkedQueue<>()).add(call);
    return call;
  }

  <T> Future<T> track(Future<T> future) {
    tracked.add(future);
    return future;
  }

  /** Makes two calls, but not without end if the faulty code runs for each call. */
  void callAgain() {
    if (repeats.incrementAndGet() <= MAX_REPEATS) {
      resend(faultyId);
      resend("again-" + ids.incrementAndGet());
    }
  }

  void undeployOnce() {
    if (undeployments.incrementAndGet() == 1) {
      track(vertx.undeploy(deployment));
    }
  }

  void awaitRequests(String... requestIds) {
    for (String requestId : requestIds) {
      eventually(
          requestId + " is at the service",
          () -> server.requests().stream().anyMatch(head -> head.contains('/' + requestId + '/')));
    }
  }

  /** Waits until the client that calls the service has received the calls of the test. */
  void awaitReceived(Way way) {
    Calls.run(home, () -> {});
    if (way == Way.BUS) {
      causeOf(vertx.eventBus().request(OtpResendOptions.DEFAULT_ADDRESS, ".."));
    }
  }

  void answerHeld() {
    answer.countDown();
  }

  /** Waits until a call has ended. Returns whether it succeeded. */
  static boolean ended(String what, Future<?> call) {
    eventually(what + " ends", call::isComplete);
    if (call.failed()) {
      assertInstanceOf(ResendException.class, call.cause(), () -> "" + call.cause());
    }
    return call.succeeded();
  }

  /** Waits until all calls so far have ended. */
  void awaitCalls() {
    tracked.forEach(call -> ended("each call", call));
  }

  /** Makes calls of both clients while the code is faulty. */
  void callWhileFaulty() {
    List<Future<ResendResponse>> made =
        Stream.of("faulty", "other", "lost-1", "lost-2").map(this::resend).toList();
    Future<ResendResponse> ofSecond = resend(second, "of-second");
    made.forEach(call -> ended("a call while the code is faulty", call));
    ended("a call of the second client", ofSecond);
  }

  /** Asserts that the second client can resend, although the code may still be faulty. */
  void assertSecondClientWorks() {
    eventually( // a short deadline may have been too short
        "the second client works", () -> ended("a call of it", resend(second, "of-second")));
  }

  /**
   * Asserts that the client can use all its connections at the same time, as far as it is not
   * closed.
   */
  void assertClientWorks() {
    if (fault.closes()) {
      ended("a call of the closed client", resend("late"));
      return;
    }
    eventually(
        "both connections can be used at the same time",
        () -> {
          answerOfBoth = new CountDownLatch(1);
          String one = "both-" + ids.incrementAndGet();
          String two = "both-" + ids.incrementAndGet();
          List<Future<ResendResponse>> both = List.of(resend(one), resend(two));
          eventually(
              "both are at the service, or one has ended",
              () -> areHeld(one, two) || both.stream().anyMatch(Future::isComplete));
          boolean held = areHeld(one, two);
          answerOfBoth.countDown();
          both.forEach(call -> ended("a call of the same client", call));
          return held && both.stream().allMatch(Future::succeeded);
        });
  }

  private boolean areHeld(String one, String two) {
    String heads = String.join("", server.requests());
    return heads.contains('/' + one + '/') && heads.contains('/' + two + '/');
  }

  /** Closes everything, and asserts what is true of all cases. */
  void assertCloses(int requestsOfACall) {
    await(client.close());
    undeployOnce();
    tracked.forEach(future -> eventually("it ends: " + future, future::isComplete));
    await(second.close());
    release.countDown();
    await(vertx.close());
    assertEquals(List.of(), tracked.stream().filter(future -> !future.isComplete()).toList());
    calls.forEach((requestId, made) -> assertRequests(requestId, made, requestsOfACall));
  }

  private void assertRequests(
      String requestId, Queue<Future<ResendResponse>> made, int requestsOfACall) {
    made.forEach(call -> ended("each call", call));
    List<String> heads =
        server.requests().stream().filter(head -> head.contains('/' + requestId + '/')).toList();
    assertTrue(heads.size() <= made.size() * requestsOfACall, () -> requestId + heads);
    long accepted = heads.stream().filter(head -> !head.contains(OLD_TOKEN)).count();
    long maybeSent = made.stream().filter(FaultyScene::isMaybeSent).count();
    if (accepted > 0) {
      assertTrue(maybeSent > 0, () -> requestId + " was sent, but the outcomes say: " + made);
    }
  }

  private static boolean isMaybeSent(Future<ResendResponse> call) {
    return call.succeeded() || ResendException.from(call.cause()).maybeSent();
  }

  @Override
  public void close() {
    answer.countDown();
    answerOfBoth.countDown();
    release.countDown();
    server.close();
    vertx.close(); // again, in case the test has failed
  }
}
