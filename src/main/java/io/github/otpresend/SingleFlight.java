// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.Future;
import io.vertx.core.shareddata.Shareable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/** At most one call at a time for a key; whoever comes meanwhile shares it. */
final class SingleFlight<T> implements Shareable {
  private final ConcurrentMap<String, Future<T>> flights = new ConcurrentHashMap<>();

  /**
   * Returns the call that is in flight for this key, or null if there was none: then the given one
   * is, until it completes, and is to be started.
   */
  @Nullable Future<T> enter(String key, Future<T> call) {
    Future<T> running = flights.putIfAbsent(key, call);
    if (running == null) {
      call.onComplete((result, failure) -> flights.remove(key, call));
    }
    return running;
  }
}
