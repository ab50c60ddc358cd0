// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The entries of a store, each with a time to live. */
abstract class SimulatedStore {
  private record Entry(String value, long end) {}

  final Simulation simulation;
  private final Map<String, Entry> entries = new HashMap<>();

  SimulatedStore(Simulation simulation) {
    this.simulation = simulation;
  }

  /** Returns the claims that a node keeps in this store. */
  abstract SharedClaims claims(SimulatedNode node, String nodeId);

  /** Returns the time by the clock that expires entries. */
  abstract long clock();

  final @Nullable String get(String key) {
    Entry entry = entries.get(key);
    return entry == null || entry.end <= clock() ? null : entry.value;
  }

  /** Returns the time that an entry has left. */
  final long left(String key) {
    Entry entry = entries.get(key);
    return entry == null ? 0 : Math.max(0, entry.end - clock());
  }

  final void put(String key, String value, long timeToLive) {
    entries.put(key, new Entry(value, clock() + timeToLive));
    simulation.kept(timeToLive);
  }

  final void remove(String key) {
    entries.remove(key);
  }

  final boolean isEmpty() {
    return entries.values().stream().allMatch(entry -> entry.end <= clock());
  }
}
