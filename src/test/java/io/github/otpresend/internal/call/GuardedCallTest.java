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
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.claims.ClusterGuard;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Completable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.shareddata.AsyncMap;
import io.vertx.core.spi.cluster.ClusterManager;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The steps of a call with the cluster guard, in a cluster of one node whose map is in this class.
 */
class GuardedCallTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  /** The entries of the cluster-wide map, and the time to live that each was put with. */
  private static final Map<Object, String> ENTRIES = new ConcurrentHashMap<>();

  private static final Map<Object, Long> TIMES_TO_LIVE = new ConcurrentHashMap<>();

  /** The future that the next acquisition waits for. */
  private static volatile Future<Void> acquisition = Future.succeededFuture();

  private static Vertx vertx;

  private FaultServer server;

  @BeforeAll
  static void join() {
    VertxOptions options = new VertxOptions();
    options.getEventBusOptions().setHost("localhost");
    vertx =
        await(
            Vertx.builder()
                .with(options)
                .withClusterManager(proxy(ClusterManager.class, GuardedCallTest::cluster))
                .buildClustered());
  }

  @AfterAll
  static void leave() {
    await(vertx.close());
  }

  @BeforeEach
  void start() {
    server =
        FaultServer.onRequest(
            peer -> {
              String head = peer.head();
              if (head.contains("/lost/")) {
                peer.close();
              }
              peer.write(
                  head.contains("/refused/") ? FaultServer.response(404, "") : FaultServer.SUCCESS);
            });
  }

  @AfterEach
  void stop() {
    acquisition = Future.succeededFuture();
    ENTRIES.clear();
    server.close();
  }

  private OtpResendClient client(Duration cooldown) {
    return OtpResendClient.create(
        vertx, server.options().setTimeout(TIMEOUT).setCooldown(cooldown));
  }

  @Test
  void the_cluster_manager_for_zookeeper_is_refused_since_its_maps_cannot_guard() {
    String refused = "io.vertx.spi.cluster.zookeeper.ZookeeperClusterManager";
    IllegalArgumentException refusal =
        assertThrows(IllegalArgumentException.class, () -> ClusterGuard.checkCanGuard(refused));
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
      ClusterGuard.checkCanGuard(accepted);
    }
  }

  private static ClusterGuard.Entry onlyEntry() {
    assertEquals(1, ENTRIES.size());
    return ClusterGuard.Entry.parse(ENTRIES.values().iterator().next());
  }

  @Test
  void a_call_has_an_entry_until_its_outcome() {
    Promise<Void> acquired = Promise.promise();
    acquisition = acquired.future();
    long before = System.currentTimeMillis();
    Future<ResendResponse> call = client(Duration.ZERO).resend("id");
    eventually("the entry is put", () -> !ENTRIES.isEmpty());

    long inFlightFor = onlyEntry().inFlightUntil() - before;
    assertTrue(inFlightFor >= TIMEOUT.toMillis(), inFlightFor + " ms");
    assertTrue(inFlightFor < 2 * TIMEOUT.toMillis(), inFlightFor + " ms");
    assertTrue(TIMES_TO_LIVE.values().iterator().next() > TIMEOUT.toMillis());
    assertEquals(0, server.requests().size());

    acquired.complete();
    assertTrue(await(call).success());
    assertEquals(Map.of(), ENTRIES, "the entry is removed before the outcome");
  }

  @Test
  void a_refusal_by_the_service_removes_the_entry() {
    assertFalse(failureOf(client(Duration.ZERO).resend("refused")).maybeSent());
    assertEquals(Map.of(), ENTRIES);
  }

  @Test
  void a_lost_answer_keeps_the_entry() {
    assertEquals(
        ResendFailure.CONNECTION_LOST, failureOf(client(Duration.ZERO).resend("lost")).failure());
    assertTrue(onlyEntry().inFlightUntil() > System.currentTimeMillis());
  }

  @Test
  void a_success_turns_the_entry_into_a_cooldown() {
    assertTrue(await(client(Duration.ofMinutes(1)).resend("id")).success());
    assertEquals(0, onlyEntry().inFlightUntil());
    assertTrue(onlyEntry().coolingUntil() > System.currentTimeMillis());
  }

  @Test
  void a_lost_answer_begins_a_cooldown_and_the_entry_stays_in_flight() {
    failureOf(client(Duration.ofMinutes(1)).resend("lost"));
    assertTrue(onlyEntry().inFlightUntil() > System.currentTimeMillis());
  }

  @Test
  void a_call_without_an_entry_sends_nothing() {
    acquisition = Future.failedFuture(new IllegalStateException("the map failed"));
    ResendException failure = failureOf(client(Duration.ZERO).resend("id"));
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failure.failure());
    assertEquals(0, server.requests().size());
  }

  @Test
  void an_entry_of_another_call_refuses_the_call() {
    acquisition = Promise.<Void>promise().future();
    client(Duration.ZERO).resend("id");
    eventually("the entry is put", () -> !ENTRIES.isEmpty());
    acquisition = Future.succeededFuture();

    OtpResendClient other = OtpResendClient.create(vertx, server.options().setSingleFlight(false));
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, failureOf(other.resend("id")).failure());
    assertEquals(0, server.requests().size());
  }

  @Test
  void an_entry_that_is_put_after_the_deadline_is_removed() {
    Promise<Void> acquired = Promise.promise();
    acquisition = acquired.future();
    Duration soon = Duration.ofMillis(200);
    OtpResendClient client =
        OtpResendClient.create(vertx, server.options().setTimeout(soon).setConnectTimeout(soon));
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failureOf(client.resend("id")).failure());
    assertEquals(1, ENTRIES.size());

    acquired.complete();
    eventually("the entry is removed", ENTRIES::isEmpty);
    assertEquals(0, server.requests().size());
  }

  // ---- the cluster

  private interface Answers {
    @Nullable Object answer(Method method, Object[] arguments);
  }

  private static <T> T proxy(Class<T> type, Answers answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> answers.answer(method, arguments)));
  }

  private static @Nullable Object cluster(Method method, Object[] arguments) {
    switch (method.getName()) {
      case "getNodeId":
        return "node";
      case "getNodes":
        return List.of("node");
      case "getSyncMap":
        return new ConcurrentHashMap<>();
      case "isActive":
        return true;
      default:
    }
    if (arguments != null && arguments[arguments.length - 1] instanceof Completable<?> last) {
      @SuppressWarnings("unchecked")
      Completable<Object> result = (Completable<Object>) last;
      switch (method.getName()) {
        case "getAsyncMap" -> result.succeed(proxy(AsyncMap.class, GuardedCallTest::map));
        case "getRegistrations" -> result.succeed(List.of());
        default -> result.succeed(null);
      }
    }
    return null;
  }

  private static Object map(Method method, Object[] arguments) {
    Object key = arguments[0];
    String value = (String) arguments[1];
    return switch (method.getName()) {
      case "putIfAbsent" -> {
        TIMES_TO_LIVE.put(key, (Long) arguments[2]);
        String other = ENTRIES.putIfAbsent(key, value);
        yield acquisition.map(other);
      }
      case "put" -> {
        ENTRIES.put(key, value);
        yield Future.succeededFuture();
      }
      case "removeIfPresent" -> Future.succeededFuture(ENTRIES.remove(key, value));
      default -> throw new UnsupportedOperationException(method.toString());
    };
  }
}
