// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.vertx.core.Future;
import io.vertx.core.shareddata.AsyncMap;
import java.lang.reflect.Proxy;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A cluster-wide map: each operation is one step on the map, at any time after the call, and its
 * answer comes at any time after that, or never. As with Hazelcast, the clock that expires entries
 * has whole seconds.
 */
final class SimulatedMap extends SimulatedStore {
  SimulatedMap(Simulation simulation) {
    super(simulation);
  }

  @Override
  SharedClaims claims(SimulatedNode node, String nodeId) {
    AsyncMap<String, String> map = of(node);
    return new ClusterClaims(() -> Future.succeededFuture(map), nodeId, "service", node);
  }

  @Override
  long clock() {
    return simulation.now() / Schedule.SECOND * Schedule.SECOND;
  }

  /** Returns the map as a node sees it. It has the operations that the claims use. */
  @SuppressWarnings("unchecked")
  private AsyncMap<String, String> of(SimulatedNode node) {
    return (AsyncMap<String, String>)
        Proxy.newProxyInstance(
            AsyncMap.class.getClassLoader(),
            new Class<?>[] {AsyncMap.class},
            (proxy, method, arguments) -> {
              String key = (String) arguments[0];
              return switch (method.getName()) {
                case "putIfAbsent" -> putIfAbsent(node, key, arguments);
                case "get" -> node.operation("get", () -> get(key));
                case "removeIfPresent" -> removeIfPresent(node, key, (String) arguments[1]);
                default -> throw new UnsupportedOperationException(method.toString());
              };
            });
  }

  private Future<@Nullable String> putIfAbsent(SimulatedNode node, String key, Object[] arguments) {
    String value = (String) arguments[1];
    long timeToLive = (Long) arguments[2] * Schedule.MILLI;
    boolean isCooling = key.endsWith("/cooling");
    return node.operation(
        isCooling ? "cool" : "claim",
        () -> {
          String written = key;
          if (isCooling && simulation.bug == Bug.LATE_OWNER_WRITES) {
            written = key.substring(0, key.indexOf('/'));
            remove(written);
          } else if (isCooling && simulation.bug == Bug.COOLDOWN_IS_SHORTENED) {
            remove(key);
          }
          String other = get(written);
          if (other == null) {
            put(written, value, timeToLive);
          }
          return other;
        });
  }

  private Future<Boolean> removeIfPresent(SimulatedNode node, String key, String value) {
    return node.operation(
        key.endsWith("/cooling") ? "remove cooldown" : "release",
        () -> {
          boolean isSame = Objects.equals(get(key), value);
          if (isSame || simulation.bug == Bug.RELEASE_OF_OTHERS) {
            remove(key);
          }
          return isSame;
        });
  }
}
