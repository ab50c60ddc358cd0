// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.claims.ClusterClaims;
import io.github.otpresend.testing.Calls;
import io.github.otpresend.testing.EventLoops;
import io.github.otpresend.testing.FakeCluster;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The steps of a call with the cluster guard, in clusters whose map is in this JVM. */
class GuardedCallTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final FakeCluster CLUSTER = new FakeCluster();

  private static Vertx vertx;
  private static Vertx otherNode;

  private FaultServer server;

  /** The server answers a request id that begins with "held" once this latch is open. */
  private final CountDownLatch answer = new CountDownLatch(1);

  @BeforeAll
  static void join() {
    vertx = CLUSTER.join("node");
    otherNode = CLUSTER.join("other-node");
  }

  @AfterAll
  static void leave() {
    await(vertx.close());
    await(otherNode.close());
  }

  @BeforeEach
  void start() {
    server =
        FaultServer.onRequest(
            peer -> {
              String head = peer.head();
              if (head.contains("/lost/")) {
                peer.close();
              } else if (head.contains("/silent/")) {
                peer.silence();
              } else if (head.contains("/held")) {
                peer.await(answer);
              }
              peer.write(
                  head.contains("/refused/") ? FaultServer.response(404, "") : FaultServer.SUCCESS);
            });
  }

  @AfterEach
  void stop() {
    answer.countDown();
    server.close();
    CLUSTER.clear();
  }

  private OtpResendClient client(Duration cooldown) {
    return OtpResendClient.create(
        vertx, server.options().setTimeout(TIMEOUT).setCooldown(cooldown));
  }

  @Test
  void the_cluster_manager_for_zookeeper_is_refused_since_its_maps_cannot_guard() {
    String refused = "io.vertx.spi.cluster.zookeeper.ZookeeperClusterManager";
    IllegalArgumentException refusal =
        assertThrows(IllegalArgumentException.class, () -> ClusterClaims.checkCanGuard(refused));
    assertEquals(
        "clusterGuard is true, but "
            + refused
            + " cannot guard: two nodes that call putIfAbsent of its map at the same time both"
            + " succeed; set clusterGuard to false, or use Hazelcast, Infinispan or Ignite",
        refusal.getMessage());
    for (String accepted :
        List.of(
            "io.vertx.spi.cluster.hazelcast.HazelcastClusterManager",
            "io.vertx.ext.cluster.infinispan.InfinispanClusterManager",
            "io.vertx.spi.cluster.ignite.IgniteClusterManager",
            "com.example.OwnClusterManager")) {
      ClusterClaims.checkCanGuard(accepted);
    }
  }

  /** The part of an entry that says when it ends, in milliseconds since the epoch. */
  private record Entry(long inFlightUntil, long coolingUntil) {}

  private static Entry onlyEntry() {
    Map<String, FakeCluster.Entry> entries = CLUSTER.entries();
    assertEquals(1, entries.size(), entries::toString);
    String[] parts = entries.values().iterator().next().value().split(" ");
    return new Entry(Long.parseLong(parts[0]), Long.parseLong(parts[1]));
  }

  private static long onlyTimeToLive() {
    return CLUSTER.entries().values().iterator().next().timeToLive();
  }

  /** Delays the answers to this operation until the returned promise is completed. */
  private static Promise<Void> delayAnswers(String delayed) {
    Promise<Void> promise = Promise.promise();
    CLUSTER.delayAnswers(
        name -> name.equals(delayed) ? promise.future() : Future.succeededFuture());
    return promise;
  }

  private static Promise<Void> delayOperations(String delayed) {
    Promise<Void> promise = Promise.promise();
    CLUSTER.delayOperations(
        name -> name.equals(delayed) ? promise.future() : Future.succeededFuture());
    return promise;
  }

  private OtpResendClient other(Duration cooldown) {
    return OtpResendClient.create(
        otherNode, server.options().setTimeout(TIMEOUT).setCooldown(cooldown));
  }

  private static void assertBetween(long least, long actual, long most) {
    assertTrue(actual >= least && actual <= most, () -> actual + " ms");
  }

  private static long retryAfter(ResendException failure) {
    return failure.retryAfter().orElseThrow().toMillis();
  }

  @Test
  void a_call_has_an_entry_until_its_outcome() {
    Promise<Void> acquired = delayAnswers("putIfAbsent");
    long before = System.currentTimeMillis();
    Future<ResendResponse> call = client(Duration.ZERO).resend("id");
    eventually("the entry is put", () -> !CLUSTER.entries().isEmpty());

    long inFlightFor = onlyEntry().inFlightUntil() - before;
    assertTrue(inFlightFor >= TIMEOUT.toMillis(), inFlightFor + " ms");
    assertTrue(inFlightFor < 2 * TIMEOUT.toMillis(), inFlightFor + " ms");
    assertTrue(onlyTimeToLive() > TIMEOUT.toMillis());
    assertEquals(0, server.requests().size());

    acquired.complete();
    assertTrue(await(call).success());
    assertEquals(Map.of(), CLUSTER.entries(), "the entry is removed before the outcome");
  }

  @Test
  void an_entry_stays_for_a_cooldown_after_the_deadline_if_nobody_settles_it() {
    delayAnswers("putIfAbsent");
    client(MINUTE).resend("id");
    eventually("the entry is put", () -> !CLUSTER.entries().isEmpty());
    assertBetween(89_000, onlyTimeToLive(), 92_000);
    CLUSTER.delayAnswers(name -> Future.succeededFuture());
    ResendException refusal = failureOf(other(Duration.ZERO).resend("id"));
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, refusal.failure());
    assertBetween(20_000, retryAfter(refusal), 30_001);
  }

  @Test
  void a_refusal_by_the_service_removes_the_entry() {
    assertFalse(failureOf(client(Duration.ZERO).resend("refused")).maybeSent());
    assertEquals(Map.of(), CLUSTER.entries());
    assertEquals(Optional.empty(), failureOf(client(MINUTE).resend("refused")).retryAfter());
    assertEquals(Map.of(), CLUSTER.entries());
  }

  @Test
  void a_lost_answer_keeps_the_entry() {
    assertEquals(
        ResendFailure.CONNECTION_LOST, failureOf(client(Duration.ZERO).resend("lost")).failure());
    assertTrue(onlyEntry().inFlightUntil() > System.currentTimeMillis());
    assertEquals(onlyEntry().inFlightUntil(), onlyEntry().coolingUntil());
    for (OtpResendClient client : List.of(client(Duration.ZERO), other(Duration.ZERO))) {
      ResendException refusal = failureOf(client.resend("lost"));
      assertEquals(ResendFailure.ALREADY_IN_PROGRESS, refusal.failure());
      assertBetween(20_000, retryAfter(refusal), 30_001);
    }
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_success_turns_the_entry_into_a_cooldown() {
    assertTrue(await(client(MINUTE).resend("id")).success());
    eventually("the cooldown is stored", () -> isCooling());
    assertEquals(0, onlyEntry().inFlightUntil());
    assertBetween(50_000, onlyEntry().coolingUntil() - System.currentTimeMillis(), 60_000);
    assertBetween(50_000, onlyTimeToLive(), 61_000);
    ResendException refusal = failureOf(other(Duration.ZERO).resend("id"));
    assertEquals(ResendFailure.COOLING_DOWN, refusal.failure());
    assertBetween(50_000, retryAfter(refusal), 62_000);
    assertEquals(0, onlyEntry().inFlightUntil(), "the refused call has removed its own entry");
  }

  private static boolean isCooling() {
    Map<String, FakeCluster.Entry> entries = CLUSTER.entries();
    return entries.size() == 1 && entries.keySet().iterator().next().endsWith("/cooling");
  }

  @Test
  void a_lost_answer_begins_a_cooldown_and_the_entry_stays_in_flight() {
    failureOf(client(MINUTE).resend("lost"));
    eventually("the cooldown is stored", () -> isCooling());
    assertBetween(20_000, onlyEntry().inFlightUntil() - System.currentTimeMillis(), 30_001);
    assertBetween(50_000, onlyTimeToLive(), 61_001);
    ResendException refusal = failureOf(other(Duration.ZERO).resend("lost"));
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, refusal.failure());
    assertBetween(20_000, retryAfter(refusal), 30_001);
  }

  @Test
  void after_a_lost_answer_an_entry_stays_until_the_deadline_if_the_cooldown_ends_before() {
    failureOf(client(Duration.ofSeconds(2)).resend("lost"));
    eventually("the cooldown is stored", () -> isCooling());
    assertBetween(20_000, onlyTimeToLive(), 31_001);
  }

  @Test
  void a_timeout_ends_the_entry_at_the_end_of_the_cooldown() {
    OtpResendClient client =
        OtpResendClient.create(
            vertx, server.options().setTimeout(Duration.ofSeconds(2)).setCooldown(MINUTE));
    assertEquals(ResendFailure.TIMEOUT, failureOf(client.resend("silent")).failure());
    eventually("the cooldown is stored", () -> isCooling());
    assertBetween(50_000, onlyTimeToLive(), 60_000);
    ResendException refusal = failureOf(other(Duration.ZERO).resend("silent"));
    assertEquals(ResendFailure.COOLING_DOWN, refusal.failure());
  }

  @Test
  void an_outcome_does_not_wait_until_a_cooldown_is_stored_but_close_does() {
    OtpResendClient client = client(MINUTE);
    Future<ResendResponse> call = client.resend("held");
    eventually("the service is called", () -> server.requests().size() == 1);
    Promise<Void> stored = delayOperations("putIfAbsent");
    answer.countDown();
    assertTrue(await(call).success());
    Future<Void> closed = client.close();
    await(vertx.timer(100));
    assertFalse(closed.isComplete());
    assertFalse(isCooling());
    ResendException refusal = failureOf(other(Duration.ZERO).resend("refused"));
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, refusal.failure(), "the map is slow");
    stored.complete();
    await(closed);
    eventually("the cooldown is stored", () -> isCooling());
  }

  @Test
  void an_outcome_waits_for_a_release_but_not_longer_than_connect_timeout() {
    OtpResendClient client =
        OtpResendClient.create(
            vertx, server.options().setTimeout(TIMEOUT).setConnectTimeout(Duration.ofSeconds(1)));
    await(client.resend("id")); // the first call may take long
    Promise<Void> released = delayOperations("removeIfPresent");
    Future<ResendResponse> call = client.resend("id");
    eventually("the service is called", () -> server.requests().size() == 2);
    await(vertx.timer(300));
    assertFalse(call.isComplete());
    assertTrue(await(call).success());
    released.complete();
    eventually("the entry is removed", () -> CLUSTER.entries().isEmpty());
  }

  @Test
  void a_release_that_fails_changes_no_outcome() {
    CLUSTER.delayOperations(
        name ->
            name.equals("removeIfPresent")
                ? Future.failedFuture("split brain")
                : Future.succeededFuture());
    OtpResendClient client = client(Duration.ZERO);
    assertTrue(await(client.resend("id")).success());
    await(client.close());
  }

  @Test
  void a_call_without_an_entry_sends_nothing() {
    for (String failing : List.of("putIfAbsent", "get")) {
      CLUSTER.delayAnswers(
          name ->
              name.equals(failing)
                  ? Future.failedFuture(new IllegalStateException("the map failed"))
                  : Future.succeededFuture());
      ResendException failure = failureOf(client(Duration.ZERO).resend("id"));
      assertEquals(ResendFailure.GUARD_UNAVAILABLE, failure.failure());
      assertEquals("The shared claims failed", failure.getMessage());
      assertTrue(failure.getCause() instanceof IllegalStateException, "" + failure.getCause());
      assertEquals(0, server.requests().size());
      eventually("the entry is removed", () -> CLUSTER.entries().isEmpty());
    }
  }

  @Test
  void an_entry_of_another_call_refuses_the_call() {
    delayAnswers("putIfAbsent");
    client(Duration.ZERO).resend("id");
    eventually("the entry is put", () -> !CLUSTER.entries().isEmpty());
    CLUSTER.delayAnswers(name -> Future.succeededFuture());

    OtpResendClient other = OtpResendClient.create(vertx, server.options().setSingleFlight(false));
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, failureOf(other.resend("id")).failure());
    assertEquals(
        ResendFailure.ALREADY_IN_PROGRESS, failureOf(other(Duration.ZERO).resend("id")).failure());
    assertEquals(0, server.requests().size());
  }

  @Test
  void an_entry_that_is_put_after_the_deadline_is_removed() {
    Promise<Void> acquired = delayAnswers("putIfAbsent");
    Duration soon = Duration.ofMillis(200);
    OtpResendClient client =
        OtpResendClient.create(vertx, server.options().setTimeout(soon).setConnectTimeout(soon));
    ResendException failure = failureOf(client.resend("id"));
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failure.failure());
    assertEquals("The shared claims did not answer in time", failure.getMessage());
    assertEquals(1, CLUSTER.entries().size());

    acquired.complete();
    eventually("the entry is removed", () -> CLUSTER.entries().isEmpty());
    assertEquals(0, server.requests().size());
  }

  @Test
  void an_entry_that_is_put_after_connect_timeout_is_removed_and_the_call_has_ended_by_then() {
    Promise<Void> acquired = delayAnswers("putIfAbsent");
    OtpResendClient client =
        OtpResendClient.create(
            vertx, server.options().setConnectTimeout(Duration.ofMillis(200)).setTimeout(TIMEOUT));
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failureOf(client.resend("id")).failure());
    await(client.close());
    acquired.complete();
    eventually("the entry is removed", () -> CLUSTER.entries().isEmpty());
    assertEquals(0, server.requests().size());
  }

  @Test
  void a_node_may_send_again_when_its_own_cooldown_has_ended_though_the_map_still_has_it() {
    OtpResendClient client = client(Duration.ofMillis(300));
    for (int i = 0; i < 3; i++) {
      long rest = await(client.resend("id")).retryAfter().orElseThrow().toMillis();
      eventually("the cooldown is stored", () -> isCooling());
      await(vertx.timer(rest + 1));
      assertFalse(CLUSTER.entries().isEmpty(), "the map keeps an entry a second longer");
    }
    assertEquals(3, server.requests().size());
    assertEquals(
        ResendFailure.COOLING_DOWN,
        failureOf(other(Duration.ZERO).resend("id")).failure(),
        "another node does not trust the clock of this node");
  }

  @Test
  void a_401_with_a_new_token_keeps_the_claim() {
    try (FaultServer checker =
        FaultServer.onRequest(
            peer -> {
              if (peer.head().contains("Bearer old")) {
                peer.write(FaultServer.response(401, ""));
              } else {
                peer.await(answer);
                peer.write(FaultServer.SUCCESS);
              }
            })) {
      Deque<String> tokens = new ConcurrentLinkedDeque<>(List.of("old", "new"));
      OtpResendOptions options = server.options().setBaseUrl(checker.baseUrl());
      OtpResendClient client =
          OtpResendClient.create(vertx, options, () -> Future.succeededFuture(tokens.poll()));
      Future<ResendResponse> call = client.resend("id");
      eventually("the request is sent again", () -> checker.requests().size() == 2);
      assertEquals(
          ResendFailure.ALREADY_IN_PROGRESS,
          failureOf(OtpResendClient.create(otherNode, options).resend("id")).failure());
      answer.countDown();
      assertTrue(await(call).success());
      assertEquals(2, checker.requests().size());
      assertEquals(Map.of(), CLUSTER.entries());
    }
  }

  @Test
  void a_node_that_stood_still_for_longer_than_its_claim_does_not_change_the_next_claim() {
    Duration timeout = Duration.ofSeconds(1);
    Duration cooldown = Duration.ofSeconds(1);
    Context home = vertx.getOrCreateContext();
    OtpResendClient still =
        Calls.call(
            home,
            () ->
                OtpResendClient.create(
                    vertx, server.options().setTimeout(timeout).setCooldown(cooldown)));
    await(still.resend("first")); // the first call of the JVM may take long
    CountDownLatch stop = new CountDownLatch(1);
    Future<ResendResponse> call = still.resend("held-id");
    eventually("the request is sent", () -> server.requests().size() == 2);
    home.runOnContext(
        v -> {
          while (stop.getCount() > 0) {
            EventLoops.keepBusy(1_000_000);
          }
        });
    answer.countDown();
    OtpResendClient next = other(MINUTE);
    eventually("the claim has expired", () -> isSent(next.resend("held-id")));
    eventually("the cooldown is stored", () -> has("/cooling", 1));
    Map<String, FakeCluster.Entry> before = CLUSTER.entries();
    stop.countDown();
    eventually("the call has ended", call::isComplete);
    await(still.close());
    assertEquals(before, CLUSTER.entries());
    Vertx third = CLUSTER.join("third-node");
    ResendException refusal =
        failureOf(OtpResendClient.create(third, server.options()).resend("held-id"));
    assertEquals(ResendFailure.COOLING_DOWN, refusal.failure());
    assertEquals(3, server.requests().size());
    await(third.close());
  }

  private static boolean has(String suffix, int count) {
    return CLUSTER.entries().keySet().stream().filter(key -> key.endsWith(suffix)).count() == count;
  }

  private static boolean isSent(Future<ResendResponse> call) {
    eventually("the call has ended", call::isComplete);
    return call.succeeded();
  }

  @Test
  void a_cooldown_that_is_stored_late_does_not_end_the_next_claim_early() {
    Deque<Promise<Void>> late = new ConcurrentLinkedDeque<>();
    AtomicBoolean delaysNextPut = new AtomicBoolean();
    CLUSTER.delayOperations(
        name -> {
          if (!name.equals("putIfAbsent") || !delaysNextPut.getAndSet(false)) {
            return Future.succeededFuture();
          }
          late.add(Promise.promise());
          return late.getLast().future();
        });
    Future<ResendResponse> first = client(Duration.ofSeconds(2)).resend("held");
    eventually("the service is called", () -> server.requests().size() == 1);
    delaysNextPut.set(true);
    answer.countDown();
    await(first);
    CLUSTER.removeEntries(); // as if the claim had expired
    Promise<String> token = Promise.promise();
    AtomicBoolean isClaimed = new AtomicBoolean();
    OtpResendClient next =
        OtpResendClient.create(
            otherNode,
            server.options().setTimeout(TIMEOUT).setCooldown(MINUTE),
            () -> {
              isClaimed.set(true);
              return token.future();
            });
    Future<ResendResponse> second = next.resend("held");
    eventually("the second call has the claim", isClaimed::get);
    delaysNextPut.set(true);
    token.complete("token");
    assertTrue(await(second).success());

    late.poll().complete(); // the cooldown of the first call, while the second has the claim
    eventually("the first cooldown is stored", () -> has("/cooling", 1));
    late.poll().complete();
    await(next.close());
    eventually("the first cooldown has ended", () -> has("/cooling", 0));
    assertBetween(89_000, onlyTimeToLive(), 92_000);
    assertEquals(
        ResendFailure.ALREADY_IN_PROGRESS,
        failureOf(client(Duration.ZERO).resend("held")).failure());
    assertEquals(2, server.requests().size());
  }

  @Test
  void entries_of_nodes_with_wrong_clocks_refuse_until_the_map_removes_them() {
    await(client(MINUTE).resend("id"));
    eventually("the cooldown is stored", () -> isCooling());
    String cooling = CLUSTER.entries().keySet().iterator().next();
    String key = cooling.substring(0, cooling.indexOf('/'));
    long now = System.currentTimeMillis();
    long hour = 3_600_000;
    record Case(String key, long inFlight, long cooling, String kind, long least, long most) {}
    for (Case it :
        List.of(
            new Case(cooling, 0, now + hour, "COOLING_DOWN", 62_000, 62_000),
            new Case(cooling, 0, now - 1, "COOLING_DOWN", 1_000, 1_000),
            new Case(cooling, 0, now - hour, "COOLING_DOWN", 1_000, 1_000),
            new Case(cooling, now + 5_000, now + 5_000, "ALREADY_IN_PROGRESS", 1, 5_000),
            new Case(key, now + 5_000, now + 5_000, "ALREADY_IN_PROGRESS", 1, 5_000),
            new Case(key, now - 5_000, now - 5_000, "ALREADY_IN_PROGRESS", 1_000, 1_000),
            new Case(key, now - 5_000, now + 30_000, "COOLING_DOWN", 20_000, 32_000),
            new Case(key, now - hour, now - hour + 60_000, "COOLING_DOWN", 1_000, 1_000))) {
      CLUSTER.clear();
      CLUSTER.put(it.key, it.inFlight + " " + it.cooling + " 60000 a-third-node/owner/1");
      ResendException refusal = failureOf(other(Duration.ofSeconds(5)).resend("id"));
      assertEquals(it.kind, refusal.failure().name(), it::toString);
      assertBetween(it.least, retryAfter(refusal), it.most);
      assertEquals(1, CLUSTER.entries().size(), "only the entry of the third node is left");
    }
    assertEquals(1, server.requests().size());
  }
}
