// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.DeadlineQueue;
import io.github.otpresend.internal.Failures;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.shareddata.AsyncMap;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A guard that allows one call at a time for a request id in the whole cluster, and no call during
 * the cooldown of that request id. Each call owns an entry in a cluster-wide map. The entry stays
 * if the owner's node dies, or if the service does not answer. It then expires with the call's
 * deadline or cooldown, or up to two seconds later.
 */
public final class ClusterGuard {
  private static final String MAP = "io.github.otpresend";

  /**
   * The tick of the clock that expires entries. Hazelcast's clock has whole seconds, rounded down.
   */
  private static final long CLOCK_TICK_MILLIS = 1_000;

  /** The longest time for which the map keeps an entry whose cooldown has ended. */
  private static final long MAP_DELAY_MILLIS = 2 * CLOCK_TICK_MILLIS;

  private static final AtomicLong LAST_CALL = new AtomicLong();

  private final ContextInternal home;
  private final VertxInternal vertx;
  private final String service;
  private final String nodeId;

  private final long cooldownMillis;

  /** The calls that wait for the map, each with a time limit. */
  private final DeadlineQueue<Acquisition> limits;

  /**
   * @param service the name of the service to which the request ids belong
   * @param cooldown the cooldown; zero if it is off
   */
  public ClusterGuard(ContextInternal home, String service, Duration timeout, Duration cooldown) {
    this.home = home;
    vertx = home.owner();
    this.service = service;
    nodeId = vertx.clusterManager().getNodeId();
    cooldownMillis = cooldown.toMillis();
    limits = new DeadlineQueue<>(home, timeout);
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

  /** The map entry that a call owns. */
  public record Hold(String key, Entry entry) {}

  /**
   * The value of a map entry, which the map holds as text.
   *
   * @param call the call that owns the entry
   * @param inFlightUntil when the call ends at the latest; 0 if it has ended
   * @param coolingUntil when the cooldown ends at the latest; both in milliseconds since the epoch
   */
  public record Entry(String call, long inFlightUntil, long coolingUntil) {
    public static Entry parse(String text) {
      String[] parts = text.split(" ", 3);
      return new Entry(parts[0], Long.parseLong(parts[1]), Long.parseLong(parts[2]));
    }

    public String text() {
      return call + ' ' + inFlightUntil + ' ' + coolingUntil;
    }

    /** Returns how long the map has to keep the entry. It includes a tick of the map's clock. */
    public long timeToLive(long now) {
      return Math.max(inFlightUntil, coolingUntil) - now + CLOCK_TICK_MILLIS;
    }

    /** Returns whether a call of this node owns the entry. */
    public boolean isOf(String nodeId) {
      return call.startsWith(nodeId + '/');
    }
  }

  /**
   * Acquires a request id. The future fails with ALREADY_IN_PROGRESS or COOLING_DOWN if another
   * call has the request id, and with GUARD_UNAVAILABLE if the map does not answer in time.
   *
   * <p>If this node dies, no other node can detect whether the request was sent. So the entry then
   * stays until the deadline and the cooldown after it have passed.
   */
  public Future<Hold> acquire(String requestId, long millisToDeadline) {
    String call = nodeId + '/' + LAST_CALL.incrementAndGet();
    long deadline = System.currentTimeMillis() + millisToDeadline;
    Hold hold = new Hold(key(requestId), new Entry(call, deadline, deadline + cooldownMillis));
    Acquisition acquisition = new Acquisition(home.promise());
    limits.add(acquisition);
    map()
        .compose(map -> put(map, hold))
        .onComplete(
            (other, failure) -> {
              if (failure != null) {
                acquisition.acquired.tryFail(unavailable("failed", failure));
                release(hold); // the map may have the entry although its answer was lost
              } else if (other != null && !other.equals(hold.entry.text())) {
                acquisition.acquired.tryFail(refusal(Entry.parse(other)));
              } else if (!acquisition.acquired.tryComplete(hold)) {
                release(hold); // the call no longer waits for it
              }
            });
    return acquisition.acquired.future().onComplete(done -> acquisition.cancel());
  }

  /**
   * Puts the entry into the map and returns null. If another entry is there, returns that entry. A
   * cooldown of this node whose time is over is replaced. A cooldown of another node lasts until
   * the map removes it, since the clock of that node may be behind.
   */
  private Future<String> put(AsyncMap<String, String> map, Hold hold) {
    long now = System.currentTimeMillis();
    String text = hold.entry.text();
    long timeToLive = hold.entry.timeToLive(now);
    return map.putIfAbsent(hold.key, text, timeToLive)
        .compose(
            other -> {
              Entry found = other == null ? null : Entry.parse(other);
              return found != null
                      && found.isOf(nodeId)
                      && found.inFlightUntil == 0
                      && found.coolingUntil <= now
                  ? map.removeIfPresent(hold.key, other)
                      .compose(removed -> map.putIfAbsent(hold.key, text, timeToLive))
                  : Future.succeededFuture(other);
            });
  }

  private ResendException refusal(Entry other) {
    long now = System.currentTimeMillis();
    if (other.inFlightUntil >= now || other.coolingUntil <= other.inFlightUntil) {
      return new ResendException(
          ResendFailure.ALREADY_IN_PROGRESS,
          "Another call in the cluster has this request id in flight");
    }
    long delay = other.isOf(nodeId) ? 0 : MAP_DELAY_MILLIS;
    // the clock of the other node may be ahead or behind; the map has its own clock
    long rest = other.coolingUntil > now ? other.coolingUntil - now + delay : CLOCK_TICK_MILLIS;
    return Cooldowns.coolingDown(
        Duration.ofMillis(cooldownMillis == 0 ? rest : Math.min(rest, cooldownMillis + delay)));
  }

  /**
   * Begins the cooldown of the entry, because the request was or may have been sent.
   *
   * @param isInFlight whether the service may still be working on the request
   */
  public Future<Void> coolDown(Hold hold, Duration rest, boolean isInFlight) {
    long now = System.currentTimeMillis();
    Entry entry =
        new Entry(
            hold.entry.call, isInFlight ? hold.entry.inFlightUntil : 0, now + rest.toMillis());
    return map().compose(map -> map.put(hold.key, entry.text(), entry.timeToLive(now)));
  }

  /** A call that waits for the map's answer. */
  private static final class Acquisition extends DeadlineQueue.Entry {
    private final Promise<Hold> acquired;

    Acquisition(Promise<Hold> acquired) {
      this.acquired = acquired;
    }

    @Override
    public void expire() {
      acquired.tryFail(unavailable("did not answer in time", null));
    }
  }

  public void close() {
    limits.close();
  }

  /** Removes the entry, unless it has expired and another call owns the key now. */
  public Future<Void> release(Hold hold) {
    return map().compose(map -> map.removeIfPresent(hold.key, hold.entry.text())).mapEmpty();
  }

  /**
   * Returns the cluster-wide map. The future also fails if the cluster manager throws, as it does
   * after its shutdown.
   */
  private Future<AsyncMap<String, String>> map() {
    return Future.succeededFuture().compose(v -> vertx.sharedData().getClusterWideMap(MAP));
  }

  public static ResendException unavailable(String what, @Nullable Throwable cause) {
    return Failures.of(
        ResendFailure.GUARD_UNAVAILABLE, "The cluster-wide map of calls in flight " + what, cause);
  }

  /** Hashes the id, so that the map shows no request id. */
  private String key(String requestId) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest((service + '\n' + requestId).getBytes(UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java platform has SHA-256
    }
  }
}
