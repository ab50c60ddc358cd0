// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.nio.charset.StandardCharsets.UTF_8;

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
 * At most one call at a time for a request id in the whole cluster, by an entry in a cluster-wide
 * map. An entry that its holder does not release, since it died, or heard no answer and a code may
 * be on its way, expires with the deadline of the call, or up to a second or two after it.
 */
final class ClusterGuard {
  private static final String MAP = "io.github.otpresend";

  /** The tick of the clock that expires entries. Hazelcast's has whole seconds, rounded down. */
  private static final long CLOCK_TICK_MILLIS = 1_000;

  private static final AtomicLong HOLDS = new AtomicLong();

  private final ContextInternal home;
  private final VertxInternal vertx;
  private final String service;

  /** How long the map may take to answer. */
  private final DeadlineQueue<Acquisition> limits;

  /**
   * @param service names the service whose request ids are meant
   */
  ClusterGuard(ContextInternal home, String service, Duration timeout) {
    this.home = home;
    vertx = home.owner();
    this.service = service;
    limits = new DeadlineQueue<>(home, timeout);
  }

  /** The map entry that a call owns. */
  record Hold(String key, String holder) {}

  /**
   * Takes hold of a request id. The future fails with ALREADY_IN_PROGRESS if another call has it,
   * and with GUARD_UNAVAILABLE if the map does not say so in time.
   */
  Future<Hold> acquire(String requestId, long millisToDeadline) {
    Hold hold =
        new Hold(
            key(requestId), vertx.clusterManager().getNodeId() + '/' + HOLDS.incrementAndGet());
    Acquisition acquisition = new Acquisition(home.promise());
    limits.add(acquisition);
    map()
        .compose(
            map -> map.putIfAbsent(hold.key, hold.holder, millisToDeadline + CLOCK_TICK_MILLIS))
        .onComplete(
            (other, failure) -> {
              if (failure != null) {
                acquisition.acquired.tryFail(unavailable("failed", failure));
                release(hold); // its answer may have been lost, and not the entry
              } else if (other != null && !other.equals(hold.holder)) {
                acquisition.acquired.tryFail(
                    new ResendException(
                        ResendFailure.ALREADY_IN_PROGRESS,
                        "Another call in the cluster has this request id in flight"));
              } else if (!acquisition.acquired.tryComplete(hold)) {
                release(hold); // nobody waits for it any more
              }
            });
    return acquisition.acquired.future().onComplete(done -> acquisition.cancel());
  }

  /** What a call waits for until the map answers. */
  private static final class Acquisition extends DeadlineQueue.Entry {
    private final Promise<Hold> acquired;

    Acquisition(Promise<Hold> acquired) {
      this.acquired = acquired;
    }

    @Override
    void expire() {
      acquired.tryFail(unavailable("did not answer in time", null));
    }
  }

  void close() {
    limits.close();
  }

  /** Removes the entry, unless it has expired and is another call's by now. */
  Future<Void> release(Hold hold) {
    return map().compose(map -> map.removeIfPresent(hold.key, hold.holder)).mapEmpty();
  }

  /** A failed future also where the cluster manager throws, as one does that has shut down. */
  private Future<AsyncMap<String, String>> map() {
    return Future.succeededFuture().compose(v -> vertx.sharedData().getClusterWideMap(MAP));
  }

  static ResendException unavailable(String what, @Nullable Throwable cause) {
    return new ResendException(
        ResendFailure.GUARD_UNAVAILABLE, "The cluster-wide map of calls in flight " + what, cause);
  }

  /** Hashes the id, so that the map shows no request id. */
  private String key(String requestId) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest((service + '\n' + requestId).getBytes(UTF_8));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java platform has it
    }
  }
}
