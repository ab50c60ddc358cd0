// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import static io.github.otpresend.testing.Calls.PATIENCE;
import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.eventbus.EventBus;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.json.JsonObject;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Tests that many rounds of use leave no thread, socket, timer, consumer or memory behind. They
 * count the live instances of each class after a garbage collection.
 */
class LeakIT {
  private static final int WARM_UP = 200;
  private static final int ROUNDS = 1_000;

  /**
   * The allowed growth of the instances of a class, and of the open files. It is much smaller than
   * the number of rounds, and larger than the random changes.
   */
  private static final long SLACK = 50;

  private static final String VERTICLE = OtpResendVerticle.class.getName();
  private static final String ADDRESS = "codes.again";

  private Vertx vertx;
  private FaultServer server;
  private final Logger log = Logger.getLogger(VERTICLE);
  private volatile CountDownLatch answer = new CountDownLatch(0);

  @BeforeEach
  void start() {
    log.setLevel(Level.WARNING); // otherwise the log has a line for each verticle
    // small pools, so that warming up fills them
    vertx =
        Vertx.vertx(
            new VertxOptions()
                .setEventLoopPoolSize(2)
                .setWorkerPoolSize(2)
                .setInternalBlockingPoolSize(2));
    server =
        FaultServer.onRequest(
            peer -> {
              peer.await(answer);
              peer.write(FaultServer.SUCCESS);
            });
  }

  @AfterEach
  void stop() {
    await(vertx.close());
    server.close();
    log.setLevel(null);
  }

  private OtpResendOptions options() {
    return server
        .options()
        .setAddress(ADDRESS)
        // so long that a timer that is left behind has not ended when the test looks for it
        .setTimeout(PATIENCE.multipliedBy(3))
        .setConnectTimeout(PATIENCE.multipliedBy(3));
  }

  private DeploymentOptions deployment() {
    return new DeploymentOptions().setConfig(options().toJson());
  }

  @Test
  void a_thousand_rounds_of_deploying_calling_and_undeploying_leave_nothing_behind() {
    assertNothingIsLeftBehind(
        round -> {
          switch (round % 5) {
            case 0 -> deployCallUndeploy(deployment());
            case 1 -> deployCallUndeploy(deployment().setInstances(3));
            case 2 -> deployCallUndeploy(onWorkers());
            case 3 -> undeployWithACallInFlight(deployment());
            default -> undeployWithACallInFlight(onWorkers());
          }
        });
    String service = server.baseUrl().substring("http://".length());
    assertEquals(0, vertx.sharedData().getLocalMap("io.github.otpresend " + service).size());
  }

  @Test
  void a_thousand_failed_deployments_leave_nothing_behind() {
    assertNothingIsLeftBehind(
        round -> {
          switch (round % 3) {
            case 0 -> failToDeploy(new JsonObject());
            case 1 -> failToDeploy(options().toJson().put("timeout", "10 s"));
            default -> failToDeployOneInstanceOfThree();
          }
        });
    assertEquals(List.of(), server.requests());
  }

  @Test
  void a_thousand_rounds_without_deployments_leave_nothing_behind() {
    assertNothingIsLeftBehind(
        round -> {
          switch (round % 3) {
            case 0 -> createCallClose();
            case 1 -> registerCallUnregister();
            default -> failToBindTheAddress();
          }
        });
  }

  @Test
  void a_thousand_calls_that_wait_for_the_same_token_leave_nothing_behind() {
    Future<String> never = Promise.<String>promise().future();
    assertCallsLeaveNothingBehind(() -> never);
  }

  @Test
  void a_thousand_calls_that_wait_for_different_tokens_leave_nothing_behind() {
    assertCallsLeaveNothingBehind(() -> Promise.<String>promise().future());
  }

  private void assertCallsLeaveNothingBehind(TokenProvider neverAnswers) {
    AtomicInteger tokenRequests = new AtomicInteger();
    Duration soon = Duration.ofMillis(50);
    List<Future<?>> waiting = new ArrayList<>();
    OtpResendClient client =
        OtpResendClient.create(
            vertx,
            options().setTimeout(soon).setConnectTimeout(soon),
            () -> {
              tokenRequests.incrementAndGet();
              return neverAnswers.token();
            });
    assertNothingIsLeftBehind(
        round -> {
          waiting.add(client.resend("id-" + round));
          if (waiting.size() == WARM_UP) { // the calls wait together
            waiting.forEach(call -> assertFalse(failureOf(call).maybeSent()));
            waiting.clear();
          }
        });
    assertEquals(List.of(), waiting);
    await(client.close());
    // on a slow machine the deadline of a call may come before the call requests a token
    assertTrue(tokenRequests.get() > ROUNDS / 2, tokenRequests + " calls requested a token");
  }

  private DeploymentOptions onWorkers() {
    return deployment().setThreadingModel(ThreadingModel.WORKER).setWorkerPoolName("resends");
  }

  private void deployCallUndeploy(DeploymentOptions options) {
    String deployment = await(vertx.deployVerticle(VERTICLE, options));
    await(vertx.eventBus().request(ADDRESS, "id"));
    await(vertx.undeploy(deployment));
  }

  private void undeployWithACallInFlight(DeploymentOptions options) {
    answer = new CountDownLatch(1);
    int before = server.requests().size();
    String deployment = await(vertx.deployVerticle(VERTICLE, options));
    Future<?> inFlight = vertx.eventBus().request(ADDRESS, "id");
    eventually("the server received the request", () -> server.requests().size() > before);
    Future<Void> undeployed = vertx.undeploy(deployment);
    answer.countDown();
    await(inFlight);
    await(undeployed);
  }

  private void createCallClose() {
    OtpResendClient client = OtpResendClient.create(vertx, options());
    await(client.resend("id"));
    await(client.close());
  }

  private void registerCallUnregister() {
    OtpResendClient client = OtpResendClient.create(vertx, options());
    EventBusAdapter adapter = await(EventBusAdapter.register(vertx, ADDRESS, client));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx, options());
    await(overBus.resend("id"));
    await(overBus.close());
    await(adapter.unregister());
    await(client.close());
  }

  private void failToDeploy(JsonObject config) {
    assertInstanceOf(
        IllegalArgumentException.class,
        causeOf(vertx.deployVerticle(VERTICLE, new DeploymentOptions().setConfig(config))));
  }

  private void failToDeployOneInstanceOfThree() {
    Iterator<OtpResendVerticle> three =
        List.of(
                new OtpResendVerticle(options()),
                new OtpResendVerticle(new OtpResendOptions().setAddress(ADDRESS)),
                new OtpResendVerticle(options()))
            .iterator();
    assertInstanceOf(
        IllegalArgumentException.class,
        causeOf(vertx.deployVerticle(three::next, new DeploymentOptions().setInstances(3))));
  }

  private void failToBindTheAddress() {
    OtpResendVerticle verticle = new OtpResendVerticle(options());
    Exception refusal = new IllegalStateException("the cluster is gone");
    verticle.init(vertxThatFailsToBind(refusal), vertx.getOrCreateContext());
    assertSame(refusal, causeOf(verticle.start()));
  }

  /** Returns a Vert.x whose event bus fails to bind an address, as may happen in a cluster. */
  private Vertx vertxThatFailsToBind(Throwable refusal) {
    MessageConsumer<?> unbound =
        proxy(
            MessageConsumer.class,
            vertx.eventBus().consumer(ADDRESS),
            Map.of("completion", () -> Future.failedFuture(refusal), "handler", () -> null));
    EventBus bus = proxy(EventBus.class, vertx.eventBus(), Map.of("consumer", () -> unbound));
    return proxy(VertxInternal.class, vertx, Map.of("eventBus", () -> bus));
  }

  /** Returns a proxy of an object with replacements for some of its methods. */
  private static <T> T proxy(Class<T> type, Object target, Map<String, Supplier<?>> replacements) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, args) -> {
              if (replacements.containsKey(method.getName())) {
                return replacements.get(method.getName()).get();
              }
              try {
                return method.invoke(target, args);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }

  private void assertNothingIsLeftBehind(IntConsumer round) {
    for (int i = 0; i < WARM_UP; i++) {
      round.accept(i);
    }
    Footprint before = footprintAtRest();
    for (int i = 0; i < ROUNDS; i++) {
      round.accept(i);
    }
    Footprint[] after = new Footprint[1];
    try {
      // some references are cleared shortly after the garbage collection
      eventually(
          "nothing has grown",
          () -> (after[0] = footprintAtRest()).growthSince(before, SLACK).isEmpty());
    } catch (AssertionError grown) {
      assertEquals(Map.of(), after[0].growthSince(before, SLACK));
    }
    assertTrue( // only an upper bound: objects of earlier tests may be collected meanwhile
        after[0].heap() <= 1.05 * before.heap(),
        "bytes in use: " + before.heap() + ", then " + after[0].heap());
  }

  private Footprint footprintAtRest() {
    ReplyException noHandlers =
        assertInstanceOf(ReplyException.class, causeOf(vertx.eventBus().request(ADDRESS, "id")));
    assertEquals(ReplyFailure.NO_HANDLERS, noHandlers.failureType());
    assertEquals(List.of(), List.copyOf(vertx.deploymentIDs()));
    server.awaitDisconnected();
    // Vert.x keeps each failed deployment until this call
    await(((VertxInternal) vertx).deploymentManager().undeployAll());
    server.forgetRequests();
    return Footprint.now();
  }

  /** The live threads by name, the live instances by class, their bytes, and the open files. */
  private record Footprint(
      Map<String, Long> threads, Map<String, Long> instances, long heap, long openFiles) {

    static Footprint now() {
      Map<String, Long> threads = new TreeMap<>();
      Vitals.threadNames().forEach(name -> threads.merge(name, 1L, Long::sum));
      Map<String, Long> instances = new TreeMap<>();
      long heap = 0;
      for (String line : classHistogram().lines().toList()) {
        String[] columns = line.strip().split("\\s+"); // rank, instances, bytes, class
        if (columns[0].matches("\\d+:")) {
          heap += Long.parseLong(columns[2]);
          if (columns[3].matches("io\\.(github\\.otpresend|vertx|netty)\\..*")) {
            instances.merge(columns[3], Long.parseLong(columns[1]), Long::sum);
          }
        }
      }
      return new Footprint(threads, instances, heap, countOpenFiles());
    }

    /** Returns by how much instances and files grew above {@code slack}, and threads above 0. */
    Map<String, Long> growthSince(Footprint before, long slack) {
      Map<String, Long> growth = new TreeMap<>();
      instances.forEach(
          (name, count) -> {
            long grown = count - before.instances.getOrDefault(name, 0L);
            if (grown > slack) {
              growth.put(name, grown);
            }
          });
      threads.forEach(
          (name, count) -> {
            long grown = count - before.threads.getOrDefault(name, 0L);
            if (grown > 0) {
              growth.put("thread " + name, grown);
            }
          });
      if (openFiles - before.openFiles > slack) {
        growth.put("open files", openFiles - before.openFiles);
      }
      return growth;
    }

    /** Returns the class histogram that {@code jcmd} prints, after a garbage collection. */
    private static String classHistogram() {
      try {
        return (String)
            ManagementFactory.getPlatformMBeanServer()
                .invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"),
                    "gcClassHistogram",
                    new Object[] {new String[0]},
                    new String[] {String[].class.getName()});
      } catch (JMException e) {
        throw new AssertionError(e);
      }
    }

    /** Returns the number of open files; 0 if the operating system does not report it. */
    private static long countOpenFiles() {
      try {
        return (long)
            ManagementFactory.getPlatformMBeanServer()
                .getAttribute(
                    new ObjectName("java.lang:type=OperatingSystem"), "OpenFileDescriptorCount");
      } catch (JMException e) {
        return 0;
      }
    }
  }
}
