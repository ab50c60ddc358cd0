// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.github.otpresend.benchmarks.Results.Spread;
import java.util.List;
import java.util.Locale;
import java.util.NoSuchElementException;
import java.util.function.Function;

/**
 * A ratio that the library is to reach.
 *
 * @param limit the greatest ratio that reaches the aim
 */
record Aim(String title, double limit, Function<Results, Spread> ratio) {
  static List<Aim> all() {
    String one = Situation.inFlight(Answer.SUCCESS, 1);
    String many = Situation.inFlight(Answer.SUCCESS, 1_024);
    String refused = Situation.inFlight(Answer.REFUSED, 64);
    return List.of(
        cpu(Situation.MAIN, Contenders.WEB_CLIENT, 0.85),
        cpu(one, Contenders.HTTP_CLIENT, 1),
        cpu(Situation.MAIN, Contenders.HTTP_CLIENT, 1),
        cpu(many, Contenders.HTTP_CLIENT, 1),
        cpu(refused, Contenders.HTTP_CLIENT, 1),
        cpu(one, Contenders.ASYNC_HTTP_CLIENT, 1),
        cpu(Situation.MAIN, Contenders.ASYNC_HTTP_CLIENT, 1),
        cpu(many, Contenders.ASYNC_HTTP_CLIENT, 1),
        cpu(refused, Contenders.ASYNC_HTTP_CLIENT, 1),
        cpu(Situation.MAIN, Contenders.NETTY, 1.25),
        byFirst("CPU, over the event bus ÷ directly", Situation.MAIN, Contenders.EVENT_BUS, 1.25),
        byFirst(
            "CPU, from another event loop ÷ directly",
            Situation.MAIN,
            Contenders.FOREIGN_LOOP,
            1.6),
        figure("p99, directly ÷ bare WebClient", Figure.P99, Contenders.WEB_CLIENT, 1),
        figure(
            "allocated bytes, directly ÷ async-http-client",
            Figure.ALLOCATED,
            Contenders.ASYNC_HTTP_CLIENT,
            1.1),
        new Aim("CPU, 100,000 waiting ÷ 1 waiting", 1.1, Aim::waiting),
        new Aim("first call, over the event bus ÷ bare WebClient", 0.6, Aim::firstCalls),
        cpu(Situation.TLS, Contenders.WEB_CLIENT, 0.95),
        new Aim(
            "CPU, with Redis ÷ SET NX, DEL and a bare WebClient",
            1,
            run -> run.row(Situation.REDIS, Contenders.REDIS_BARE).ratio()),
        new Aim(
            "CPU, with Redis ÷ without",
            Double.POSITIVE_INFINITY,
            run -> run.row(Situation.REDIS, Contenders.DIRECT).ratio()),
        byFirst(
            "CPU, across a cluster without the guard ÷ a bare request",
            Situation.CLUSTER,
            Contenders.CLUSTER_UNGUARDED,
            1.3),
        byFirst(
            "CPU, across a cluster with the guard ÷ a bare request",
            Situation.CLUSTER,
            Contenders.CLUSTER,
            Double.POSITIVE_INFINITY));
  }

  private static Aim cpu(String situation, Contenders other, double limit) {
    return new Aim(
        "CPU, directly ÷ " + other.title + "; " + situation,
        limit,
        run -> run.row(situation, other).ratio());
  }

  /** The ratio to the first contender of the situation. */
  private static Aim byFirst(String title, String situation, Contenders contender, double limit) {
    return new Aim(title, limit, run -> run.row(situation, contender).ratio().inverse());
  }

  private static Aim figure(String title, Figure figure, Contenders other, double limit) {
    return new Aim(
        title,
        limit,
        run ->
            run.row(Situation.MAIN, Contenders.DIRECT)
                .dividedBy(run.row(Situation.MAIN, other), figure));
  }

  private static Spread waiting(Results run) {
    List<Results.Row> rows = run.in(Situation.WAITING);
    return rows.stream().skip(1).findFirst().orElseThrow().ratio().inverse();
  }

  private static Spread firstCalls(Results run) {
    Spread bus = firstCall(run, Contenders.EVENT_BUS);
    Spread web = firstCall(run, Contenders.WEB_CLIENT);
    return new Spread(
        bus.median() / web.median(), bus.least() / web.most(), bus.most() / web.least());
  }

  private static Spread firstCall(Results run, Contenders contender) {
    return run.firstCalls().stream()
        .filter(call -> call.contender() == contender)
        .map(call -> Spread.of(call.millis()))
        .findFirst()
        .orElseThrow();
  }

  /**
   * Returns the line of the table of aims. A ratio that misses its aim is bold. The line is empty
   * if the run did not measure the ratio.
   */
  String line(Results run) {
    Spread result;
    try {
      result = ratio.apply(run);
    } catch (NoSuchElementException notMeasured) {
      return "";
    }
    String median = String.format(Locale.ROOT, "%.2f", result.median());
    return String.format(
        Locale.ROOT,
        "| %s | %s | %s (%.2f to %.2f) |\n",
        title,
        limit == Double.POSITIVE_INFINITY ? "" : String.format(Locale.ROOT, "%.2f", limit),
        result.median() > limit ? "**" + median + "**" : median,
        result.least(),
        result.most());
  }
}
