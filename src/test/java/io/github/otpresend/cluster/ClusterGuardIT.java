// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.cluster;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.EventLoops;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.NodeProcess;
import io.github.otpresend.testing.TestCluster;
import io.vertx.core.Completable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.json.JsonObject;
import io.vertx.core.shareddata.AsyncMap;
import io.vertx.core.spi.cluster.ClusterManager;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests of two nodes of a cluster that resend the same request id. */
class ClusterGuardIT {
  /** The wrapper of the cluster-wide maps of node two. A test may replace it. */
  private static final AtomicReference<UnaryOperator<Future<Object>>> MAP_WRAPPER =
      new AtomicReference<>(UnaryOperator.identity());

  @TempDir static Path directory;

  /** The lock of the case that measures time. The cases that run beside others share it. */
  private static final String CORES = "cores";

  private static Vertx node1;
  private static Vertx node2;

  /** The nodes of another cluster, for the cases that wait and run beside others. */
  private static Vertx waiting1;

  private static Vertx waiting2;

  private FaultServer server;
  private @Nullable UnaryOperator<Future<Object>> mapWrapper;
  private @Nullable Vertx survivor;
  private final Map<String, CountDownLatch> latches = new ConcurrentHashMap<>();

  @BeforeAll
  static void startCluster() {
    TestCluster cluster = new TestCluster(directory);
    node1 = cluster.join();
    node2 = cluster.join(Vertx.builder(), new VertxOptions(), ClusterGuardIT::withWrappedMaps);
    assumeTrue(cluster.canGuard(), "this cluster manager has no map that can guard");
    TestCluster another = new TestCluster(directory);
    waiting1 = another.join();
    waiting2 = another.join();
  }

  @AfterAll
  static void stopCluster() {
    for (Vertx node : new Vertx[] {node1, node2, waiting1, waiting2}) {
      if (node != null) {
        await(node.close());
      }
    }
  }

  @BeforeEach
  void start() {
    server =
        FaultServer.onRequest(
            peer -> {
              String id = peer.head().split("/")[2];
              peer.await(latches.computeIfAbsent(id, any -> new CountDownLatch(1)));
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
    MAP_WRAPPER.compareAndSet(mapWrapper, UnaryOperator.identity());
    latches.values().forEach(CountDownLatch::countDown);
    server.close();
    if (survivor != null) {
      await(survivor.close());
    }
  }

  /** Wraps the cluster-wide maps of node two until this test ends. */
  private void wrapMaps(UnaryOperator<Future<Object>> wrapper) {
    mapWrapper = wrapper;
    MAP_WRAPPER.set(wrapper);
  }

  /** Starts a call, and waits until the server has received its request. */
  private Future<ResendResponse> startCall(OtpResendClient client, String id) {
    int before = server.requests().size();
    Future<ResendResponse> call = client.resend(id);
    eventually("the server received the request", () -> server.requests().size() == before + 1);
    return call;
  }

  /** Lets the server answer the requests with this id. */
  private void answer(String id) {
    latches.computeIfAbsent(id, any -> new CountDownLatch(1)).countDown();
  }

  @Test
  void a_request_id_in_flight_on_another_node_is_refused_until_the_call_ends() {
    OtpResendClient client1 = OtpResendClient.create(node1, server.options());
    OtpResendClient client2 = OtpResendClient.create(node2, server.options());
    Future<ResendResponse> first = startCall(client1, "id");

    ResendException refusal = failureOf(client2.resend("id"));
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, refusal.failure());
    assertFalse(refusal.maybeSent());
    assertTrue(refusal.retryAfter().orElseThrow().compareTo(Duration.ofSeconds(11)) < 0);
    assertEquals(1, server.requests().size());

    answer("another");
    assertTrue(await(client2.resend("another")).success());
    answer("id");
    assertTrue(await(first).success());
    assertTrue(await(client2.resend("id")).success());
    assertEquals(3, server.requests().size());
  }

  @Test
  void after_resend_channel_any_node_may_resend_at_once() {
    OtpResendClient client1 = OtpResendClient.create(node1, server.options());
    OtpResendClient client2 = OtpResendClient.create(node2, server.options());
    answer("channel");
    for (int i = 0; i < 100; i++) {
      assertEquals(
          ResendFailure.RESEND_CHANNEL,
          failureOf((i % 2 == 0 ? client1 : client2).resend("channel")).failure());
    }
    assertEquals(100, server.requests().size());
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @ResourceLock(value = CORES, mode = ResourceAccessMode.READ)
  void after_a_lost_connection_the_request_id_is_refused_until_the_deadline() {
    Duration timeout = Duration.ofSeconds(4);
    OtpResendClient client1 =
        OtpResendClient.create(waiting1, server.options().setTimeout(timeout));
    OtpResendClient client2 = OtpResendClient.create(waiting2, server.options());
    answer("lost");
    long begin = System.nanoTime();
    assertEquals(ResendFailure.CONNECTION_LOST, failureOf(client1.resend("lost")).failure());
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, failureOf(client2.resend("lost")).failure());
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, failureOf(client1.resend("lost")).failure());
    eventually(
        "the entry expires",
        () -> failureOf(client2.resend("lost")).failure() == ResendFailure.CONNECTION_LOST);
    Duration refusedFor = Duration.ofNanos(System.nanoTime() - begin);
    assertTrue(
        refusedFor.compareTo(timeout) >= 0, "the entry expired before the deadline: " + refusedFor);
    assertEquals(2, server.requests().size());
  }

  @Test
  void without_the_guard_two_nodes_send_the_same_request_id() {
    OtpResendClient client1 = OtpResendClient.create(node1, server.options());
    OtpResendClient client2 =
        OtpResendClient.create(node2, server.options().setClusterGuard(false));
    Future<ResendResponse> first = startCall(client1, "id");
    Future<ResendResponse> second = startCall(client2, "id");
    answer("id");
    await(first);
    await(second);
  }

  @ParameterizedTest
  @CsvSource({"no answer, did not answer in time", "a failure, failed"})
  void a_map_that_fails_or_does_not_answer_makes_the_guard_unavailable(
      String problem, String message) {
    wrapMaps(
        map ->
            problem.equals("no answer")
                ? Promise.promise().future()
                : Future.failedFuture(new IllegalStateException("split brain")));
    OtpResendClient client =
        OtpResendClient.create(node2, server.options().setConnectTimeout(Duration.ofMillis(300)));
    ResendException failure = failureOf(client.resend("id"));
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failure.failure());
    assertFalse(failure.maybeSent());
    assertTrue(failure.getMessage().endsWith(message), failure.getMessage());
    assertEquals(0, server.connections());
  }

  @Test
  void a_cluster_manager_that_throws_makes_the_guard_unavailable() {
    wrapMaps(
        map -> {
          throw new IllegalStateException("shut down");
        });
    OtpResendClient client = OtpResendClient.create(node2, server.options());
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failureOf(client.resend("id")).failure());
    assertEquals(0, server.connections());
  }

  @Test
  void an_entry_that_is_acquired_too_late_is_released() {
    Promise<Void> late = Promise.promise();
    wrapMaps(map -> late.future().compose(v -> map));
    OtpResendClient slow =
        OtpResendClient.create(node2, server.options().setConnectTimeout(Duration.ofMillis(300)));
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failureOf(slow.resend("id")).failure());
    late.complete();
    answer("id");
    OtpResendClient other = OtpResendClient.create(node1, server.options());
    eventually(
        "the request id is free",
        () -> {
          Future<ResendResponse> call = other.resend("id");
          eventually("the call ends", call::isComplete);
          return call.succeeded();
        });
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_call_whose_event_loop_is_busy_until_its_deadline_does_not_use_the_map() {
    AtomicInteger mapRequests = new AtomicInteger();
    wrapMaps(
        map -> {
          mapRequests.incrementAndGet();
          return map;
        });
    ContextInternal context = ((VertxInternal) node2).createEventLoopContext();
    AtomicReference<OtpResendClient> client = new AtomicReference<>();
    CountDownLatch busy = new CountDownLatch(1);
    CountDownLatch asked = new CountDownLatch(1);
    context.runOnContext(
        v -> {
          client.set(
              OtpResendClient.create(node2, server.options().setTimeout(Duration.ofMillis(300))));
          busy.countDown();
          while (asked.getCount() > 0) {
            EventLoops.keepBusy(Duration.ofMillis(1).toNanos()); // the call may begin late
          }
          EventLoops.keepBusy(Duration.ofMillis(400).toNanos());
        });
    awaitLatch(busy);
    Future<ResendResponse> call = client.get().resend("id");
    asked.countDown();
    ResendException failure = failureOf(call);
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertTrue(failure.getMessage().contains("event loop was busy"), failure.getMessage());
    assertFalse(failure.maybeSent());
    assertEquals(0, mapRequests.get());
  }

  @Test
  void a_call_that_sent_nothing_by_its_deadline_releases_its_entry() {
    AtomicInteger released = releasesOfNodeTwo();
    OtpResendClient client =
        OtpResendClient.create(
            node2,
            server.options().setTimeout(Duration.ofSeconds(1)),
            () -> Promise.<String>promise().future());
    assertEquals(ResendFailure.TOKEN_UNAVAILABLE, failureOf(client.resend("id")).failure());
    eventually("the entry is released", () -> released.get() == 1);
  }

  @Test
  void a_call_that_may_have_sent_by_its_deadline_keeps_its_entry() {
    AtomicInteger released = releasesOfNodeTwo();
    OtpResendClient client =
        OtpResendClient.create(node2, server.options().setTimeout(Duration.ofSeconds(2)));
    assertEquals(ResendFailure.TIMEOUT, failureOf(startCall(client, "id")).failure());
    answer("another");
    OtpResendClient other = OtpResendClient.create(node2, server.options());
    assertTrue(await(other.resend("another")).success());
    assertEquals(1, released.get(), "only the other call released its entry");
  }

  @Test
  void an_entry_is_released_if_the_answer_of_the_map_is_lost() {
    AtomicInteger released =
        releasesOfNodeTwo(
            entry ->
                entry.compose(v -> Future.failedFuture(new IllegalStateException("member left"))));
    OtpResendClient client = OtpResendClient.create(node2, server.options());
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failureOf(client.resend("id")).failure());
    eventually("the entry is released", () -> released.get() == 1);
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @ResourceLock(value = CORES, mode = ResourceAccessMode.READ)
  void a_request_id_in_flight_on_a_node_that_died_stays_refused() {
    callOnNodeThatDies(server.options().setTimeout(Duration.ofSeconds(30)));
    OtpResendClient other = OtpResendClient.create(survivor, server.options());
    eventually(
        "the request id is refused",
        () -> failureOf(other.resend("id")).failure() == ResendFailure.ALREADY_IN_PROGRESS);
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_release_that_gets_no_answer_delays_no_outcome_beyond_the_deadline() {
    OtpResendClient client =
        OtpResendClient.create(node2, server.options().setTimeout(Duration.ofSeconds(3)));
    Future<ResendResponse> call = startCall(client, "id");
    wrapMaps(map -> Promise.promise().future());
    answer("id");
    assertTrue(await(call).success());
  }

  @Test
  void the_map_contains_no_request_id() {
    AsyncMap<String, String> map =
        await(node1.sharedData().getClusterWideMap("io.github.otpresend"));
    Set<String> keysBefore = await(map.keys());
    OtpResendClient client = OtpResendClient.create(node1, server.options());
    Future<ResendResponse> call = startCall(client, "a-secret-id");
    Map<String, String> entries = await(map.entries());
    Set<String> newKeys = new HashSet<>(entries.keySet());
    newKeys.removeAll(keysBefore);
    assertEquals(1, newKeys.size());
    assertFalse(entries.toString().contains("a-secret-id"), entries.toString());
    answer("a-secret-id");
    await(call);
    assertFalse(await(map.keys()).containsAll(newKeys));
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @ResourceLock(value = CORES, mode = ResourceAccessMode.READ)
  void a_cooldown_applies_on_every_node_and_each_node_returns_its_rest() {
    Duration cooldown = Duration.ofSeconds(3);
    OtpResendClient client1 =
        OtpResendClient.create(waiting1, server.options().setCooldown(cooldown));
    OtpResendClient client2 =
        OtpResendClient.create(waiting2, server.options().setCooldown(cooldown));
    answer("id");
    Duration first = await(client1.resend("id")).retryAfter().orElseThrow();

    awaitCoolingDown(client2);
    ResendException refusal = failureOf(client2.resend("id"));
    assertEquals(ResendFailure.COOLING_DOWN, refusal.failure());
    Duration rest = refusal.retryAfter().orElseThrow();
    assertTrue(
        rest.compareTo(first.plusSeconds(2)) <= 0,
        rest + " is too long, the first rest was " + first);
    assertEquals(1, server.requests().size());

    await(waiting1.timer(rest.toMillis()));
    assertTrue(await(client2.resend("id")).success(), "a call after the rest succeeds");
    assertEquals(2, server.requests().size());
  }

  /** Waits until the cooldown is stored. Until then, another node says that a call is in flight. */
  private static void awaitCoolingDown(OtpResendClient client) {
    eventually(
        "the cooldown is stored",
        () -> {
          ResendFailure kind = failureOf(client.resend("id")).failure();
          assertTrue(
              kind == ResendFailure.COOLING_DOWN || kind == ResendFailure.ALREADY_IN_PROGRESS);
          return kind == ResendFailure.COOLING_DOWN;
        });
  }

  @Test
  void a_node_without_a_cooldown_obeys_the_cooldown_of_another_node() {
    OtpResendClient client1 =
        OtpResendClient.create(node1, server.options().setCooldown(Duration.ofMinutes(10)));
    answer("id");
    await(client1.resend("id"));
    OtpResendClient client2 = OtpResendClient.create(node2, server.options());
    awaitCoolingDown(client2);
    ResendException refusal = failureOf(client2.resend("id"));
    assertEquals(ResendFailure.COOLING_DOWN, refusal.failure());
    assertTrue(refusal.retryAfter().orElseThrow().toMinutes() >= 9);
  }

  @Test
  void a_refusal_by_the_service_begins_no_cooldown_on_any_node() {
    OtpResendOptions options = server.options().setCooldown(Duration.ofMinutes(10));
    OtpResendClient client1 = OtpResendClient.create(node1, options);
    OtpResendClient client2 = OtpResendClient.create(node2, options);
    answer("channel");
    for (int i = 0; i < 10; i++) {
      assertEquals(
          ResendFailure.RESEND_CHANNEL,
          failureOf((i % 2 == 0 ? client1 : client2).resend("channel")).failure());
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @ResourceLock(value = CORES, mode = ResourceAccessMode.READ)
  void after_a_lost_connection_the_request_id_is_in_progress_and_then_cools_down() {
    OtpResendOptions options =
        server.options().setTimeout(Duration.ofSeconds(3)).setCooldown(Duration.ofSeconds(6));
    OtpResendClient client1 = OtpResendClient.create(waiting1, options);
    OtpResendClient client2 = OtpResendClient.create(waiting2, options);
    answer("lost");
    assertEquals(ResendFailure.CONNECTION_LOST, failureOf(client1.resend("lost")).failure());
    assertEquals(ResendFailure.COOLING_DOWN, failureOf(client1.resend("lost")).failure());
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, failureOf(client2.resend("lost")).failure());
    eventually(
        "the deadline passes",
        () -> failureOf(client2.resend("lost")).failure() == ResendFailure.COOLING_DOWN);
    eventually(
        "the cooldown ends",
        () -> failureOf(client2.resend("lost")).failure() == ResendFailure.CONNECTION_LOST);
    assertEquals(2, server.requests().size());
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  @ResourceLock(value = CORES, mode = ResourceAccessMode.READ)
  void the_cooldown_of_a_node_that_died_ends() {
    OtpResendOptions options =
        server.options().setTimeout(Duration.ofSeconds(4)).setCooldown(Duration.ofSeconds(2));
    callOnNodeThatDies(options);
    OtpResendClient other = OtpResendClient.create(survivor, options);
    eventually(
        "the request id is cooling down",
        () -> failureOf(other.resend("id")).failure() == ResendFailure.COOLING_DOWN);
    assertEquals(1, server.requests().size());
    answer("id");
    eventually("the cooldown ends", () -> await(other.resend("id").otherwiseEmpty()) != null);
    assertEquals(2, server.requests().size());
  }

  @ParameterizedTest
  @CsvSource({
    "false, 0, -1, COOLING_DOWN, 62000",
    "false, 0, 1, COOLING_DOWN, 1000",
    "false, 0, 1500, COOLING_DOWN, 1000",
    "false, 0, 60000, COOLING_DOWN, 1000",
    "false, 5000, 0, ALREADY_IN_PROGRESS, 5000",
    "false, -5000, 0, ALREADY_IN_PROGRESS, 1000",
    "true, 0, -1, COOLING_DOWN, 60000",
    "true, 0, 1, , 0",
    "true, 0, 60000, , 0",
  })
  void a_wrong_clock_of_another_node_sends_no_code_early(
      boolean isOfThisNode,
      long millisInFlight,
      long endedMillisAgo,
      @Nullable ResendFailure expected,
      long expectedRestMillis) {
    OtpResendOptions options = server.options().setCooldown(Duration.ofMinutes(1));
    AsyncMap<String, String> map =
        await(node1.sharedData().getClusterWideMap("io.github.otpresend"));
    Set<String> keysBefore = await(map.keys());
    answer("id");
    await(OtpResendClient.create(node2, options).resend("id"));
    Set<String> keys = new HashSet<>();
    eventually(
        "the cooldown is stored",
        () -> {
          keys.clear();
          keys.addAll(await(map.keys()));
          keys.removeAll(keysBefore);
          return keys.size() == 1 && keys.iterator().next().endsWith("/cooling");
        });
    String key = keys.iterator().next();

    long now = System.currentTimeMillis();
    long inFlightUntil = millisInFlight == 0 ? 0 : now + millisInFlight;
    long coolingUntil = endedMillisAgo < 0 ? now + 3_600_000 : now - endedMillisAgo;
    String node = isOfThisNode ? ((VertxInternal) node1).clusterManager().getNodeId() : "another";
    String value =
        inFlightUntil
            + (" " + (millisInFlight == 0 ? coolingUntil : inFlightUntil))
            + (" 60000 " + node + "/owner/1");
    await(map.put(key, value, 60_000L));

    Future<ResendResponse> call = OtpResendClient.create(node1, options).resend("id");
    if (expected == null) {
      assertTrue(await(call).success());
    } else {
      ResendException failure = failureOf(call);
      assertEquals(expected, failure.failure());
      long rest = failure.retryAfter().orElseThrow().toMillis();
      assertTrue(rest <= expectedRestMillis && rest > expectedRestMillis - 1_000, rest + " ms");
      assertEquals(1, server.requests().size());
    }
    await(map.remove(key));
  }

  @Test
  @ResourceLock(CORES)
  void the_cost_of_the_guard_is_printed() {
    try (FaultServer quick =
        FaultServer.onCountlessRequests(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendOptions options = server.options().setBaseUrl(quick.baseUrl());
      OtpResendClient guarded = OtpResendClient.create(node1, options);
      OtpResendClient unguarded = OtpResendClient.create(node1, options.setClusterGuard(false));
      microsPerCall(guarded); // the first calls load the classes
      microsPerCall(unguarded);
      System.out.printf(
          "cluster guard, two nodes, one call at a time: %d µs a call with the guard, %d without%n",
          microsPerCall(guarded), microsPerCall(unguarded));
    }
  }

  /**
   * Starts a call on a node of a new cluster, and kills that node when the server has the request.
   * The other node is {@link #survivor}.
   */
  private void callOnNodeThatDies(OtpResendOptions options) {
    TestCluster cluster = new TestCluster(directory);
    survivor = cluster.join();
    JsonObject config =
        server
            .config()
            .put("address", "node-that-dies")
            .put("timeout", options.getTimeout().toMillis())
            .put("cooldown", options.getCooldown().toMillis());
    OtpResendClient requester =
        OtpResendClient.overEventBus(
            survivor,
            new OtpResendOptions()
                .setAddress("node-that-dies")
                .setTimeout(Duration.ofSeconds(5))); // the survivor waits so long before it closes
    try (NodeProcess node = cluster.launch("io.github.otpresend.OtpResendVerticle", config)) {
      eventually("the maps have a copy on another node", cluster::isSafe);
      startCall(requester, "id");
      node.kill();
    }
  }

  private static long microsPerCall(OtpResendClient client) {
    int calls = 500;
    long begin = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      assertTrue(await(client.resend("id-" + i)).success());
    }
    return (System.nanoTime() - begin) / calls / 1_000;
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Counts the entries that node two releases. */
  private AtomicInteger releasesOfNodeTwo() {
    return releasesOfNodeTwo(UnaryOperator.identity());
  }

  /**
   * Counts the entries that node two releases.
   *
   * @param acquisition changes the answer of the map to an acquisition
   */
  private AtomicInteger releasesOfNodeTwo(UnaryOperator<Future<Object>> acquisition) {
    AtomicInteger releases = new AtomicInteger();
    wrapMaps(
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

  /** Returns a cluster manager that applies {@link #MAP_WRAPPER} to its cluster-wide maps. */
  private static ClusterManager withWrappedMaps(ClusterManager real) {
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
                Completable<Object> handler = (Completable<Object>) arguments[1];
                MAP_WRAPPER.get().apply(map.future()).onComplete(handler::complete);
                return null;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
