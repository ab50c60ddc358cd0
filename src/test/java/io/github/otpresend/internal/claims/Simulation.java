// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import static io.github.otpresend.internal.claims.Schedule.MILLI;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.Outcome;
import io.github.otpresend.internal.claims.Schedule.Death;
import io.github.otpresend.internal.claims.Schedule.Event;
import io.github.otpresend.internal.claims.Schedule.Pause;
import io.github.otpresend.internal.claims.Schedule.Press;
import io.github.otpresend.internal.claims.Schedule.Step;
import io.vertx.core.Vertx;
import io.vertx.core.shareddata.LocalMap;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A run of a schedule in virtual time, in one thread, and what has to be true after each step. The
 * claims and the protocol of the store are the real ones; nodes, store and service are simulated.
 */
final class Simulation {
  /** A promise that a step has broken. */
  static final class Violation extends RuntimeException {
    private static final long serialVersionUID = 1;

    Violation(String message) {
      super(message, null, false, false);
    }
  }

  /**
   * A task.
   *
   * @param call the call for which it runs; null if it runs for none
   */
  private record Task(long at, long order, @Nullable SimulatedCall call, Runnable task)
      implements Comparable<Task> {
    @Override
    public int compareTo(Task other) {
      int byTime = Long.compare(at, other.at);
      return byTime == 0 ? Long.compare(order, other.order) : byTime;
    }
  }

  final Vertx vertx;
  final Bug bug;
  final SimulatedStore store;
  private final Schedule schedule;
  private final List<LocalMap<?, ?>> localMaps = new ArrayList<>();
  private final List<SimulatedNode> nodes = new ArrayList<>();
  private final List<SimulatedCall> calls = new ArrayList<>();
  private final PriorityQueue<Task> tasks = new PriorityQueue<>();
  private final @Nullable List<String> story;
  private final SplittableRandom random;
  private long tasksSoFar;
  private long now;
  private @Nullable SimulatedCall current;

  private Simulation(
      Vertx vertx, boolean isRedis, Bug bug, Schedule schedule, @Nullable List<String> story) {
    this.vertx = vertx;
    this.bug = bug;
    this.schedule = schedule;
    this.story = story;
    random = new SplittableRandom(schedule.seed());
    store = isRedis ? new SimulatedRedis(this) : new SimulatedMap(this);
    for (int i = 0; i < schedule.nodes().size(); i++) {
      nodes.add(new SimulatedNode(this, i + 1, schedule.nodes().get(i)));
    }
  }

  /**
   * Runs a schedule. Returns the promise that it has broken, or null.
   *
   * @param isRedis whether the store is Redis; else it is a cluster-wide map
   * @param story receives what happened, a line each; may be null
   */
  static @Nullable String run(
      Vertx vertx, boolean isRedis, Bug bug, Schedule schedule, @Nullable List<String> story) {
    Simulation simulation = new Simulation(vertx, isRedis, bug, schedule, story);
    try {
      simulation.run();
      return null;
    } catch (Violation violation) {
      return violation.getMessage();
    } finally {
      simulation.localMaps.forEach(LocalMap::close);
    }
  }

  /** Remembers the local maps of a node, so that they are removed after the run. */
  void localClaims(String service) {
    localMaps.add(vertx.sharedData().getLocalMap("io.github.otpresend " + service));
    localMaps.add(vertx.sharedData().getLocalMap("io.github.otpresend.cooldowns " + service));
  }

  private void run() {
    schedule.events().forEach(event -> at(event.at(), () -> happens(event)));
    runTasks();
    calls.forEach(
        call -> check(call.hasEnded() || !call.isAlive(), () -> call + " has no outcome"));
    // after the longest time to live, nothing is left, and each request id is free
    SimulatedNode node = nodes.get(0);
    now = node.awakeAt(now) + schedule.longestTimeToLive();
    check(store.isEmpty(), () -> "something is left in the store");
    int before = calls.size();
    for (int id = 0; id < 2; id++) {
      Press press = new Press(now, 0, id, 0, Schedule.Answer.SUCCESS, MILLI, true);
      at(now, () -> begin(node, press));
    }
    runTasks();
    calls
        .subList(before, calls.size())
        .forEach(call -> check(call.sentAt >= 0, () -> call.id + " is refused for ever"));
  }

  private void runTasks() {
    Task next;
    while ((next = tasks.poll()) != null) {
      now = next.at;
      current = next.call;
      next.task.run();
    }
    current = null;
  }

  private void happens(Event event) {
    SimulatedNode node = nodes.get(event.node());
    if (event instanceof Press press) {
      node.guarded(() -> begin(node, press)).run();
    } else if (event instanceof Pause pause) {
      tell(node, () -> "stands still for " + time(pause.time()));
      node.pause(pause.time());
    } else if (event instanceof Death) {
      tell(node, () -> "dies, and begins again");
      node.die();
    } else if (event instanceof Step step) {
      tell(node, () -> "has its clock set by " + time(step.ahead()));
      node.step(step.ahead());
    }
  }

  /** Runs a task at a time, for the call that runs now. */
  void at(long time, Runnable task) {
    tasks.add(new Task(Math.max(time, now), tasksSoFar++, current, task));
  }

  long now() {
    return now;
  }

  /**
   * Returns the random numbers of the call that runs now, so that other events do not change them.
   */
  SplittableRandom random() {
    return current == null ? random : current.random;
  }

  boolean isCalm() {
    return current == null || current.press.isCalm();
  }

  // ---- what a call does, and what has to be true then

  private void begin(SimulatedNode node, Press press) {
    SimulatedCall call = new SimulatedCall(this, node, press, calls.size() + 1, schedule.seed());
    call.isAlone = calls.stream().noneMatch(other -> other.isWith(call) && !other.hasEnded());
    calls.add(call);
    current = call;
    tell(
        node,
        () ->
            "begins %s for %s, timeout %s, cooldown %s"
                .formatted(call, call.id, node.settings.timeout(), node.settings.cooldown()));
    call.begin();
  }

  /** Counts an operation of the store for the call that runs now. */
  void countOperation() {
    if (current != null) {
      current.operations++;
    }
  }

  void sends(SimulatedCall call) {
    tell(call.node, () -> call + " sends " + call.id);
    for (SimulatedCall other : calls) {
      if (other != call && other.sentAt >= 0 && other.id.equals(call.id)) {
        long left = other.excludesUntil() - now;
        check(
            left <= 0,
            () -> call + " sends although " + other + " excludes that for " + time(left));
      }
    }
  }

  void ended(SimulatedCall call, Outcome outcome) {
    ResendException failure = outcome.failure();
    tell(call.node, () -> call + " ends: " + (failure == null ? "success" : failure.failure()));
    check(
        now <= call.node.awakeAt(call.deadline),
        () -> call + " ends " + time(now - call.deadline) + " after its deadline");
    if (failure != null
        && failure.failure() == ResendFailure.COOLING_DOWN
        && call.isAlone
        && call.operations == 0) {
      checkLocalCooldown(call, failure.retryAfter().orElseThrow());
    }
  }

  /** A refusal by the node itself is right to the millisecond. */
  private void checkLocalCooldown(SimulatedCall call, Duration retryAfter) {
    long left =
        calls.stream()
            .filter(other -> other.isWith(call) && other.sentAt >= 0)
            .filter(other -> other.outcome == null || other.outcome.maybeSent())
            .mapToLong(other -> other.sentAt + other.node.settings.cooldown().toNanos() - now)
            .max()
            .orElse(0);
    check(
        retryAfter.toNanos() - left >= 0 && retryAfter.toNanos() - left < MILLI,
        () -> call + " is refused for " + retryAfter + ", though " + time(left) + " are left");
  }

  /** The store keeps an entry for a time. */
  void kept(long timeToLive) {
    check(
        timeToLive <= schedule.longestTimeToLive(),
        () -> "the store keeps an entry for " + time(timeToLive));
  }

  private static void check(boolean good, Supplier<String> violation) {
    if (!good) {
      throw new Violation(violation.get());
    }
  }

  void tell(SimulatedNode node, Supplier<String> what) {
    if (story != null) {
      story.add(time(now) + ' ' + node.name + ": " + what.get());
    }
  }

  private static String time(long nanos) {
    return String.format(Locale.ROOT, "%.3f s", nanos / 1e9);
  }
}
