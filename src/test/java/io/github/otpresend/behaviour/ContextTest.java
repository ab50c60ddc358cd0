// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Context;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.Verticle;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.junit5.VertxExtension;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
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

  @ParameterizedTest
  @EnumSource(ThreadingModel.class)
  void an_interceptor_of_the_event_bus_finds_the_data_of_the_callers_context(ThreadingModel model) {
    assumeTrue(model != ThreadingModel.EXTERNAL, "no verticle has it");
    if (model == ThreadingModel.VIRTUAL_THREAD) {
      BlockingCaller.assumeVirtualThreads();
    }
    await(EventBusAdapter.register(vertx, "otp.resend", client));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx);
    List<String> found = new CopyOnWriteArrayList<>();
    vertx
        .eventBus()
        .addOutboundInterceptor(
            delivery -> {
              ContextInternal context = (ContextInternal) Vertx.currentContext();
              if (delivery.message().address().equals("otp.resend")) {
                found.add(
                    context.get("data")
                        + " "
                        + ContextInternal.LOCAL_MAP
                            .get(context, ConcurrentHashMap::new)
                            .get("local"));
              }
              delivery.next();
            });
    VerticleBase caller =
        new VerticleBase() {
          @Override
          public Future<?> start() {
            context.put("data", "of the verticle");
            ContextInternal.LOCAL_MAP
                .get(context, ConcurrentHashMap::new)
                .put("local", "of the call");
            return overBus
                .resend("id")
                .compose(
                    own -> vertx.eventBus().request("otp.resend", "id")); // with the bus itself
          }
        };
    await(vertx.deployVerticle(caller, new DeploymentOptions().setThreadingModel(model)));
    String both = "of the verticle of the call";
    assertEquals(List.of(both, both), found);
  }

  @Test
  void a_proxy_of_vertx_works() {
    Vertx proxy =
        (Vertx)
            Proxy.newProxyInstance(
                Vertx.class.getClassLoader(),
                new Class<?>[] {Vertx.class},
                (self, method, arguments) -> method.invoke(vertx, arguments));
    OtpResendClient ofProxy = OtpResendClient.create(proxy, server.options());
    await(EventBusAdapter.register(proxy, "proxied", ofProxy));
    OtpResendClient overBus =
        OtpResendClient.overEventBus(proxy, new OtpResendOptions().setAddress("proxied"));
    for (OtpResendClient each : List.of(overBus, ofProxy)) {
      assertTrue(await(each.resend("id")).success());
      await(each.close());
    }
    AtomicReference<OtpResendClient> ofVerticle = new AtomicReference<>();
    VerticleBase creator =
        new VerticleBase() {
          @Override
          public Future<?> start() {
            ofVerticle.set(OtpResendClient.create(proxy, server.options()));
            return ofVerticle.get().resend("id");
          }
        };
    await(vertx.undeploy(await(vertx.deployVerticle(creator))));
    assertEquals(ResendFailure.CLOSED, failureOf(ofVerticle.get().resend("id")).failure());
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
