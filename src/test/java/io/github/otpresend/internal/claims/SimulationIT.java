// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import static io.github.otpresend.testing.Calls.await;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.internal.claims.Schedule.Event;
import io.github.otpresend.internal.claims.Schedule.Press;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The shared claims of two to five nodes in random schedules: delayed, lost and repeated operations
 * of the store, nodes that die or stand still, clocks that are wrong. {@code -Dschedules=1000000}
 * runs that many.
 */
class SimulationIT {
  private static final long SCHEDULES = Long.getLong("schedules", 100_000);
  private static final int THREADS = 2;

  private static final Vertx VERTX = Vertx.vertx();

  @AfterAll
  static void stop() {
    await(VERTX.close());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void no_schedule_breaks_a_promise(boolean isRedis) {
    Long seed = firstFailing(isRedis, Bug.NONE, SCHEDULES / 2);
    assertNull(seed, () -> story(isRedis, Bug.NONE, seed));
  }

  @ParameterizedTest
  @CsvSource({
    "false, LATE_OWNER_WRITES",
    "false, OWNERS_HAVE_ONE_NAME",
    "false, RELEASE_OF_OTHERS",
    "false, COOLDOWN_FROM_ANSWER",
    "false, COOLDOWN_IS_SHORTENED",
    "true, LATE_OWNER_WRITES",
    "true, OWNERS_HAVE_ONE_NAME",
    "true, RELEASE_OF_OTHERS",
    "true, COOLDOWN_FROM_ANSWER",
    "true, COOLDOWN_IS_SHORTENED"
  })
  void a_bug_is_found_within_ten_thousand_schedules(boolean isRedis, Bug bug) {
    Long seed = firstFailing(isRedis, bug, Math.min(10_000, SCHEDULES));
    assertNotNull(seed, "not found");
    String story = story(isRedis, bug, seed);
    System.out.println((isRedis ? "Redis, " : "map, ") + bug + ", " + story);
    assertTrue(story.lines().count() <= 12, "the story is long");
  }

  /** Returns the first seed whose schedule breaks a promise, or null. */
  private static @Nullable Long firstFailing(boolean isRedis, Bug bug, long count) {
    AtomicLong next = new AtomicLong();
    AtomicLong failing = new AtomicLong(count);
    List<CompletableFuture<Void>> threads =
        IntStream.range(0, THREADS)
            .mapToObj(
                thread ->
                    CompletableFuture.runAsync(
                        () -> {
                          for (long seed; (seed = next.getAndIncrement()) < failing.get(); ) {
                            if (violation(isRedis, bug, Schedule.random(seed)) != null) {
                              failing.accumulateAndGet(seed, Math::min);
                            }
                          }
                        }))
            .toList();
    threads.forEach(CompletableFuture::join);
    return failing.get() < count ? failing.get() : null;
  }

  private static @Nullable String violation(boolean isRedis, Bug bug, Schedule schedule) {
    return Simulation.run(VERTX, isRedis, bug, schedule, null);
  }

  /** Tells the shortest schedule that still breaks a promise. */
  private static String story(boolean isRedis, Bug bug, long seed) {
    Schedule shortest = shortened(isRedis, bug, Schedule.random(seed));
    List<String> lines = new ArrayList<>();
    String violation = Simulation.run(VERTX, isRedis, bug, shortest, lines);
    return "seed " + seed + ":\n" + String.join("\n", lines) + "\n=> " + violation;
  }

  private static Schedule shortened(boolean isRedis, Bug bug, Schedule schedule) {
    return simpler(schedule)
        .filter(candidate -> violation(isRedis, bug, candidate) != null)
        .findFirst()
        .map(found -> shortened(isRedis, bug, found))
        .orElse(schedule);
  }

  /** Returns the schedules that are one step simpler. */
  private static Stream<Schedule> simpler(Schedule schedule) {
    List<Event> events = schedule.events();
    Stream<Schedule> shorter =
        IntStream.range(0, events.size()).mapToObj(i -> with(schedule, i, null));
    Stream<Schedule> simpler =
        IntStream.range(0, events.size())
            .boxed()
            .flatMap(
                i ->
                    events.get(i) instanceof Press press
                        ? Stream.of(press.calm(), press.quick())
                            .filter(other -> !other.equals(press))
                            .map(other -> with(schedule, i, other))
                        : Stream.empty());
    return Stream.concat(shorter, simpler);
  }

  private static Schedule with(Schedule schedule, int i, @Nullable Event event) {
    List<Event> events = new ArrayList<>(schedule.events());
    if (event == null) {
      events.remove(i);
    } else {
      events.set(i, event);
    }
    return new Schedule(schedule.seed(), schedule.nodes(), events);
  }
}
