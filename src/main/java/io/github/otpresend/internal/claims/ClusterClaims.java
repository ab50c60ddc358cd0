// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.github.otpresend.internal.Time;
import io.vertx.core.Future;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.shareddata.AsyncMap;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The claims of all nodes of a cluster, in a cluster-wide map. Of the map's conditional operations
 * only {@code putIfAbsent} has a time to live. So a request id has two keys: one for the claim, and
 * one for the cooldown. A claim is put first, and a cooldown is read after that. A cooldown is put
 * first, and its claim is removed after that. So no call can find neither.
 */
public final class ClusterClaims implements SharedClaims {
  private static final String MAP = "io.github.otpresend";
  private static final String COOLING = "/cooling";

  /**
   * The tick of the clock that expires entries. Hazelcast's clock has whole seconds, rounded down.
   */
  private static final long CLOCK_TICK_MILLIS = 1_000;

  /** The longest time for which the map keeps an entry whose cooldown has ended. */
  private static final long MAP_DELAY_MILLIS = 2 * CLOCK_TICK_MILLIS;

  private final Supplier<Future<AsyncMap<String, String>>> map;
  private final String nodeId;
  private final String service;
  private final Time time;

  /** Creates the claims of a node of a cluster. */
  public static ClusterClaims of(VertxInternal vertx, String service, Time time) {
    return new ClusterClaims(
        () -> vertx.sharedData().getClusterWideMap(MAP),
        vertx.clusterManager().getNodeId(),
        service,
        time);
  }

  /**
   * @param map returns the cluster-wide map, or throws an exception
   * @param service the name of the service to which the request ids belong
   */
  ClusterClaims(
      Supplier<Future<AsyncMap<String, String>>> map, String nodeId, String service, Time time) {
    this.map = map;
    this.nodeId = nodeId;
    this.service = service;
    this.time = time;
  }

  /**
   * Throws an exception if the cluster manager has no map that can guard.
   *
   * @param clusterManager the name of its class
   */
  public static void checkCanGuard(String clusterManager) {
    if (clusterManager.startsWith("io.vertx.spi.cluster.zookeeper.")) {
      throw new IllegalArgumentException(
          "clusterGuard is true, but "
              + clusterManager
              + " cannot guard: two nodes that call putIfAbsent of its map at the same time both"
              + " succeed; set clusterGuard to false, or use Hazelcast, Infinispan or Ignite");
    }
  }

  /**
   * The value of both keys, which the map holds as text. The times are in milliseconds, by the
   * clock of the node that put the entry. They only tell a refused caller how long to wait: what
   * ends an entry is the map.
   *
   * @param inFlightUntil when the call ends at the latest; 0 if it has ended
   * @param coolingUntil when the cooldown ends at the latest
   * @param owner the node and the name of the call
   */
  record Entry(long inFlightUntil, long coolingUntil, long cooldown, String owner) {
    static Entry parse(String text) {
      String[] parts = text.split(" ", 4);
      return new Entry(
          Long.parseLong(parts[0]), Long.parseLong(parts[1]), Long.parseLong(parts[2]), parts[3]);
    }

    String text() {
      return inFlightUntil + " " + coolingUntil + ' ' + cooldown + ' ' + owner;
    }

    /** Returns how long the map has to keep the entry. It includes a tick of the map's clock. */
    long timeToLive(long now) {
      return Math.max(0, Math.max(inFlightUntil, coolingUntil) - now) + CLOCK_TICK_MILLIS;
    }
  }

  @Override
  public Future<Optional<Refusal>> claim(Claim claim) {
    String key = claim.hash(service);
    Entry own = entry(claim);
    return map()
        .compose(
            map ->
                map.putIfAbsent(key, own.text(), own.timeToLive(claim.since()))
                    .compose(
                        other ->
                            other == null || other.equals(own.text())
                                ? checkCooldown(map, key, own)
                                : Future.succeededFuture(refusal(Entry.parse(other)))));
  }

  /** Accepts the claim that is in the map, or removes it again if the request id cools down. */
  private Future<Optional<Refusal>> checkCooldown(
      AsyncMap<String, String> map, String key, Entry own) {
    return map.get(key + COOLING)
        .compose(
            found -> {
              if (found == null) {
                return Future.succeededFuture(Optional.empty());
              }
              Entry cooling = Entry.parse(found);
              return isOver(cooling)
                  ? map.removeIfPresent(key + COOLING, found).map(Optional.empty())
                  : map.removeIfPresent(key, own.text())
                      .transform(removed -> Future.succeededFuture(refusal(cooling)));
            });
  }

  /**
   * Returns whether a cooldown that is still in the map has ended. Only a cooldown of this node can
   * have: its local claims would have refused the call before. A cooldown of another node lasts
   * until the map removes it, since the clock of that node may be behind.
   */
  private boolean isOver(Entry cooling) {
    return isOwn(cooling) && cooling.inFlightUntil == 0 && cooling.coolingUntil <= time.wallClock();
  }

  private boolean isOwn(Entry entry) {
    return entry.owner.startsWith(nodeId + '/');
  }

  private Optional<Refusal> refusal(Entry other) {
    long now = time.wallClock();
    boolean isInFlight = other.inFlightUntil >= now || other.coolingUntil <= other.inFlightUntil;
    // the clock of the other node may be ahead or behind; the map has its own clock
    long rest =
        isInFlight ? other.inFlightUntil - now : Math.min(other.coolingUntil - now, other.cooldown);
    long delay = isInFlight || isOwn(other) ? 0 : MAP_DELAY_MILLIS;
    long millis = rest > 0 ? rest + delay : CLOCK_TICK_MILLIS;
    return Optional.of(new Refusal(isInFlight, Duration.ofMillis(millis)));
  }

  /** If the map has a cooldown already, the claim stays until the map removes it. */
  @Override
  public Future<Void> cool(Claim claim, long millisInFlight, long millisCooling) {
    String key = claim.hash(service);
    long now = time.wallClock();
    Entry own = entry(claim);
    Entry cooling =
        new Entry(
            millisInFlight == 0 ? 0 : now + millisInFlight,
            now + millisCooling,
            own.cooldown,
            own.owner);
    return map()
        .compose(
            map ->
                map.putIfAbsent(key + COOLING, cooling.text(), cooling.timeToLive(now))
                    .compose(
                        other ->
                            other == null || other.equals(cooling.text())
                                ? map.removeIfPresent(key, own.text()).mapEmpty()
                                : Future.succeededFuture()));
  }

  @Override
  public Future<Void> release(Claim claim) {
    String text = entry(claim).text();
    return map().compose(map -> map.removeIfPresent(claim.hash(service), text)).mapEmpty();
  }

  private Entry entry(Claim claim) {
    long deadline = claim.since() + claim.millisInFlight();
    return new Entry(
        deadline,
        deadline + claim.cooldownMillis(),
        claim.cooldownMillis(),
        nodeId + '/' + claim.owner());
  }

  /**
   * Returns the cluster-wide map. The future also fails if the cluster manager throws, as it does
   * after its shutdown.
   */
  private Future<AsyncMap<String, String>> map() {
    return Future.succeededFuture().compose(v -> map.get());
  }
}
