// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Context;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.Verticle;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The outcome arrives on the context of its caller, exactly once. */
class ContextTest {
  private Vertx vertx;
  private FaultServer server;
  private OtpResendClient client;

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
    server =
        FaultServer.onRequest(
            peer -> {
              if (peer.head().contains("/lost")) {
                peer.close();
              } else {
                peer.write(FaultServer.SUCCESS);
              }
            });
    client =
        OtpResendClient.create(
            vertx, new OtpResendOptions().setBaseUrl(server.baseUrl()).setToken("secret-token"));
  }

  @AfterEach
  void stop() {
    await(vertx.close());
    server.close();
  }

  /** Deploys a verticle that asks, and tells the context it asked on and the one of the outcome. */
  private void assertSameContext(ThreadingModel model, Supplier<Future<?>> resend) {
    assertSameContext(vertx, model, resend);
  }

  private static void assertSameContext(
      Vertx vertx, ThreadingModel model, Supplier<Future<?>> resend) {
    AtomicReference<Context> asked = new AtomicReference<>();
    AtomicReference<Context> answered = new AtomicReference<>();
    AtomicReference<String> thread = new AtomicReference<>();
    AtomicInteger outcomes = new AtomicInteger();
    Promise<Void> done = Promise.promise();
    Verticle verticle =
        new io.vertx.core.AbstractVerticle() {
          @Override
          public void start() {
            asked.set(Vertx.currentContext());
            resend
                .get()
                .onComplete(
                    outcome -> {
                      outcomes.incrementAndGet();
                      answered.set(Vertx.currentContext());
                      thread.set(Thread.currentThread().getName());
                      done.tryComplete();
                    });
          }
        };
    await(vertx.deployVerticle(verticle, new DeploymentOptions().setThreadingModel(model)));
    await(done.future());
    assertSame(asked.get(), answered.get());
    assertTrue(
        thread.get().contains(model == ThreadingModel.WORKER ? "worker" : "eventloop"),
        thread.get());
    assertEquals(1, outcomes.get());
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void a_success_arrives_where_it_was_asked_for(ThreadingModel model) {
    assertSameContext(model, () -> client.resend("id"));
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void a_failure_arrives_where_it_was_asked_for(ThreadingModel model) {
    assertSameContext(model, () -> client.resend("lost"));
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void a_refusal_arrives_where_it_was_asked_for(ThreadingModel model) {
    assertSameContext(model, () -> client.resend(""));
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void closing_ends_where_it_was_asked_for(ThreadingModel model) {
    assertSameContext(model, () -> client.close());
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void an_outcome_over_the_bus_arrives_where_it_was_asked_for(ThreadingModel model) {
    await(EventBusAdapter.register(vertx, "otp.resend", client));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx);
    assertSameContext(model, () -> overBus.resend("id"));
    assertSameContext(model, () -> overBus.resend("lost"));
  }

  @Test
  void a_thread_without_a_context_is_answered_on_an_event_loop() throws Exception {
    AtomicReference<Context> answered = new AtomicReference<>();
    CountDownLatch done = new CountDownLatch(1);
    client
        .resend("id")
        .onComplete(
            outcome -> {
              answered.set(Vertx.currentContext());
              done.countDown();
            });
    done.await();
    assertNotNull(answered.get());
    assertTrue(answered.get().isEventLoopContext());
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void a_caller_of_another_vertx_is_told_where_it_asked(ThreadingModel model) {
    Vertx other = Vertx.vertx();
    try {
      OtpResendClient overBus = OtpResendClient.overEventBus(vertx);
      await(EventBusAdapter.register(vertx, OtpResendOptions.DEFAULT_ADDRESS, client));
      for (OtpResendClient asked : List.of(client, overBus)) {
        assertSameContext(other, model, () -> asked.resend("id"));
        assertSameContext(other, model, () -> asked.resend("lost"));
        assertSameContext(other, model, () -> asked.resend(""));
        assertSameContext(other, model, asked::close);
      }
    } finally {
      await(other.close());
    }
  }

  @Test
  void code_that_blocks_a_worker_for_an_event_loop_is_answered_on_that_event_loop() {
    AtomicReference<Thread> loop = new AtomicReference<>();
    AtomicReference<Thread> answered = new AtomicReference<>();
    await(
        vertx.deployVerticle(
            new VerticleBase() {
              @Override
              public Future<?> start() {
                loop.set(Thread.currentThread());
                return vertx
                    .executeBlocking(() -> client.resend("id"))
                    .compose(
                        resend -> resend.onComplete(ar -> answered.set(Thread.currentThread())));
              }
            }));
    assertSame(loop.get(), answered.get());
  }

  @Test
  void a_caller_that_throws_disturbs_nobody() {
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
