// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.cluster;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.hazelcast.core.HazelcastInstance;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.EventLoops;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.TestCluster;
import io.vertx.core.Completable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.shareddata.AsyncMap;
import io.vertx.core.spi.cluster.ClusterManager;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two nodes of a cluster, and one request id. */
class ClusterGuardTest {
  /** The change that a test makes to the cluster-wide maps of node two. */
  private static final AtomicReference<UnaryOperator<Future<Object>>> MAPS =
      new AtomicReference<>(UnaryOperator.identity());

  private static TestCluster cluster;
  private static Vertx one;
  private static Vertx two;

  private FaultServer server;
  private final Map<String, CountDownLatch> holds = new ConcurrentHashMap<>();

  @BeforeAll
  static void startCluster() {
    cluster = new TestCluster();
    one = cluster.join();
    two = cluster.join(Vertx.builder(), new VertxOptions(), ClusterGuardTest::disturbed);
  }

  @AfterAll
  static void stopCluster() {
    await(one.close());
    await(two.close());
  }

  @BeforeEach
  void start() {
    server =
        FaultServer.onRequest(
            peer -> {
              String id = peer.head().split("/")[2];
              peer.await(holds.computeIfAbsent(id, any -> new CountDownLatch(1)));
              if (id.startsWith("lost")) {
                peer.close();
              } else {
                peer.write(
                    id.startsWith("channel")
                        ? FaultServer.response(400, "{\"type\":\"ResendChannelException\"}")
                        : FaultServer.SUCCESS);
              }
            });
  }

  @AfterEach
  void stop() {
    MAPS.set(UnaryOperator.identity());
    holds.values().forEach(CountDownLatch::countDown);
    server.close();
  }

  private Future<ResendResponse> inFlight(OtpResendClient client, String id) {
    int before = server.requests().size();
    Future<ResendResponse> call = client.resend(id);
    eventually("it is there", () -> server.requests().size() == before + 1);
    return call;
  }

  private void answer(String id) {
    holds.computeIfAbsent(id, any -> new CountDownLatch(1)).countDown();
  }

  @Test
  void a_request_id_that_another_node_has_in_flight_is_refused_until_its_outcome() {
    OtpResendClient here = OtpResendClient.create(one, server.options());
    OtpResendClient there = OtpResendClient.create(two, server.options());
    Future<ResendResponse> first = inFlight(here, "id");

    ResendException refusal = failureOf(there.resend("id"));
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, refusal.failure());
    assertFalse(refusal.maybeSent());
    assertEquals(1, server.requests().size());

    answer("another");
    assertTrue(await(there.resend("another")).success());
    answer("id");
    assertTrue(await(first).success());
    assertTrue(await(there.resend("id")).success());
    assertEquals(3, server.requests().size());
  }

  @Test
  void a_resend_that_may_be_repeated_at_once_may_be_repeated_on_any_node() {
    OtpResendClient here = OtpResendClient.create(one, server.options());
    OtpResendClient there = OtpResendClient.create(two, server.options());
    answer("channel");
    for (int i = 0; i < 100; i++) {
      assertEquals(
          ResendFailure.RESEND_CHANNEL,
          failureOf((i % 2 == 0 ? here : there).resend("channel")).failure());
    }
    assertEquals(100, server.requests().size());
  }

  @Test
  void after_a_lost_connection_the_request_id_is_in_progress_until_the_deadline() {
    Duration timeout = Duration.ofSeconds(4);
    OtpResendClient here = OtpResendClient.create(one, server.options().setTimeout(timeout));
    OtpResendClient there = OtpResendClient.create(two, server.options());
    answer("lost");
    long begin = System.nanoTime();
    assertEquals(ResendFailure.CONNECTION_LOST, failureOf(here.resend("lost")).failure());
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, failureOf(there.resend("lost")).failure());
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, failureOf(here.resend("lost")).failure());
    eventually(
        "the entry expires",
        () -> failureOf(there.resend("lost")).failure() == ResendFailure.CONNECTION_LOST);
    Duration held = Duration.ofNanos(System.nanoTime() - begin);
    assertTrue(held.compareTo(timeout) >= 0, "it expired before the deadline: " + held);
    assertEquals(2, server.requests().size());
  }

  @Test
  void without_the_guard_each_node_checks_only_its_own_calls() {
    OtpResendClient here = OtpResendClient.create(one, server.options());
    OtpResendClient there = OtpResendClient.create(two, server.options().setClusterGuard(false));
    Future<ResendResponse> first = inFlight(here, "id");
    Future<ResendResponse> second = inFlight(there, "id");
    answer("id");
    await(first);
    await(second);
  }

  @ParameterizedTest
  @CsvSource({"no answer, did not answer in time", "a failure, failed"})
  void a_map_that_does_not_answer_is_an_unavailable_guard(String what, String message) {
    MAPS.set(
        map ->
            what.equals("no answer")
                ? Promise.promise().future()
                : Future.failedFuture(new IllegalStateException("split brain")));
    OtpResendClient client =
        OtpResendClient.create(two, server.options().setConnectTimeout(Duration.ofMillis(300)));
    ResendException failure = failureOf(client.resend("id"));
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failure.failure());
    assertFalse(failure.maybeSent());
    assertTrue(failure.getMessage().endsWith(message), failure.getMessage());
    assertEquals(0, server.connections());
  }

  @Test
  void a_cluster_manager_that_throws_is_an_unavailable_guard() {
    MAPS.set(
        map -> {
          throw new IllegalStateException("shut down");
        });
    OtpResendClient client = OtpResendClient.create(two, server.options());
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failureOf(client.resend("id")).failure());
    assertEquals(0, server.connections());
  }

  @Test
  void an_entry_that_is_put_too_late_is_removed() {
    Promise<Void> late = Promise.promise();
    MAPS.set(map -> late.future().compose(v -> map));
    OtpResendClient slow =
        OtpResendClient.create(two, server.options().setConnectTimeout(Duration.ofMillis(300)));
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failureOf(slow.resend("id")).failure());
    late.complete();
    answer("id");
    OtpResendClient other = OtpResendClient.create(one, server.options());
    eventually(
        "it is free",
        () -> {
          Future<ResendResponse> call = other.resend("id");
          eventually("it ends", call::isComplete);
          return call.succeeded();
        });
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_call_whose_event_loop_is_busy_until_its_deadline_does_not_use_the_map() {
    AtomicInteger asked = new AtomicInteger();
    MAPS.set(
        map -> {
          asked.incrementAndGet();
          return map;
        });
    ContextInternal home = ((VertxInternal) two).createEventLoopContext();
    AtomicReference<OtpResendClient> client = new AtomicReference<>();
    CountDownLatch busy = new CountDownLatch(1);
    home.runOnContext(
        v -> {
          client.set(
              OtpResendClient.create(two, server.options().setTimeout(Duration.ofMillis(300))));
          busy.countDown();
          EventLoops.keepBusy(Duration.ofMillis(400).toNanos());
        });
    uninterruptibly(busy);
    ResendException failure = failureOf(client.get().resend("id"));
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertTrue(failure.getMessage().contains("event loop was busy"), failure.getMessage());
    assertFalse(failure.maybeSent());
    assertEquals(0, asked.get());
  }

  @Test
  void a_call_that_sent_nothing_until_its_deadline_removes_its_entry() {
    AtomicInteger released = releasesOfNodeTwo();
    OtpResendClient client =
        OtpResendClient.create(
            two,
            server.options().setTimeout(Duration.ofSeconds(1)),
            () -> Promise.<String>promise().future());
    assertEquals(ResendFailure.TOKEN_UNAVAILABLE, failureOf(client.resend("id")).failure());
    eventually("it is released", () -> released.get() == 1);
  }

  @Test
  void a_call_that_is_maybe_sent_at_its_deadline_keeps_its_entry() {
    AtomicInteger released = releasesOfNodeTwo();
    OtpResendClient client =
        OtpResendClient.create(two, server.options().setTimeout(Duration.ofSeconds(2)));
    assertEquals(ResendFailure.TIMEOUT, failureOf(inFlight(client, "id")).failure());
    answer("another");
    OtpResendClient patient = OtpResendClient.create(two, server.options());
    assertTrue(await(patient.resend("another")).success());
    assertEquals(1, released.get(), "but the other does");
  }

  @Test
  void an_entry_whose_confirmation_was_lost_is_removed() {
    AtomicInteger released =
        releasesOfNodeTwo(
            entry ->
                entry.compose(v -> Future.failedFuture(new IllegalStateException("member left"))));
    OtpResendClient client = OtpResendClient.create(two, server.options());
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failureOf(client.resend("id")).failure());
    eventually("it is released", () -> released.get() == 1);
  }

  @Test
  void the_request_id_of_a_killed_node_stays_in_progress() {
    Mortal three = Mortal.join();
    Duration timeout = Duration.ofSeconds(30);
    inFlight(OtpResendClient.create(three.vertx, server.options().setTimeout(timeout)), "id");
    three.kill();

    OtpResendClient other = OtpResendClient.create(two, server.options());
    eventually(
        "it is refused",
        () -> failureOf(other.resend("id")).failure() == ResendFailure.ALREADY_IN_PROGRESS);
    assertEquals(1, server.requests().size());
    answer("id");
    eventually("the dead one ends", three.vertx.close()::isComplete);
  }

  @Test
  void a_map_that_does_not_answer_a_removal_delays_no_outcome_beyond_the_deadline() {
    OtpResendClient client =
        OtpResendClient.create(two, server.options().setTimeout(Duration.ofSeconds(3)));
    Future<ResendResponse> call = inFlight(client, "id");
    MAPS.set(map -> Promise.promise().future());
    answer("id");
    assertTrue(await(call).success());
  }

  @Test
  void the_map_contains_no_request_id() {
    AsyncMap<String, String> map = await(one.sharedData().getClusterWideMap("io.github.otpresend"));
    Set<String> others = await(map.keys());
    OtpResendClient client = OtpResendClient.create(one, server.options());
    Future<ResendResponse> call = inFlight(client, "a-secret-id");
    Map<String, String> entries = await(map.entries());
    Set<String> own = new HashSet<>(entries.keySet());
    own.removeAll(others);
    assertEquals(1, own.size());
    assertFalse(entries.toString().contains("a-secret-id"), entries.toString());
    answer("a-secret-id");
    await(call);
    assertFalse(await(map.keys()).containsAll(own));
  }

  @Test
  void a_cooldown_applies_on_every_node_with_its_rest() {
    Duration cooldown = Duration.ofSeconds(3);
    OtpResendClient here = OtpResendClient.create(one, server.options().setCooldown(cooldown));
    OtpResendClient there = OtpResendClient.create(two, server.options().setCooldown(cooldown));
    answer("id");
    Duration first = await(here.resend("id")).retryAfter().orElseThrow();

    ResendException refusal = failureOf(there.resend("id"));
    assertEquals(ResendFailure.COOLING_DOWN, refusal.failure());
    Duration rest = refusal.retryAfter().orElseThrow();
    assertTrue(rest.compareTo(first.plusSeconds(2)) <= 0, rest + " is too much after " + first);
    assertEquals(1, server.requests().size());

    await(one.timer(rest.toMillis()));
    assertTrue(await(there.resend("id")).success(), "a caller that waits for the rest is served");
    assertEquals(2, server.requests().size());
  }

  @Test
  void a_node_without_a_cooldown_obeys_the_cooldown_of_another_node() {
    OtpResendClient here =
        OtpResendClient.create(one, server.options().setCooldown(Duration.ofMinutes(10)));
    answer("id");
    await(here.resend("id"));
    ResendException refusal = failureOf(OtpResendClient.create(two, server.options()).resend("id"));
    assertEquals(ResendFailure.COOLING_DOWN, refusal.failure());
    assertTrue(refusal.retryAfter().orElseThrow().toMinutes() >= 9);
  }

  @Test
  void a_refusal_by_the_service_begins_no_cooldown_on_any_node() {
    OtpResendOptions options = server.options().setCooldown(Duration.ofMinutes(10));
    OtpResendClient here = OtpResendClient.create(one, options);
    OtpResendClient there = OtpResendClient.create(two, options);
    answer("channel");
    for (int i = 0; i < 10; i++) {
      assertEquals(
          ResendFailure.RESEND_CHANNEL,
          failureOf((i % 2 == 0 ? here : there).resend("channel")).failure());
    }
  }

  @Test
  void after_a_lost_connection_the_request_id_is_in_progress_and_then_cools_down() {
    OtpResendOptions options =
        server.options().setTimeout(Duration.ofSeconds(3)).setCooldown(Duration.ofSeconds(6));
    OtpResendClient here = OtpResendClient.create(one, options);
    OtpResendClient there = OtpResendClient.create(two, options);
    answer("lost");
    assertEquals(ResendFailure.CONNECTION_LOST, failureOf(here.resend("lost")).failure());
    assertEquals(ResendFailure.COOLING_DOWN, failureOf(here.resend("lost")).failure());
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, failureOf(there.resend("lost")).failure());
    eventually(
        "its deadline passes",
        () -> failureOf(there.resend("lost")).failure() == ResendFailure.COOLING_DOWN);
    eventually(
        "the cooldown ends",
        () -> failureOf(there.resend("lost")).failure() == ResendFailure.CONNECTION_LOST);
    assertEquals(2, server.requests().size());
  }

  @Test
  void the_cooldown_of_a_killed_node_ends() {
    Mortal three = Mortal.join();
    OtpResendOptions options =
        server.options().setTimeout(Duration.ofSeconds(4)).setCooldown(Duration.ofSeconds(4));
    inFlight(OtpResendClient.create(three.vertx, options), "id");
    three.kill();

    OtpResendClient other = OtpResendClient.create(two, options);
    eventually(
        "it is not known whether it was sent",
        () -> failureOf(other.resend("id")).failure() == ResendFailure.COOLING_DOWN);
    assertEquals(1, server.requests().size());
    answer("id");
    eventually("the cooldown ends", () -> await(other.resend("id").otherwiseEmpty()) != null);
    assertEquals(2, server.requests().size());
    eventually("the dead one ends", three.vertx.close()::isComplete);
  }

  @ParameterizedTest
  @CsvSource({
    "false, 0, -1, COOLING_DOWN, 62000",
    "false, 0, 1, COOLING_DOWN, 1000",
    "false, 0, 1500, COOLING_DOWN, 1000",
    "false, 0, 60000, COOLING_DOWN, 1000",
    "false, 5000, 0, ALREADY_IN_PROGRESS, 0",
    "false, -5000, 0, ALREADY_IN_PROGRESS, 0",
    "true, 0, -1, COOLING_DOWN, 60000",
    "true, 0, 1, , 0",
    "true, 0, 60000, , 0",
  })
  void a_clock_of_another_node_that_is_ahead_or_behind_sends_no_code_early(
      boolean isOwn,
      long inFlightFor,
      long overSince,
      @Nullable ResendFailure kind,
      long restMillis) {
    OtpResendOptions options = server.options().setCooldown(Duration.ofMinutes(1));
    AsyncMap<String, String> map = await(one.sharedData().getClusterWideMap("io.github.otpresend"));
    Set<String> others = await(map.keys());
    answer("id");
    await(OtpResendClient.create(two, options).resend("id"));
    Set<String> keys = new HashSet<>(await(map.keys()));
    keys.removeAll(others);
    String key = keys.iterator().next();

    long now = System.currentTimeMillis();
    long inFlightUntil = inFlightFor == 0 ? 0 : now + inFlightFor;
    long coolingUntil = overSince < 0 ? now + 3_600_000 : now - overSince;
    String node = isOwn ? ((VertxInternal) one).clusterManager().getNodeId() : "another";
    String value =
        node + "/1 " + inFlightUntil + " " + (inFlightFor == 0 ? coolingUntil : inFlightUntil);
    await(map.put(key, value, 60_000));

    Future<ResendResponse> call = OtpResendClient.create(one, options).resend("id");
    if (kind == null) {
      assertTrue(await(call).success());
    } else {
      ResendException failure = failureOf(call);
      assertEquals(kind, failure.failure());
      assertEquals(restMillis, failure.retryAfter().map(Duration::toMillis).orElse(0L));
      assertEquals(1, server.requests().size());
    }
    await(map.remove(key));
  }

  @Test
  void the_cost_of_the_guard_is_printed() {
    try (FaultServer quick =
        FaultServer.onCountlessRequests(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendOptions options = server.options().setBaseUrl(quick.baseUrl());
      OtpResendClient guarded = OtpResendClient.create(one, options);
      OtpResendClient bare = OtpResendClient.create(one, options.setClusterGuard(false));
      microsPerCall(guarded); // the first calls load the classes
      microsPerCall(bare);
      System.out.printf(
          "cluster guard, two nodes, one call after the other: %d µs a call with it, %d µs without%n",
          microsPerCall(guarded), microsPerCall(bare));
    }
  }

  /** A third node that a test kills. */
  private record Mortal(Vertx vertx, HazelcastInstance hazelcast) {
    static Mortal join() {
      AtomicReference<HazelcastClusterManager> manager = new AtomicReference<>();
      Vertx vertx =
          cluster.join(
              Vertx.builder(),
              new VertxOptions(),
              real -> {
                manager.set((HazelcastClusterManager) real);
                return real;
              });
      HazelcastInstance hazelcast = manager.get().getHazelcastInstance();
      eventually("its maps have a backup", hazelcast.getPartitionService()::isClusterSafe);
      return new Mortal(vertx, hazelcast);
    }

    void kill() {
      hazelcast.getLifecycleService().terminate();
    }
  }

  private static long microsPerCall(OtpResendClient client) {
    int calls = 1_000;
    long begin = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      assertTrue(await(client.resend("id-" + i)).success());
    }
    return (System.nanoTime() - begin) / calls / 1_000;
  }

  private static void uninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static AtomicInteger releasesOfNodeTwo() {
    return releasesOfNodeTwo(UnaryOperator.identity());
  }

  private static AtomicInteger releasesOfNodeTwo(UnaryOperator<Future<Object>> acquisition) {
    AtomicInteger releases = new AtomicInteger();
    MAPS.set(
        map ->
            map.map(
                real ->
                    Proxy.newProxyInstance(
                        AsyncMap.class.getClassLoader(),
                        new Class<?>[] {AsyncMap.class},
                        (proxy, method, arguments) -> {
                          @SuppressWarnings("unchecked")
                          Future<Object> answer = (Future<Object>) method.invoke(real, arguments);
                          if (method.getName().equals("removeIfPresent")) {
                            releases.incrementAndGet();
                          }
                          return method.getName().equals("putIfAbsent")
                              ? acquisition.apply(answer)
                              : answer;
                        })));
    return releases;
  }

  /** Returns a cluster manager whose maps are changed by {@link #MAPS}. */
  private static ClusterManager disturbed(ClusterManager real) {
    return (ClusterManager)
        Proxy.newProxyInstance(
            ClusterManager.class.getClassLoader(),
            new Class<?>[] {ClusterManager.class},
            (proxy, method, arguments) -> {
              try {
                if (!method.getName().equals("getAsyncMap")) {
                  return method.invoke(real, arguments);
                }
                Promise<Object> map = Promise.promise();
                method.invoke(real, arguments[0], map);
                @SuppressWarnings("unchecked")
                Completable<Object> asked = (Completable<Object>) arguments[1];
                MAPS.get().apply(map.future()).onComplete(asked::complete);
                return null;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
