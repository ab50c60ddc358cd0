// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.PATIENCE;
import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Context;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A client that is left open is closed with its verticle or with Vert.x, and its calls end. */
class VertxCloseIT {
  private final Vertx vertx = Vertx.vertx();
  private final CountDownLatch over = new CountDownLatch(1);
  private FaultServer server;

  @AfterEach
  void stop() {
    over.countDown();
    await(vertx.close());
    server.close();
  }

  /** What the call waits for when its client is closed. */
  enum State {
    WAITS_FOR_A_TOKEN(false, ResendFailure.TOKEN_UNAVAILABLE),
    WAITS_FOR_A_CONNECTION(false, ResendFailure.CONNECTION_FAILED),
    PAUSES_BETWEEN_ATTEMPTS_TO_CONNECT(false, ResendFailure.CONNECTION_FAILED),
    SHARES_A_CALL_THAT_WAS_SENT(true, ResendFailure.TIMEOUT, ResendFailure.CONNECTION_LOST),
    WAS_SENT(true, ResendFailure.TIMEOUT, ResendFailure.CONNECTION_LOST);

    final boolean maybeSent;
    final Set<ResendFailure> failures;

    State(boolean maybeSent, ResendFailure... failures) {
      this.maybeSent = maybeSent;
      this.failures = Set.of(failures);
    }
  }

  /** Creates a client in {@code start()} and never closes it. */
  private final class Creator extends VerticleBase {
    private final State state;
    private OtpResendClient client;

    Creator(State state) {
      this.state = state;
    }

    @Override
    public Future<?> start() {
      client = client(state);
      return Future.succeededFuture();
    }
  }

  private OtpResendClient client(State state) {
    server = server(state);
    Future<String> token =
        state == State.WAITS_FOR_A_TOKEN
            ? Promise.<String>promise().future()
            : Future.succeededFuture("secret-token");
    OtpResendOptions options =
        new OtpResendOptions()
            .setBaseUrl(server.baseUrl())
            .setMaxConnections(1)
            .setTimeout(Duration.ofSeconds(3)); // leaves time to reach the state
    switch (state) {
      case WAITS_FOR_A_CONNECTION -> // this timeout is far shorter than that of the call that has
          // the connection
          options
              .setTimeout(PATIENCE)
              .setConnectTimeout(Duration.ofSeconds(3))
              .setConnectAttempts(1);
      case PAUSES_BETWEEN_ATTEMPTS_TO_CONNECT -> options.setConnectAttempts(100);
      default -> {
        // only the timeout ends the call
      }
    }
    return OtpResendClient.create(vertx, options, () -> token);
  }

  private FaultServer server(State state) {
    return switch (state) {
      case PAUSES_BETWEEN_ATTEMPTS_TO_CONNECT ->
          FaultServer.onConnection("https", FaultServer.Peer::close);
      case WAITS_FOR_A_CONNECTION ->
          FaultServer.onRequest(
              peer -> {
                peer.await(over);
                peer.close();
              });
      default -> FaultServer.onRequest(FaultServer.Peer::silence);
    };
  }

  /** Starts a call, and returns it when it has reached the state. */
  private Future<ResendResponse> callIn(State state, OtpResendClient client) {
    if (state == State.WAITS_FOR_A_CONNECTION || state == State.SHARES_A_CALL_THAT_WAS_SENT) {
      client.resend(state == State.WAITS_FOR_A_CONNECTION ? "another" : "id");
      eventually("the connection is taken", () -> server.requests().size() == 1);
    }
    // it runs on the client's event loop before everything that the test does later
    Future<ResendResponse> call = client.resend("id").onComplete(ended -> over.countDown());
    switch (state) {
      case PAUSES_BETWEEN_ATTEMPTS_TO_CONNECT ->
          eventually("an attempt was made", () -> server.connections() > 0);
      case WAS_SENT -> eventually("it was sent", () -> server.requests().size() == 1);
      default -> {
        // the call waits as soon as it has started
      }
    }
    return call;
  }

  private void assertEnded(State state, Future<ResendResponse> call) {
    assertTrue(call.isComplete(), "the call has no outcome");
    ResendException failure = assertInstanceOf(ResendException.class, call.cause());
    assertTrue(state.failures.contains(failure.failure()), "" + failure);
    assertEquals(state.maybeSent, failure.maybeSent());
    server.awaitDisconnected();
  }

  @ParameterizedTest
  @EnumSource
  @Execution(CONCURRENT)
  void closing_vertx_ends_the_calls_of_a_client_that_a_verticle_left_open(State state) {
    Creator verticle = new Creator(state);
    await(vertx.deployVerticle(verticle));
    Future<ResendResponse> call = callIn(state, verticle.client);
    await(vertx.close());
    assertEnded(state, call);
  }

  @ParameterizedTest
  @EnumSource
  @Execution(CONCURRENT)
  void closing_vertx_ends_the_calls_of_a_client_that_no_verticle_created(State state) {
    OtpResendClient client = client(state);
    Future<ResendResponse> call = callIn(state, client);
    await(vertx.close());
    assertEnded(state, call);
  }

  @ParameterizedTest
  @EnumSource
  @Execution(CONCURRENT)
  void closing_vertx_ends_the_calls_of_a_client_whose_creator_was_undeployed_before(State state) {
    Context[] ofVerticle = new Context[1];
    VerticleBase verticle =
        new VerticleBase() {
          @Override
          public Future<?> start() {
            ofVerticle[0] = context;
            return Future.succeededFuture();
          }
        };
    await(vertx.undeploy(await(vertx.deployVerticle(verticle))));
    Promise<OtpResendClient> created = Promise.promise();
    ofVerticle[0].runOnContext(v -> created.complete(client(state)));
    Future<ResendResponse> call = callIn(state, await(created.future()));
    await(vertx.close());
    assertEnded(state, call);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @Execution(CONCURRENT)
  void closing_vertx_ends_a_call_over_the_event_bus_and_runs_its_handler(boolean isServed) {
    server = FaultServer.onRequest(FaultServer.Peer::silence);
    OtpResendOptions options = server.options().setTimeout(Duration.ofSeconds(2));
    if (isServed) {
      await(vertx.deployVerticle(new OtpResendVerticle(options)));
    } else {
      vertx.eventBus().consumer(options.getAddress(), message -> {});
    }
    AtomicReference<Throwable> outcome = new AtomicReference<>();
    OtpResendClient client = OtpResendClient.overEventBus(vertx, options);
    client.resend("id").onFailure(outcome::set);
    if (isServed) {
      eventually("it was sent", () -> server.requests().size() == 1);
    }
    await(vertx.close());
    ResendException failure = assertInstanceOf(ResendException.class, outcome.get());
    assertEquals(ResendFailure.TIMEOUT, failure.failure());
  }

  @ParameterizedTest
  @EnumSource
  @Execution(CONCURRENT)
  void undeploying_a_verticle_ends_the_calls_of_a_client_that_it_left_open(State state) {
    undeployIn(state, new DeploymentOptions());
  }

  @ParameterizedTest
  @EnumSource
  @Execution(CONCURRENT)
  void undeploying_a_worker_verticle_ends_the_calls_of_a_client_that_it_left_open(State state) {
    undeployIn(
        state,
        new DeploymentOptions()
            .setThreadingModel(ThreadingModel.WORKER)
            .setWorkerPoolName("own-pool"));
  }

  private void undeployIn(State state, DeploymentOptions options) {
    Creator verticle = new Creator(state);
    String deployment = await(vertx.deployVerticle(verticle, options));
    Future<ResendResponse> call = callIn(state, verticle.client);
    await(vertx.undeploy(deployment));
    assertEnded(state, call);
  }
}
