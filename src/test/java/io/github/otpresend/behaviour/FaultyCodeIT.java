// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.behaviour.FaultyScene.SHORT;
import static io.github.otpresend.behaviour.FaultyScene.ended;
import static io.github.otpresend.testing.Calls.PATIENCE;
import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.behaviour.FaultyScene.Caller;
import io.github.otpresend.behaviour.FaultyScene.Way;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.AsyncResult;
import io.vertx.core.Completable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.DeliveryContext;
import io.vertx.core.eventbus.EventBus;
import io.vertx.core.internal.ContextInternal;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Faulty code of the application: what it does, the place where it runs, and how the client is
 * called. Whatever it does, its own call ends once, and so do the other calls and the closing of
 * the client, of its verticle and of Vert.x. Once the code is no longer faulty, the client works.
 */
@Execution(CONCURRENT)
class FaultyCodeIT {
  /** The faults that end by themselves. */
  private static final Set<Fault> FAULTS = EnumSet.complementOf(EnumSet.of(Fault.RUNS_FOR_EVER));

  /** The calls that the options of the client allow at the same time. */
  private static final int PLACES = 2 + OtpResendOptions.DEFAULT_MAX_PENDING;

  /**
   * Methods for which Vert.x 5.2.0 never again delivers a message to a consumer, once they have
   * thrown. Its queue keeps the message, and waits for a signal that does not come.
   */
  private static final Set<String> STOPPING_A_CONSUMER =
      Set.of("VertxTracer.receiveRequest", "EventBusMetrics.messageDelivered");

  private static final int REFUSALS = 4_000;
  private static final Logger LIBRARY = Logger.getLogger("io.github.otpresend");
  private static final FaultyLog LOG = new FaultyLog();

  /** Log handler of all cases. It runs the faulty code of the Vert.x whose thread logs. */
  private static final class FaultyLog extends Handler {
    private final Map<Vertx, Runnable> faults = new ConcurrentHashMap<>();

    @Override
    public void publish(LogRecord record) {
      ContextInternal context = (ContextInternal) Vertx.currentContext();
      if (context != null) {
        faults.getOrDefault(context.owner(), () -> {}).run();
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  @BeforeAll
  static void log() {
    LOG.setLevel(Level.ALL);
    LIBRARY.setLevel(Level.ALL);
    LIBRARY.setUseParentHandlers(false);
    LIBRARY.addHandler(LOG);
  }

  @AfterAll
  static void logNoMore() {
    LIBRARY.removeHandler(LOG);
    LIBRARY.setUseParentHandlers(true);
    LIBRARY.setLevel(null);
  }

  /** Which of two calls that share a resend has the faulty handler. */
  enum Role {
    FIRST_CALL,
    SHARING_CALL
  }

  static Stream<Arguments> handlers() {
    List<Arguments> cases = new ArrayList<>();
    for (Fault fault : Fault.values()) {
      for (Caller caller : Caller.values()) {
        // on an event loop, a handler that does not return stops whatever the event loop owns
        if (fault != Fault.RUNS_FOR_EVER || caller == Caller.WORKER) {
          for (Role role : Role.values()) {
            for (Way way : Way.values()) {
              cases.add(Arguments.of(fault, caller, role, way));
            }
          }
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("handlers")
  void handler_of_an_outcome(Fault fault, Caller caller, Role role, Way way) {
    handler(fault, fault, caller, role, way);
  }

  static Stream<Arguments> exceptionHandlers() {
    // if both throw, that is a case of handler_of_an_outcome
    return handlers()
        .filter(args -> args.get()[0] != Fault.THROWS)
        .filter(args -> args.get()[0] != Fault.THROWS_AND_SO_DOES_THE_EXCEPTION_HANDLER);
  }

  @ParameterizedTest
  @MethodSource("exceptionHandlers")
  void exception_handler_of_vertx(Fault fault, Caller caller, Role role, Way way) {
    handler(Fault.THROWS, fault, caller, role, way);
  }

  /**
   * @param ofHandler what the handler of the outcome does
   * @param fault what the exception handler of Vert.x does, if the handler of the outcome throws
   */
  private void handler(Fault ofHandler, Fault fault, Caller caller, Role role, Way way) {
    AtomicInteger outcomes = new AtomicInteger();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    try (FaultyScene scene = new FaultyScene(Vertx.vertx(), fault).start(way, PATIENCE)) {
      if (ofHandler != fault) {
        scene.vertx.exceptionHandler(thrown -> scene.fault());
      }
      scene.faultyId = "held";
      scene.on = true;
      Runnable faultyCall =
          () ->
              scene
                  .resend("held")
                  .onComplete(
                      (response, cause) -> {
                        outcomes.incrementAndGet();
                        failure.set(cause);
                        ofHandler.run(scene);
                      });
      Future<ResendResponse> shared;
      if (role == Role.FIRST_CALL) {
        scene.run(caller, faultyCall);
        scene.awaitRequests("held");
        shared = scene.resend("held");
      } else {
        shared = scene.resend("held");
        scene.awaitRequests("held");
        scene.run(caller, faultyCall);
      }
      Future<ResendResponse> other = scene.resend("held-other");
      scene.awaitRequests("held-other"); // the client has received the other calls too
      scene.answerHeld();
      eventually("the handler runs", () -> outcomes.get() > 0);
      assertTrue(ended("the call that shares the resend", shared));
      assertTrue(ended("a call in flight meanwhile", other));
      scene.assertSecondClientWorks();
      scene.assertClientWorks();
      scene.assertCloses(1);
      assertEquals(1, outcomes.get());
      if (failure.get() != null) { // the call came after another call had closed the client
        assertInstanceOf(ResendException.class, failure.get());
      }
    }
  }

  /** Reasons why a call is refused at once. */
  enum Refusal {
    INVALID_REQUEST,
    OVERLOADED,
    CLOSED
  }

  static Stream<Arguments> refusals() {
    List<Arguments> cases = new ArrayList<>();
    for (Refusal refusal : Refusal.values()) {
      for (Caller caller : Caller.values()) {
        for (Way way : Way.values()) {
          cases.add(Arguments.of(refusal, caller, way));
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void handler_that_calls_again_at_once_when_it_is_refused(
      Refusal refusal, Caller caller, Way way) {
    AtomicInteger outcomes = new AtomicInteger();
    Fault afterwards = refusal == Refusal.CLOSED ? Fault.CLOSES_THE_CLIENT : Fault.CALLS_THE_CLIENT;
    try (FaultyScene scene = new FaultyScene(Vertx.vertx(), afterwards).start(way, PATIENCE)) {
      scene.on = true;
      if (refusal == Refusal.CLOSED) {
        await(scene.client.close());
      } else if (refusal == Refusal.OVERLOADED) {
        IntStream.range(0, PLACES).forEach(i -> scene.resend("held-full-" + i));
        scene.awaitReceived(way);
      }
      AtomicBoolean overflow = new AtomicBoolean();
      scene.vertx.exceptionHandler(thrown -> overflow.set(thrown instanceof StackOverflowError));
      String requestId = refusal == Refusal.INVALID_REQUEST ? ".." : "refused";
      scene.run(caller, () -> callAgain(scene, requestId, outcomes));
      // a handler that calls within itself may use up its stack, as with any completed future
      eventually("all calls are refused", () -> outcomes.get() == REFUSALS || overflow.get());
      scene.answerHeld();
      scene.awaitCalls();
      scene.assertSecondClientWorks();
      scene.assertClientWorks();
      scene.assertCloses(1);
    }
  }

  private static void callAgain(FaultyScene scene, String requestId, AtomicInteger outcomes) {
    scene
        .client
        .resend(requestId)
        .onComplete(
            refused -> {
              if (outcomes.incrementAndGet() < REFUSALS) {
                callAgain(scene, requestId, outcomes);
              }
            });
  }

  /** Places in a token provider. */
  enum ProviderPlace {
    TOKEN,
    REJECTED,
    LISTENER_OF_THE_TOKEN,
    TOKEN_ON_ANOTHER_LOOP
  }

  static Stream<Arguments> providers() {
    List<Arguments> cases = new ArrayList<>();
    for (Fault fault : FAULTS) {
      for (ProviderPlace place : ProviderPlace.values()) {
        for (Way way : Way.values()) {
          cases.add(Arguments.of(fault, place, way));
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("providers")
  void token_provider(Fault fault, ProviderPlace place, Way way) {
    try (FaultyScene scene = new FaultyScene(Vertx.vertx(), fault)) {
      AtomicReference<String> token =
          new AtomicReference<>(
              place == ProviderPlace.REJECTED ? FaultyScene.OLD_TOKEN : FaultServer.TOKEN);
      TokenProvider provider =
          new TokenProvider() {
            @Override
            public Future<String> token() {
              switch (place) {
                case TOKEN -> scene.fault();
                case REJECTED -> {}
                case LISTENER_OF_THE_TOKEN -> {
                  Promise<String> promise = Promise.promise();
                  promise.future().onComplete(known -> scene.fault());
                  Vertx.currentContext().runOnContext(v -> promise.complete(token.get()));
                  return promise.future();
                }
                case TOKEN_ON_ANOTHER_LOOP -> {
                  Promise<String> promise = Promise.promise();
                  scene.run(
                      Caller.OTHER_LOOP,
                      () -> {
                        promise.complete(token.get());
                        scene.fault();
                      });
                  return promise.future();
                }
              }
              return Future.succeededFuture(token.get());
            }

            @Override
            public void rejected(String rejected) {
              if (place == ProviderPlace.REJECTED) {
                scene.fault();
              }
              token.set(FaultServer.TOKEN);
            }
          };
      checkProvider(scene.start(way, PATIENCE, provider));
    }
  }

  private static void checkProvider(FaultyScene scene) {
    scene.on = true;
    scene.callWhileFaulty();
    scene.assertSecondClientWorks();
    scene.on = false;
    scene.assertClientWorks();
    scene.assertCloses(2);
  }

  /** Futures that no future of Vert.x is like. */
  enum StrangeFuture {
    IS_COMPLETE_THROWS("isComplete"),
    ON_COMPLETE_THROWS("onComplete"),
    RESULT_THROWS("result"),
    CAUSE_THROWS("cause"),
    RESULT_THROWS_LATER("result"),
    CAUSE_THROWS_LATER("cause"),
    CALLS_ITS_LISTENER_TWICE("onComplete"),
    CALLS_ITS_LISTENER_TWICE_AND_THROWS("onComplete"),
    CALLS_ITS_LISTENER_WITH_ANOTHER_RESULT("onComplete");

    private final String faultyMethod;

    StrangeFuture(String faultyMethod) {
      this.faultyMethod = faultyMethod;
    }

    @SuppressWarnings("unchecked")
    Future<String> create(FaultyScene scene) {
      Promise<String> promise = Promise.promise();
      if (name().endsWith("LATER")) {
        Vertx.currentContext().runOnContext(v -> promise.complete(FaultServer.TOKEN));
      } else if (!faultyMethod.equals("onComplete")) {
        promise.complete(FaultServer.TOKEN);
      }
      Future<String> future = promise.future();
      return (Future<String>)
          Proxy.newProxyInstance(
              Future.class.getClassLoader(),
              new Class<?>[] {Future.class},
              (proxy, method, arguments) -> {
                if (scene.on && method.getName().equals(faultyMethod)) {
                  if (name().contains("LISTENER")) {
                    callTwice(arguments[0]);
                  }
                  if (name().contains("THROWS")) {
                    throw new IllegalStateException("thrown by the application's future");
                  }
                  return proxy;
                } else if (!scene.on) {
                  promise.tryComplete(FaultServer.TOKEN);
                }
                try {
                  return method.invoke(future, arguments);
                } catch (InvocationTargetException e) {
                  throw e.getCause();
                }
              });
    }

    @SuppressWarnings("unchecked")
    private void callTwice(Object listener) {
      String second =
          this == CALLS_ITS_LISTENER_WITH_ANOTHER_RESULT ? "another token" : FaultServer.TOKEN;
      if (listener instanceof Completable<?> completable) {
        ((Completable<String>) completable).succeed(FaultServer.TOKEN);
        ((Completable<String>) completable).succeed(second);
      } else {
        ((io.vertx.core.Handler<AsyncResult<String>>) listener)
            .handle(Future.succeededFuture(FaultServer.TOKEN));
        ((io.vertx.core.Handler<AsyncResult<String>>) listener)
            .handle(Future.succeededFuture(second));
      }
    }
  }

  static Stream<Arguments> futures() {
    return Stream.of(StrangeFuture.values())
        .flatMap(future -> Stream.of(Way.values()).map(way -> Arguments.of(future, way)));
  }

  @ParameterizedTest
  @MethodSource("futures")
  void future_of_a_token(StrangeFuture future, Way way) {
    try (FaultyScene scene = new FaultyScene(Vertx.vertx(), Fault.THROWS)) {
      checkProvider(scene.start(way, SHORT, () -> future.create(scene)));
    }
  }

  static Stream<Arguments> faults() {
    return FAULTS.stream()
        .flatMap(fault -> Stream.of(Way.values()).map(way -> Arguments.of(fault, way)));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void log_handler(Fault fault, Way way) {
    try (FaultyScene scene = new FaultyScene(Vertx.vertx(), fault)) {
      LOG.faults.put(scene.vertx, scene::fault);
      scene.start(way, PATIENCE);
      scene.on = true;
      scene.callWhileFaulty();
      scene.assertSecondClientWorks();
      scene.assertClientWorks();
      scene.assertCloses(1);
      LOG.faults.remove(scene.vertx);
    }
  }

  // an interrupt, a pause and an undeployment in these places are no different from other places
  static Stream<Arguments> spis() {
    Set<Fault> faults =
        EnumSet.of(
            Fault.THROWS_ERROR,
            Fault.THROWS_AND_SO_DOES_THE_EXCEPTION_HANDLER,
            Fault.CALLS_THE_CLIENT,
            Fault.CLOSES_THE_CLIENT);
    return FaultySpi.methods()
        .flatMap(
            method ->
                faults.stream()
                    .flatMap(
                        fault ->
                            Stream.of(Way.values()).map(way -> Arguments.of(method, fault, way))));
  }

  @ParameterizedTest
  @MethodSource("spis")
  void tracer_and_metrics(String method, Fault fault, Way way) {
    try (FaultyScene scene = FaultySpi.scene(method, fault).start(way, SHORT)) {
      checkGlobal(scene, !(way == Way.BUS && STOPPING_A_CONSUMER.contains(method)));
    }
  }

  /**
   * Asserts what is true of faulty code that Vert.x runs for all clients.
   *
   * @param works whether the client works once the code is no longer faulty
   */
  private static void checkGlobal(FaultyScene scene, boolean works) {
    scene.on = true;
    scene.callWhileFaulty();
    scene.on = false;
    scene.assertSecondClientWorks();
    if (works) {
      scene.assertClientWorks();
    }
    scene.assertCloses(1);
  }

  /** Interceptors of the event bus. A direct call does not use the event bus. */
  enum Interceptor {
    OUTBOUND,
    INBOUND
  }

  static Stream<Arguments> interceptors() {
    return Stream.of(Interceptor.values())
        .flatMap(
            place ->
                Stream.concat(
                    FAULTS.stream().map(fault -> Arguments.of(place, fault, 1)),
                    Stream.of(0, 2).map(times -> Arguments.of(place, Fault.BLOCKS, times))));
  }

  /**
   * @param passes how often the interceptor passes the message on
   */
  @ParameterizedTest
  @MethodSource("interceptors")
  void interceptor_of_the_event_bus(Interceptor place, Fault fault, int passes) {
    try (FaultyScene scene = new FaultyScene(Vertx.vertx(), fault).start(Way.BUS, SHORT)) {
      EventBus bus = scene.vertx.eventBus();
      io.vertx.core.Handler<DeliveryContext<Object>> interceptor =
          delivery -> {
            scene.fault();
            for (int i = 0; i < (scene.on ? passes : 1); i++) {
              delivery.next();
            }
          };
      if (place == Interceptor.OUTBOUND) {
        bus.addOutboundInterceptor(interceptor);
      } else {
        bus.addInboundInterceptor(interceptor);
      }
      boolean stops =
          place == Interceptor.INBOUND && fault == Fault.THROWS_AND_SO_DOES_THE_EXCEPTION_HANDLER;
      checkGlobal(scene, !stops);
    }
  }
}
