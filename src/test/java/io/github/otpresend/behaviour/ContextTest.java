// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Context;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.Verticle;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The outcome arrives on the context of the caller, exactly once. */
@ExtendWith(VertxExtension.class)
class ContextTest {
  private Vertx vertx;
  private FaultServer server;
  private OtpResendClient client;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server =
        FaultServer.onRequest(
            peer -> {
              if (peer.head().contains("/lost")) {
                peer.close();
              } else {
                peer.write(FaultServer.SUCCESS);
              }
            });
    client = OtpResendClient.create(vertx, server.options());
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** Deploys a verticle that makes the call, and asserts that the outcome has the same context. */
  private void assertSameContext(ThreadingModel model, Supplier<Future<?>> call) {
    assertSameContext(vertx, model, call);
  }

  private static void assertSameContext(
      Vertx vertx, ThreadingModel model, Supplier<Future<?>> call) {
    AtomicReference<Context> callerContext = new AtomicReference<>();
    AtomicReference<Context> outcomeContext = new AtomicReference<>();
    AtomicReference<String> threadName = new AtomicReference<>();
    AtomicInteger outcomes = new AtomicInteger();
    Promise<Void> done = Promise.promise();
    Verticle verticle =
        new io.vertx.core.AbstractVerticle() {
          @Override
          public void start() {
            callerContext.set(Vertx.currentContext());
            call.get()
                .onComplete(
                    outcome -> {
                      outcomes.incrementAndGet();
                      outcomeContext.set(Vertx.currentContext());
                      threadName.set(Thread.currentThread().getName());
                      done.tryComplete();
                    });
          }
        };
    await(vertx.deployVerticle(verticle, new DeploymentOptions().setThreadingModel(model)));
    await(done.future());
    assertSame(callerContext.get(), outcomeContext.get());
    assertTrue(
        threadName.get().contains(model == ThreadingModel.WORKER ? "worker" : "eventloop"),
        threadName.get());
    assertEquals(1, outcomes.get());
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void a_success_arrives_on_the_context_of_the_caller(ThreadingModel model) {
    assertSameContext(model, () -> client.resend("id"));
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void a_failure_arrives_on_the_context_of_the_caller(ThreadingModel model) {
    assertSameContext(model, () -> client.resend("lost"));
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void a_refusal_arrives_on_the_context_of_the_caller(ThreadingModel model) {
    assertSameContext(model, () -> client.resend(""));
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void closing_the_client_ends_on_the_context_of_the_caller(ThreadingModel model) {
    assertSameContext(model, () -> client.close());
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void an_outcome_over_the_event_bus_arrives_on_the_context_of_the_caller(ThreadingModel model) {
    await(EventBusAdapter.register(vertx, "otp.resend", client));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx);
    assertSameContext(model, () -> overBus.resend("id"));
    assertSameContext(model, () -> overBus.resend("lost"));
  }

  @Test
  void a_caller_without_a_context_gets_the_outcome_on_an_event_loop() throws Exception {
    AtomicReference<Context> outcomeContext = new AtomicReference<>();
    CountDownLatch done = new CountDownLatch(1);
    client
        .resend("id")
        .onComplete(
            outcome -> {
              outcomeContext.set(Vertx.currentContext());
              done.countDown();
            });
    done.await();
    assertNotNull(outcomeContext.get());
    assertTrue(outcomeContext.get().isEventLoopContext());
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void a_caller_of_another_vertx_gets_the_outcome_on_its_context(ThreadingModel model) {
    Vertx other = Vertx.vertx();
    try {
      OtpResendClient overBus = OtpResendClient.overEventBus(vertx);
      await(EventBusAdapter.register(vertx, OtpResendOptions.DEFAULT_ADDRESS, client));
      for (OtpResendClient each : List.of(client, overBus)) {
        assertSameContext(other, model, () -> each.resend("id"));
        assertSameContext(other, model, () -> each.resend("lost"));
        assertSameContext(other, model, () -> each.resend(""));
        assertSameContext(other, model, each::close);
      }
    } finally {
      await(other.close());
    }
  }

  @Test
  void a_call_made_in_execute_blocking_ends_on_the_event_loop_of_the_caller() {
    AtomicReference<Thread> eventLoop = new AtomicReference<>();
    AtomicReference<Thread> outcomeThread = new AtomicReference<>();
    await(
        vertx.deployVerticle(
            new VerticleBase() {
              @Override
              public Future<?> start() {
                eventLoop.set(Thread.currentThread());
                return vertx
                    .executeBlocking(() -> client.resend("id"))
                    .compose(
                        call -> call.onComplete(ar -> outcomeThread.set(Thread.currentThread())));
              }
            }));
    assertSame(eventLoop.get(), outcomeThread.get());
  }

  @Test
  void a_handler_that_throws_does_not_disturb_other_calls() {
    vertx.exceptionHandler(thrown -> {});
    for (int i = 0; i < 10; i++) {
      client
          .resend("id")
          .onComplete(
              outcome -> {
                throw new IllegalStateException("a caller's bug");
              });
    }
    await(client.resend("id"));
    await(client.close());
    server.awaitDisconnected();
  }
}
