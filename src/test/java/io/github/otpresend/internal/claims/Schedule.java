// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * What happens in one simulation: the nodes, and the events in order of time. The seed decides what
 * the events leave open, such as the delays of the store. All times are in nanoseconds.
 */
record Schedule(long seed, List<NodeSettings> nodes, List<Event> events) {
  static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);
  static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  static final long DAY = TimeUnit.DAYS.toNanos(1);

  /**
   * The settings of a node.
   *
   * @param clockAhead how much its wall clock is ahead
   * @param drift how much faster its wall clock is than the true time
   */
  record NodeSettings(
      Duration timeout,
      Duration cooldown,
      boolean singleFlight,
      long nanoTime,
      long clockAhead,
      double drift) {
    /** Returns how long a claim lives that nobody settles. */
    long life() {
      return timeout.plus(cooldown).toNanos();
    }
  }

  /** Something that happens to a node. */
  sealed interface Event {
    long at();

    int node();
  }

  /** What the service makes of a request. */
  enum Answer {
    SUCCESS,
    REFUSED,
    /** A 401, after which the call sends again with another token. */
    UNAUTHORIZED,
    CONNECTION_LOST,
    NONE
  }

  /**
   * A call.
   *
   * @param work how long it takes to get a token and a connection
   * @param answerAfter how long the service takes
   * @param isCalm whether the store answers each operation of the call at once
   */
  record Press(
      long at, int node, int id, long work, Answer answer, long answerAfter, boolean isCalm)
      implements Event {
    Press calm() {
      return new Press(at, node, id, work, answer, answerAfter, true);
    }

    Press quick() {
      return new Press(at, node, id, 0, answer, MILLI, isCalm);
    }
  }

  /** A node stands still for a time. Its clocks go on. */
  record Pause(long at, int node, long time) implements Event {}

  /** A node dies, and another takes its place. */
  record Death(long at, int node) implements Event {}

  /** The wall clock of a node is set. */
  record Step(long at, int node, long ahead) implements Event {}

  static Schedule random(long seed) {
    return new Generator(seed).schedule();
  }

  /** Returns the longest time for which a store may keep anything. */
  long longestTimeToLive() {
    return nodes.stream().mapToLong(NodeSettings::life).max().orElseThrow() + 2 * SECOND;
  }

  private static final class Generator {
    private final long seed;
    private final SplittableRandom random;
    private final List<NodeSettings> nodes;
    private final int ids;
    private final List<Event> events = new ArrayList<>();
    private long now;

    Generator(long seed) {
      this.seed = seed;
      random = new SplittableRandom(seed);
      NodeSettings first = settings();
      boolean isUniform = random.nextInt(10) < 7;
      nodes =
          IntStream.range(0, random.nextInt(2, 6))
              .mapToObj(i -> clocks(isUniform ? first : settings()))
              .toList();
      ids = random.nextInt(4) == 0 ? 2 : 1;
    }

    Schedule schedule() {
      for (int scenes = random.nextInt(1, 5); scenes > 0; scenes--) {
        int node = random.nextInt(nodes.size());
        now += gap(node);
        switch (random.nextInt(8)) {
          case 0 -> events.add(new Death(now, node));
          case 1 -> events.add(new Step(now, node, random.nextLong(-DAY, DAY)));
          case 2 -> events.add(new Pause(now, node, random.nextLong(life(node))));
          case 3, 4 -> {
            standStill(node);
            presses(random.nextInt(1, 8));
          }
          default -> presses(random.nextInt(1, 8));
        }
      }
      return new Schedule(seed, nodes, List.copyOf(events));
    }

    /** A node stands still during a call, for about as long as its claim lives. */
    private void standStill(int node) {
      events.add(press(node).calm());
      now += random.nextLong(20 * MILLI);
      events.add(new Pause(now, node, life(node) + random.nextLong(-SECOND, 5 * SECOND)));
      now += life(node) + random.nextLong(3 * SECOND);
    }

    /** Somebody presses several times, and reaches any node. */
    private void presses(int times) {
      for (; times > 0; times--) {
        int node = random.nextInt(nodes.size());
        events.add(press(node));
        now += random.nextInt(4) > 0 ? random.nextLong(2 * SECOND) : gap(node);
      }
    }

    private NodeSettings settings() {
      long[] timeouts = {SECOND, 2 * SECOND, 10 * SECOND};
      long[] cooldowns = {
        0, 0, SECOND / 2, SECOND, 3 * SECOND, 5 * SECOND, 5 * SECOND, 30 * SECOND, DAY
      };
      return new NodeSettings(
          Duration.ofNanos(timeouts[random.nextInt(timeouts.length)]),
          Duration.ofNanos(cooldowns[random.nextInt(cooldowns.length)]),
          random.nextBoolean(),
          0,
          0,
          0);
    }

    private NodeSettings clocks(NodeSettings settings) {
      boolean isTrue = random.nextBoolean();
      return new NodeSettings(
          settings.timeout,
          settings.cooldown,
          settings.singleFlight,
          random.nextInt(4) == 0 ? Long.MAX_VALUE - random.nextLong(DAY) : random.nextLong(),
          isTrue ? 0 : random.nextLong(-DAY, DAY),
          isTrue ? 0 : random.nextDouble(-0.001, 0.001));
    }

    /** Returns how long a claim of a node lives that nobody settles. */
    private long life(int node) {
      return nodes.get(node).life();
    }

    private Press press(int node) {
      long timeout = nodes.get(node).timeout.toNanos();
      Answer[] answers = {
        Answer.SUCCESS,
        Answer.SUCCESS,
        Answer.REFUSED,
        Answer.REFUSED,
        Answer.UNAUTHORIZED,
        Answer.CONNECTION_LOST,
        Answer.NONE,
        Answer.NONE
      };
      long work =
          switch (random.nextInt(5)) {
            case 0 -> random.nextLong(timeout);
            case 1 -> timeout - random.nextLong(5 * MILLI);
            default -> 0;
          };
      return new Press(
          now,
          node,
          random.nextInt(ids),
          work,
          answers[random.nextInt(answers.length)],
          random.nextLong(random.nextBoolean() ? 10 * MILLI : timeout),
          random.nextBoolean());
    }

    /** Returns the time to the next event: short, or about as long as something lasts. */
    private long gap(int node) {
      long timeout = nodes.get(node).timeout.toNanos();
      long cooldown = nodes.get(node).cooldown.toNanos();
      long gap =
          switch (random.nextInt(9)) {
            case 0 -> 0;
            case 1, 2 -> random.nextLong(20 * MILLI);
            case 3, 4 -> random.nextLong(timeout);
            case 5 -> timeout + random.nextLong(-50 * MILLI, 50 * MILLI);
            case 6 -> cooldown + random.nextLong(-SECOND, SECOND);
            case 7 -> life(node) + random.nextLong(2 * SECOND);
            default -> random.nextLong(life(node));
          };
      return Math.max(0, gap);
    }
  }
}
