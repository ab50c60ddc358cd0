// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Handlers of an outcome that use or close the client of their call, without blocking. They run on
 * an event loop, or on the threads of the verticle that owns the client.
 */
@ExtendWith(VertxExtension.class)
class CallerOnEventLoopTest {
  private Vertx vertx;
  private FaultServer server;
  private OtpResendOptions options;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS));
    options = server.options().setMaxConnections(1).setMaxPending(0);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** Runs the code on the event loop of a verticle, and returns the result of its future. */
  private <T> T onEventLoop(Supplier<Future<T>> code) {
    Promise<T> result = Promise.promise();
    await(
        vertx.deployVerticle(
            new VerticleBase() {
              @Override
              public Future<?> start() {
                code.get().onComplete(result);
                return Future.succeededFuture();
              }
            }));
    return await(result.future());
  }

  /** Makes calls one after the other. The handler of each outcome makes the next call. */
  private Future<ResendResponse> makeCalls(OtpResendClient client, int calls) {
    Future<ResendResponse> call = client.resend("id-" + calls);
    return calls == 1 ? call : call.compose(response -> makeCalls(client, calls - 1));
  }

  @Test
  void a_call_made_in_a_handler_uses_the_only_connection() {
    // the client is created on the same event loop, so the handler runs at once
    assertTrue(onEventLoop(() -> makeCalls(OtpResendClient.create(vertx, options), 50)).success());
    assertEquals(50, server.requests().size());
    assertEquals(1, server.connections());
  }

  @Test
  void a_call_made_in_a_handler_over_the_event_bus_uses_the_only_connection() {
    await(vertx.deployVerticle(new OtpResendVerticle(options)));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx, options);
    assertTrue(onEventLoop(() -> makeCalls(overBus, 50)).success());
    assertEquals(1, server.connections());
  }

  @Test
  void a_handler_may_close_the_client() {
    onEventLoop(
        () -> {
          OtpResendClient client = OtpResendClient.create(vertx, options);
          return client.resend("id").compose(response -> client.close());
        });
    server.awaitDisconnected();
  }

  @Test
  void a_handler_may_close_the_client_over_the_event_bus() {
    await(vertx.deployVerticle(new OtpResendVerticle(options)));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx, options);
    onEventLoop(() -> overBus.resend("id").compose(response -> overBus.close()));
  }

  @Test
  void a_handler_may_undeploy_the_verticle_of_the_client() {
    OtpResendVerticle verticle = new OtpResendVerticle(options);
    String deployment = await(vertx.deployVerticle(verticle));
    onEventLoop(() -> verticle.resend("id").compose(response -> vertx.undeploy(deployment)));
    server.awaitDisconnected();
  }

  @Test
  void a_handler_of_an_event_bus_reply_may_undeploy_the_verticle_that_sent_it() {
    String deployment = await(vertx.deployVerticle(new OtpResendVerticle(options)));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx, options);
    onEventLoop(() -> overBus.resend("id").compose(response -> vertx.undeploy(deployment)));
    server.awaitDisconnected();
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER", "VIRTUAL_THREAD"})
  void a_handler_may_undeploy_its_own_verticle(ThreadingModel model) {
    if (model == ThreadingModel.VIRTUAL_THREAD) {
      BlockingCaller.assumeVirtualThreads();
    }
    Promise<Void> undeployed = Promise.promise();
    VerticleBase verticle =
        new VerticleBase() {
          @Override
          public Future<?> start() {
            OtpResendClient client = OtpResendClient.create(vertx, options);
            client
                .resend("id")
                .onSuccess(
                    // this promise has no context, because undeploying may close the context
                    response -> vertx.undeploy(deploymentID()).onComplete(undeployed));
            return Future.succeededFuture();
          }
        };
    await(vertx.deployVerticle(verticle, new DeploymentOptions().setThreadingModel(model)));
    await(undeployed.future());
    server.awaitDisconnected();
  }
}
