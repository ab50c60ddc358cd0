// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.bus;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.shareddata.LocalMap;
import io.vertx.core.spi.cluster.ClusterManager;
import io.vertx.core.spi.cluster.RegistrationInfo;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.stream.Stream;

/**
 * The way in which a node leaves an address without losing a message. A consumer that unregisters
 * stops serving at once, but other nodes still send to it for a short time. Such a message gets no
 * answer, and its sender waits until the deadline. So the last adapter of a node first removes the
 * node from the cluster's list of that address. The adapter goes on serving until no message has
 * come for a while. Any other consumer of that address on this node leaves the list too.
 */
public final class Departure {
  private static final String ADAPTERS = "io.github.otpresend.adapters";
  private static final long QUIET_MILLIS = 500;

  /** The limit of the wait, in case another node goes on sending despite the list. */
  private static final int MAX_ROUNDS = 10;

  private Departure() {}

  /** Adds an adapter of this node to the count. */
  public static void arrived(VertxInternal vertx, String address) {
    adapters(vertx).merge(address, 1, Integer::sum);
  }

  /** Removes an adapter from the count. Returns whether it was the last adapter of the address. */
  public static boolean withdrawn(VertxInternal vertx, String address) {
    return adapters(vertx)
            .compute(address, (key, count) -> count == null || count == 1 ? null : count - 1)
        == null;
  }

  /**
   * Removes this node from the list of the address, unless no other node can have it. Returns a
   * future that completes when the last adapter of the address may stop serving.
   *
   * @param messages returns how many messages have come since the adapter began to leave
   */
  public static Future<Void> ofLast(VertxInternal vertx, String address, IntSupplier messages) {
    return vertx.isClustered()
        ? unlist(vertx, address).transform(done -> untilQuiet(vertx, messages, MAX_ROUNDS))
        : Future.succeededFuture();
  }

  private static Future<Void> untilQuiet(VertxInternal vertx, IntSupplier messages, int rounds) {
    int before = messages.getAsInt();
    return vertx
        .timer(QUIET_MILLIS, TimeUnit.MILLISECONDS)
        .compose(
            passed ->
                messages.getAsInt() == before || rounds == 1
                    ? Future.succeededFuture()
                    : untilQuiet(vertx, messages, rounds - 1));
  }

  private static LocalMap<String, Integer> adapters(VertxInternal vertx) {
    return vertx.sharedData().getLocalMap(ADAPTERS);
  }

  private static Future<?> unlist(VertxInternal vertx, String address) {
    ClusterManager cluster = vertx.clusterManager();
    return Future.succeededFuture()
        .compose( // compose catches what a cluster manager throws
            v -> {
              Promise<List<RegistrationInfo>> listed = Promise.promise();
              cluster.getRegistrations(address, listed);
              return listed.future();
            })
        .compose(
            nodes ->
                Future.join(
                    Stream.ofNullable(nodes)
                        .flatMap(List::stream)
                        .filter(node -> node.nodeId().equals(cluster.getNodeId()))
                        .filter(node -> !adapters(vertx).containsKey(address)) // one has come back
                        .map(
                            node -> {
                              Promise<Void> removed = Promise.promise();
                              cluster.removeRegistration(address, node, removed);
                              return removed.future();
                            })
                        .toList()));
  }
}
