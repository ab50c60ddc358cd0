// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.PATIENCE;
import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Callers whose handler of the outcome blocks. Before the handler runs, the call has ended, and its
 * place and its connection are free. So a blocked handler delays no other call.
 */
class CallerCodeTest {
  private final CountDownLatch answer = new CountDownLatch(1);
  private final CountDownLatch handled = new CountDownLatch(1);
  private final CountDownLatch release = new CountDownLatch(1);
  private Vertx vertx;
  private FaultServer server;
  private OtpResendOptions options;

  /** Deployment id of the verticle that owns the client. */
  private String deployment;

  private OtpResendClient client;

  @BeforeEach
  void start() {
    // the shared pool has only one thread, so a handler that blocks it blocks the whole pool
    vertx = Vertx.vertx(new VertxOptions().setWorkerPoolSize(1));
    server =
        FaultServer.onRequest(
            peer -> {
              peer.await(answer);
              peer.write(FaultServer.SUCCESS);
            });
    options = server.options().setMaxConnections(1).setMaxPending(0).setTimeout(PATIENCE);
  }

  @AfterEach
  void stop() {
    answer.countDown();
    release.countDown();
    await(vertx.close());
    server.close();
  }

  /** Ways to make a call. */
  enum Way {
    CLIENT,
    VERTICLE,
    EVENT_BUS
  }

  static Stream<Arguments> cases() {
    return Stream.of(BlockingCaller.values())
        .flatMap(caller -> Stream.of(Way.values()).map(way -> Arguments.of(caller, way)));
  }

  /** Verticle that creates a client. The client closes when the verticle is undeployed. */
  private final class Creator extends VerticleBase {
    private OtpResendClient created;

    @Override
    public Future<?> start() {
      created = OtpResendClient.create(vertx, options);
      return Future.succeededFuture();
    }
  }

  /** Deploys the verticle that owns the client, and sets the client. */
  private void deployClient(Way way) {
    if (way == Way.CLIENT) {
      Creator creator = new Creator();
      deployment = await(vertx.deployVerticle(creator));
      client = creator.created;
      return;
    }
    OtpResendVerticle verticle = new OtpResendVerticle(options);
    deployment = await(vertx.deployVerticle(verticle));
    client =
        way == Way.EVENT_BUS
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

  /** Deploys a verticle that makes a call, and runs the handler when the outcome arrives. */
  private void deployCaller(BlockingCaller caller, Runnable handler) {
    VerticleBase callingVerticle =
        new VerticleBase() {
          @Override
          public Future<?> start() {
            client.resend("id").onComplete(outcome -> handler.run());
            return Future.succeededFuture();
          }
        };
    await(vertx.deployVerticle(callingVerticle, caller.deployment()));
  }

  /** Deploys a caller whose handler of the outcome blocks until the end of the test. */
  private void deployBlockedCaller(BlockingCaller caller) {
    deployCaller(caller, this::block);
    answer.countDown(); // not earlier, because the deployment needs the thread
    eventually("the handler runs", () -> handled.getCount() == 0);
  }

  private void block() {
    handled.countDown();
    BlockingCaller.blockUntil(release);
  }

  /** Waits until the client has received the calls that the test thread has made. */
  private void awaitCallsReceived(Way way) {
    Promise<Void> contextReached = Promise.promise();
    vertx.runOnContext(v -> contextReached.complete());
    await(contextReached.future());
    if (way == Way.EVENT_BUS) {
      causeOf(vertx.eventBus().request(options.getAddress(), "..")); // is handled after the calls
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  @Execution(CONCURRENT)
  void a_call_gets_its_outcome_if_it_shares_the_resend_of_a_blocked_caller(
      BlockingCaller caller, Way way) {
    options.setMaxPending(2); // the calls, and the message of awaitCallsReceived
    deployClient(way);
    deployCaller(caller, this::block);
    eventually("the service is called", () -> server.requests().size() == 1);
    Future<ResendResponse> sharing = client.resend("id");
    awaitCallsReceived(way);
    answer.countDown();
    eventually("the handler runs", () -> handled.getCount() == 0);
    assertTrue(await(sharing).success());
    assertEquals(1, server.requests().size());
  }

  @ParameterizedTest
  @MethodSource("cases")
  @Execution(CONCURRENT)
  void a_call_gets_its_outcome_if_a_blocked_caller_shares_its_resend(
      BlockingCaller caller, Way way) {
    options.setMaxPending(2); // the calls, and the message of awaitCallsReceived
    deployClient(way);
    Future<ResendResponse> shared = client.resend("id");
    eventually("the service is called", () -> server.requests().size() == 1);
    deployCaller(caller, this::block);
    answer.countDown();
    eventually("the handler runs", () -> handled.getCount() == 0);
    assertTrue(await(shared).success());
  }

  @ParameterizedTest
  @MethodSource("cases")
  @Execution(CONCURRENT)
  void other_calls_use_the_only_connection_while_a_caller_is_blocked(
      BlockingCaller caller, Way way) {
    deployClient(way);
    deployBlockedCaller(caller);
    for (int i = 0; i < 10; i++) {
      assertTrue(await(client.resend("other-" + i)).success());
    }
    assertEquals(1, server.connections());
  }

  @ParameterizedTest
  @MethodSource("cases")
  @Execution(CONCURRENT)
  void closing_the_client_does_not_wait_for_a_blocked_caller(BlockingCaller caller, Way way) {
    deployClient(way);
    deployBlockedCaller(caller);
    await(client.close());
  }

  @ParameterizedTest
  @MethodSource("cases")
  @Execution(CONCURRENT)
  void undeploying_the_verticle_of_the_client_does_not_wait_for_a_blocked_caller(
      BlockingCaller caller, Way way) {
    deployClient(way);
    deployBlockedCaller(caller);
    await(vertx.undeploy(deployment));
    server.awaitDisconnected();
  }

  @ParameterizedTest
  @MethodSource("cases")
  @Execution(CONCURRENT)
  void a_handler_may_block_until_the_client_is_closed(BlockingCaller caller, Way way) {
    deployClient(way);
    deployCaller(
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
  @Execution(CONCURRENT)
  void a_handler_may_block_until_the_verticle_of_the_client_is_undeployed(
      BlockingCaller caller, Way way) {
    deployClient(way);
    deployCaller(
        caller,
        () -> {
          caller.waitFor(vertx, () -> vertx.undeploy(deployment));
          handled.countDown();
        });
    answer.countDown();
    eventually("the verticle is undeployed", () -> handled.getCount() == 0);
  }
}
