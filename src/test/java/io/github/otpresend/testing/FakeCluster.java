// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import io.vertx.core.Completable;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.shareddata.AsyncMap;
import io.vertx.core.spi.cluster.ClusterManager;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A cluster-wide map in this JVM, and nodes that share it and nothing else. A test can delay each
 * operation, or only its answer.
 */
public final class FakeCluster {
  /** The values of the map. An entry that has expired is still here until an operation meets it. */
  private final Map<String, Entry> entries = new ConcurrentHashMap<>();

  /** Delays an operation of the map, by its name. */
  private volatile Function<String, Future<Void>> before = operation -> Future.succeededFuture();

  /** Delays the answer of an operation that is done already, by its name. */
  private volatile Function<String, Future<Void>> after = operation -> Future.succeededFuture();

  /** An entry of the map. */
  public record Entry(String value, long timeToLive, long end) {}

  /** Starts a node. */
  public Vertx join(String nodeId) {
    VertxOptions options = new VertxOptions();
    options.getEventBusOptions().setHost("localhost");
    return Calls.await(
        Vertx.builder()
            .with(options)
            .withClusterManager(
                proxy(ClusterManager.class, (method, args) -> cluster(nodeId, method, args)))
            .buildClustered());
  }

  /** Returns the entries that have not expired. */
  public Map<String, Entry> entries() {
    entries.values().removeIf(entry -> entry.end - System.nanoTime() <= 0);
    return Map.copyOf(entries);
  }

  /** Removes all entries. */
  public void removeEntries() {
    entries.clear();
  }

  /** Removes all entries and all delays. */
  public void clear() {
    entries.clear();
    before = operation -> Future.succeededFuture();
    after = operation -> Future.succeededFuture();
  }

  /** Puts an entry, as another node would. */
  public void put(String key, String value) {
    entries.put(key, new Entry(value, 60_000, System.nanoTime() + 60_000_000_000L));
  }

  public void delayOperations(Function<String, Future<Void>> delay) {
    before = delay;
  }

  public void delayAnswers(Function<String, Future<Void>> delay) {
    after = delay;
  }

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

  private @Nullable Object cluster(String nodeId, Method method, Object[] arguments) {
    switch (method.getName()) {
      case "getNodeId":
        return nodeId;
      case "getNodes":
        return List.of(nodeId);
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
        case "getAsyncMap" -> result.succeed(proxy(AsyncMap.class, this::map));
        case "getRegistrations" -> result.succeed(List.of());
        default -> result.succeed(null);
      }
    }
    return null;
  }

  private Object map(Method method, Object[] arguments) {
    String name = method.getName();
    return before
        .apply(name)
        .map(now -> operate(name, arguments))
        .compose(result -> after.apply(name).map(result));
  }

  private synchronized @Nullable Object operate(String name, Object[] arguments) {
    String key = (String) arguments[0];
    Entry found = entries().get(key);
    switch (name) {
      case "get":
        return found == null ? null : found.value;
      case "putIfAbsent":
        if (found == null) {
          long millis = (Long) arguments[2];
          Entry put =
              new Entry((String) arguments[1], millis, System.nanoTime() + millis * 1_000_000);
          entries.put(key, put);
          return null;
        }
        return found.value;
      case "removeIfPresent":
        return found != null && found.value.equals(arguments[1]) && entries.remove(key, found);
      default: // nothing else is conditional
        throw new UnsupportedOperationException(name);
    }
  }
}
