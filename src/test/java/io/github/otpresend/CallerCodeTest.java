// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.PATIENCE;
import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.causeOf;
import static io.github.otpresend.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A call has left the client, and its place and its connection are free, before the handler of its
 * outcome runs. So the handler may block, and nobody else waits for it.
 */
class CallerCodeTest {
  private final CountDownLatch answer = new CountDownLatch(1);
  private final CountDownLatch handled = new CountDownLatch(1);
  private final CountDownLatch release = new CountDownLatch(1);
  private Vertx vertx;
  private FaultServer server;
  private OtpResendOptions options;

  /** The deployment that serves the calls. */
  private String deployment;

  private OtpResendClient client;

  @BeforeEach
  void start() {
    // the shared pool has one thread, so that a handler that blocks it leaves none
    vertx = Vertx.vertx(new VertxOptions().setWorkerPoolSize(1));
    server =
        FaultServer.onRequest(
            peer -> {
              peer.await(answer);
              peer.write(FaultServer.SUCCESS);
            });
    options =
        new OtpResendOptions()
            .setBaseUrl(server.baseUrl())
            .setToken("secret-token")
            .setMaxConnections(1)
            .setMaxPending(0)
            .setTimeout(PATIENCE);
  }

  @AfterEach
  void stop() {
    answer.countDown();
    release.countDown();
    await(vertx.close());
    server.close();
  }

  /** What takes the calls. */
  enum Way {
    A_CLIENT,
    A_VERTICLE,
    THE_EVENT_BUS
  }

  static Stream<Arguments> cases() {
    return Stream.of(BlockingCaller.values())
        .flatMap(caller -> Stream.of(Way.values()).map(way -> Arguments.of(caller, way)));
  }

  /** Creates a client, which ends with it. */
  private final class Creator extends VerticleBase {
    private OtpResendClient created;

    @Override
    public Future<?> start() {
      created = OtpResendClient.create(vertx, options);
      return Future.succeededFuture();
    }
  }

  private void serve(Way way) {
    if (way == Way.A_CLIENT) {
      Creator creator = new Creator();
      deployment = await(vertx.deployVerticle(creator));
      client = creator.created;
      return;
    }
    OtpResendVerticle verticle = new OtpResendVerticle(options);
    deployment = await(vertx.deployVerticle(verticle));
    client =
        way == Way.THE_EVENT_BUS
            ? OtpResendClient.overEventBus(vertx, options)
            : new OtpResendClient() {
              @Override
              public Future<ResendResponse> resend(String requestId) {
                return verticle.resend(requestId);
              }

              @Override
              public Future<Void> close() {
                return vertx.undeploy(deployment);
              }
            };
  }

  /** Deploys a verticle that makes a call, and handles the outcome like this. */
  private void ask(BlockingCaller caller, Runnable handler) {
    VerticleBase asking =
        new VerticleBase() {
          @Override
          public Future<?> start() {
            client.resend("id").onComplete(outcome -> handler.run());
            return Future.succeededFuture();
          }
        };
    await(vertx.deployVerticle(asking, caller.deployment()));
  }

  /** Has a caller whose handler of the outcome does not return before the end of the test. */
  private void askAndBlock(BlockingCaller caller) {
    ask(caller, this::block);
    answer.countDown(); // now that the deployment no longer needs the thread
    eventually("the handler runs", () -> handled.getCount() == 0);
  }

  private void block() {
    handled.countDown();
    BlockingCaller.blockUntil(release);
  }

  /** Returns when every call that this test has begun on its thread is with the client. */
  private void awaitEntry(Way way) {
    Promise<Void> sent = Promise.promise();
    vertx.runOnContext(v -> sent.complete());
    await(sent.future());
    if (way == Way.THE_EVENT_BUS) {
      causeOf(vertx.eventBus().request(options.getAddress(), "..")); // comes behind the calls
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void a_call_that_shares_the_call_of_a_blocked_caller_has_its_outcome(
      BlockingCaller caller, Way way) {
    serve(way);
    ask(caller, this::block);
    eventually("it was sent", () -> server.requests().size() == 1);
    Future<ResendResponse> sharing = client.resend("id");
    awaitEntry(way);
    answer.countDown();
    eventually("the handler runs", () -> handled.getCount() == 0);
    assertTrue(await(sharing).success());
    assertEquals(1, server.requests().size());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void a_call_that_a_blocked_caller_shares_has_its_outcome(BlockingCaller caller, Way way) {
    serve(way);
    Future<ResendResponse> shared = client.resend("id");
    eventually("it was sent", () -> server.requests().size() == 1);
    ask(caller, this::block);
    answer.countDown();
    eventually("the handler runs", () -> handled.getCount() == 0);
    assertTrue(await(shared).success());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void other_calls_use_the_only_connection_while_a_caller_is_blocked(
      BlockingCaller caller, Way way) {
    serve(way);
    askAndBlock(caller);
    for (int i = 0; i < 10; i++) {
      assertTrue(await(client.resend("other-" + i)).success());
    }
    assertEquals(1, server.connections());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void closing_does_not_wait_for_a_blocked_caller(BlockingCaller caller, Way way) {
    serve(way);
    askAndBlock(caller);
    await(client.close());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void undeploying_the_serving_verticle_does_not_wait_for_a_blocked_caller(
      BlockingCaller caller, Way way) {
    serve(way);
    askAndBlock(caller);
    await(vertx.undeploy(deployment));
    server.awaitDisconnected();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void a_handler_may_block_until_the_client_is_closed(BlockingCaller caller, Way way) {
    serve(way);
    ask(
        caller,
        () -> {
          caller.waitFor(vertx, () -> client.close());
          handled.countDown();
        });
    answer.countDown();
    eventually("the client is closed", () -> handled.getCount() == 0);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void a_handler_may_block_until_the_serving_verticle_is_undeployed(
      BlockingCaller caller, Way way) {
    serve(way);
    ask(
        caller,
        () -> {
          caller.waitFor(vertx, () -> vertx.undeploy(deployment));
          handled.countDown();
        });
    answer.countDown();
    eventually("the verticle is undeployed", () -> handled.getCount() == 0);
  }
}
