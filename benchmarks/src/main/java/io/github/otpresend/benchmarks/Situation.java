// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What the contenders of one table do. The ratios of the table divide its first contender by each
 * other one.
 *
 * @param warmUp the number of turns before those that are measured
 * @param turns the number of turns that are measured
 * @param turnMillis the length of a turn that is measured
 */
record Situation(
    String title, List<Competitor> competitors, int warmUp, int turns, int turnMillis) {
  /** A contender, and its load. The rate is in calls per second; 0 for a constant number. */
  record Competitor(
      Contenders contender, Answer answer, boolean isTls, int connections, int waiting, int rate) {
    String title() {
      return waiting == 0
          ? contender.title
          : String.format(Locale.ROOT, "%s, %,d waiting", contender.title, waiting);
    }
  }

  static final String MAIN = inFlight(Answer.SUCCESS, 64);
  static final String WAITING = "201, 64 connections and calls that wait for one";
  static final String TLS = MAIN + ", TLS";
  static final String REDIS = MAIN + ", claims in Redis";
  static final String CLUSTER = MAIN + ", across a cluster";

  private static final List<Contenders> FIELD =
      List.of(
          Contenders.DIRECT,
          Contenders.BASE,
          Contenders.WEB_CLIENT,
          Contenders.HTTP_CLIENT,
          Contenders.ASYNC_HTTP_CLIENT);

  static String inFlight(Answer answer, int connections) {
    return answer.title + ", " + connections + " in flight";
  }

  static String atRate(int rate) {
    return String.format(Locale.ROOT, "201, %,d calls a second", rate);
  }

  /** Returns the situations of the whole run. */
  static List<Situation> full() {
    List<Contenders> all = new ArrayList<>(List.of(Contenders.values()));
    all.removeAll(CLUSTERED);
    all.removeAll(WITH_REDIS);
    return situations(all, true);
  }

  /** Returns the situations of the short run. */
  static List<Situation> brief() {
    List<Contenders> main = new ArrayList<>(FIELD);
    main.add(Contenders.EVENT_BUS);
    return situations(main, false);
  }

  /**
   * Returns one turn of each contender and of each kind of load. No client is warm, so the rate is
   * one that a cold client holds, and all calls of a turn may wait.
   */
  static List<Situation> smoke() {
    Set<String> leftOut =
        Set.of(
            inFlight(Answer.SUCCESS, 1),
            inFlight(Answer.SUCCESS, 1_024),
            WAITING,
            atRate(1_000),
            atRate(10_000));
    return Stream.concat(full().stream(), Stream.of(open(100)))
        .filter(situation -> !leftOut.contains(situation.title))
        .map(
            situation ->
                new Situation(
                    situation.title,
                    situation.competitors,
                    0,
                    1,
                    Math.min(situation.turnMillis, 1_000)))
        .toList();
  }

  private static final List<Contenders> CLUSTERED =
      List.of(Contenders.CLUSTER_BARE, Contenders.CLUSTER_UNGUARDED, Contenders.CLUSTER);

  private static final List<Contenders> WITH_REDIS =
      List.of(Contenders.REDIS, Contenders.REDIS_BARE);

  private static List<Situation> situations(List<Contenders> main, boolean isFull) {
    List<Situation> situations = new ArrayList<>();
    situations.add(closed(MAIN, main, Answer.SUCCESS, false, 64));
    for (int inFlight : new int[] {1, 1_024}) {
      String title = inFlight(Answer.SUCCESS, inFlight);
      situations.add(closed(title, FIELD, Answer.SUCCESS, false, inFlight));
    }
    String refused = inFlight(Answer.REFUSED, 64);
    situations.add(closed(refused, FIELD, Answer.REFUSED, false, 64));
    situations.add(waiting());
    if (isFull) {
      situations.add(closed(TLS, FIELD, Answer.SUCCESS, true, 64));
      List<Contenders> redis = new ArrayList<>(WITH_REDIS);
      redis.add(Contenders.DIRECT);
      situations.add(closed(REDIS, redis, Answer.SUCCESS, false, 64));
      situations.add(closed(CLUSTER, CLUSTERED, Answer.SUCCESS, false, 64));
      situations.add(open(1_000));
      situations.add(open(10_000));
    }
    return situations;
  }

  /** A constant number of calls in flight. */
  private static Situation closed(
      String title, List<Contenders> contenders, Answer answer, boolean isTls, int inFlight) {
    List<Competitor> competitors =
        present(contenders)
            .map(contender -> new Competitor(contender, answer, isTls, inFlight, 0, 0))
            .toList();
    // the code of a refusal is compiled later than that of a success
    return new Situation(title, competitors, answer == Answer.REFUSED ? 12 : 8, 20, 200);
  }

  private static Situation waiting() {
    List<Competitor> competitors =
        Stream.of(1, 100_000)
            .map(calls -> new Competitor(Contenders.DIRECT, Answer.SUCCESS, false, 64, calls, 0))
            .toList();
    return new Situation(WAITING, competitors, 4, 6, 2_500);
  }

  private static Situation open(int rate) {
    List<Competitor> competitors =
        Stream.of(Contenders.DIRECT, Contenders.WEB_CLIENT, Contenders.ASYNC_HTTP_CLIENT)
            .map(contender -> new Competitor(contender, Answer.SUCCESS, false, 64, 0, rate))
            .toList();
    return new Situation(atRate(rate), competitors, 4, 4, 2_500);
  }

  private static Stream<Contenders> present(List<Contenders> contenders) {
    return contenders.stream()
        .filter(contender -> contender != Contenders.BASE || Comparison.hasBase());
  }
}
