// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the handler of an outcome may do with the client of its call without blocking, on an event
 * loop or on the threads of the verticle that owns the client.
 */
class CallerOnEventLoopTest {
  private Vertx vertx;
  private FaultServer server;
  private OtpResendOptions options;

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
    server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS));
    options =
        new OtpResendOptions()
            .setBaseUrl(server.baseUrl())
            .setToken("secret-token")
            .setMaxConnections(1)
            .setMaxPending(0);
  }

  @AfterEach
  void stop() {
    await(vertx.close());
    server.close();
  }

  /** Runs this on the event loop of a verticle, and returns its future's result. */
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

  private Future<ResendResponse> chain(OtpResendClient client, int calls) {
    Future<ResendResponse> call = client.resend("id-" + calls);
    return calls == 1 ? call : call.compose(response -> chain(client, calls - 1));
  }

  @Test
  void a_handler_that_calls_again_finds_the_only_connection_free() {
    // the client is created on the same event loop, so that the handler runs within the outcome
    assertTrue(onEventLoop(() -> chain(OtpResendClient.create(vertx, options), 50)).success());
    assertEquals(50, server.requests().size());
    assertEquals(1, server.connections());
  }

  @Test
  void a_handler_that_calls_again_over_the_event_bus_finds_the_only_connection_free() {
    await(vertx.deployVerticle(new OtpResendVerticle(options)));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx, options);
    assertTrue(onEventLoop(() -> chain(overBus, 50)).success());
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
  void a_handler_may_undeploy_the_serving_verticle() {
    OtpResendVerticle verticle = new OtpResendVerticle(options);
    String deployment = await(vertx.deployVerticle(verticle));
    onEventLoop(() -> verticle.resend("id").compose(response -> vertx.undeploy(deployment)));
    server.awaitDisconnected();
  }

  @Test
  void a_handler_may_undeploy_the_serving_verticle_that_answered_over_the_event_bus() {
    String deployment = await(vertx.deployVerticle(new OtpResendVerticle(options)));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx, options);
    onEventLoop(() -> overBus.resend("id").compose(response -> vertx.undeploy(deployment)));
    server.awaitDisconnected();
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER", "VIRTUAL_THREAD"})
  void a_handler_may_undeploy_the_verticle_that_it_belongs_to(ThreadingModel model) {
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
                    // the end is told to the test without the context, which may end with it
                    response -> vertx.undeploy(deploymentID()).onComplete(undeployed));
            return Future.succeededFuture();
          }
        };
    await(vertx.deployVerticle(verticle, new DeploymentOptions().setThreadingModel(model)));
    await(undeployed.future());
    server.awaitDisconnected();
  }
}
