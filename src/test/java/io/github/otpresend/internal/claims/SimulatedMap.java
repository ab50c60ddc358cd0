// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.vertx.core.Future;
import io.vertx.core.shareddata.AsyncMap;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A cluster-wide map: each operation is one step on the map, at any time after the call, and its
 * answer comes at any time after that, or never. As with Hazelcast, the clock that expires entries
 * has whole seconds.
 */
final class SimulatedMap {
  private record Entry(String value, long end) {}

  private final Simulation simulation;
  private final Map<String, Entry> entries = new HashMap<>();

  SimulatedMap(Simulation simulation) {
    this.simulation = simulation;
  }

  /** Returns the map as a node sees it. It has the operations that the claims use. */
  @SuppressWarnings("unchecked")
  AsyncMap<String, String> of(SimulatedNode node) {
    return (AsyncMap<String, String>)
        Proxy.newProxyInstance(
            AsyncMap.class.getClassLoader(),
            new Class<?>[] {AsyncMap.class},
            (proxy, method, arguments) -> {
              String key = (String) arguments[0];
              return switch (method.getName()) {
                case "putIfAbsent" -> putIfAbsent(node, key, arguments);
                case "get" -> node.operation("get", () -> value(key));
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
            entries.remove(written);
          } else if (isCooling && simulation.bug == Bug.COOLDOWN_IS_SHORTENED) {
            entries.remove(key);
          }
          String other = value(written);
          if (other == null) {
            entries.put(written, new Entry(value, second() + timeToLive));
            simulation.kept(timeToLive);
          }
          return other;
        });
  }

  private Future<Boolean> removeIfPresent(SimulatedNode node, String key, String value) {
    return node.operation(
        key.endsWith("/cooling") ? "remove cooldown" : "release",
        () -> {
          boolean isSame = Objects.equals(value(key), value);
          if (isSame || simulation.bug == Bug.RELEASE_OF_OTHERS) {
            entries.remove(key);
          }
          return isSame;
        });
  }

  private @Nullable String value(String key) {
    Entry entry = entries.get(key);
    if (entry != null && entry.end <= second()) {
      entries.remove(key);
      return null;
    }
    return entry == null ? null : entry.value;
  }

  private long second() {
    return simulation.now() / Schedule.SECOND * Schedule.SECOND;
  }

  boolean isEmpty() {
    return entries.values().stream().allMatch(entry -> entry.end <= second());
  }
}
