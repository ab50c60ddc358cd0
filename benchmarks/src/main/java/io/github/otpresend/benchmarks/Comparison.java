// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The short benchmark: this library beside another commit of it and the peers that matter, as
 * ratios.
 *
 * <p>All contenders of a situation run at once, each in a JVM of its own, and take turns of a
 * fraction of a second. So whatever else the machine does meets neighbouring turns alike. A ratio
 * is the median over the turns of one set of JVMs, and then over six sets: a JVM keeps the pace
 * that its compiler has found for as long as it lasts.
 */
final class Comparison {
  private static final int SETS = 6;
  private static final String LONG_TURN = "2500";

  /** The jar of this library at another commit. */
  private static final String BASE = System.getProperty("base", "");

  /**
   * What is compared. The first competitor is what the others are divided by.
   *
   * @param warmUp turns of a second, or of {@link #LONG_TURN} where calls wait
   */
  private record Situation(
      String title, List<Competitor> competitors, int warmUp, int turns, String turn) {
    static Situation of(Answer answer, int inFlight, Contenders... contenders) {
      return new Situation(
          answer.title + ", " + inFlight + " in flight",
          Arrays.stream(contenders)
              .filter(contender -> contender != Contenders.BASE || !BASE.isEmpty())
              .map(contender -> new Competitor(contender, answer, inFlight, 0))
              .toList(),
          7,
          20,
          "200");
    }
  }

  private record Competitor(Contenders contender, Answer answer, int connections, int waiting) {
    String title() {
      return waiting == 0
          ? contender.title
          : String.format(Locale.ROOT, "%s, %,d waiting", contender.title, waiting);
    }
  }

  private static final Contenders[] FIELD = {
    Contenders.DIRECT,
    Contenders.BASE,
    Contenders.WEB_CLIENT,
    Contenders.HTTP_CLIENT,
    Contenders.ASYNC_HTTP_CLIENT
  };

  private final String port;

  /** The CPU µs per resend and the ratio of each set. */
  private final Map<Situation, Map<Competitor, List<double[]>>> figures = new LinkedHashMap<>();

  private Comparison(String port) {
    this.port = port;
  }

  static void run(String port) {
    Comparison comparison = new Comparison(port);
    for (int set = 1; set <= SETS; set++) {
      for (Situation situation : situations()) {
        System.out.printf("set %d of %d: %s%n", set, SETS, situation.title);
        comparison.compare(situation);
      }
    }
    comparison.print();
  }

  private static List<Situation> situations() {
    Contenders[] withBus = Arrays.copyOf(FIELD, FIELD.length + 1);
    withBus[FIELD.length] = Contenders.EVENT_BUS;
    return List.of(
        Situation.of(Answer.NOW, 64, withBus),
        Situation.of(Answer.NOW, 1, FIELD),
        Situation.of(Answer.NOW, 1_024, FIELD),
        Situation.of(Answer.REFUSED, 64, FIELD),
        new Situation(
            Answer.NOW.title + ", 64 connections and calls that wait for one",
            List.of(
                new Competitor(Contenders.DIRECT, Answer.NOW, 64, 100_000),
                new Competitor(Contenders.DIRECT, Answer.NOW, 64, 1)),
            4,
            6,
            LONG_TURN));
  }

  private void compare(Situation situation) {
    List<ChildProcess> processes = new ArrayList<>();
    try {
      for (Competitor competitor : situation.competitors) {
        processes.add(start(competitor));
      }
      String warmUp = situation.turn.equals(LONG_TURN) ? LONG_TURN : "1000";
      for (int i = 0; i < situation.warmUp; i++) {
        processes.forEach(process -> process.ask(warmUp));
      }
      double[][] micros = new double[processes.size()][situation.turns];
      for (int turn = 0; turn < situation.turns; turn++) {
        for (int i = 0; i < micros.length; i++) {
          String[] answer = processes.get(i).ask("!" + situation.turn).split(" ");
          micros[i][turn] = Double.parseDouble(answer[0]) / 1e3 / Double.parseDouble(answer[1]);
        }
      }
      for (int i = 0; i < micros.length; i++) {
        double[] ratios = new double[situation.turns];
        for (int turn = 0; turn < ratios.length; turn++) {
          ratios[turn] = micros[i][turn] / micros[0][turn];
        }
        figures
            .computeIfAbsent(situation, any -> new LinkedHashMap<>())
            .computeIfAbsent(situation.competitors.get(i), any -> new ArrayList<>())
            .add(new double[] {median(micros[i]), median(ratios)});
      }
    } finally {
      processes.forEach(ChildProcess::close);
    }
  }

  private ChildProcess start(Competitor competitor) {
    List<String> jvmArguments = new ArrayList<>(List.of("-Xms2g", "-Xmx2g", "-XX:+UseG1GC"));
    jvmArguments.addAll(Cores.clientArguments());
    String classPath = System.getProperty("java.class.path");
    return ChildProcess.client(
        competitor.contender == Contenders.BASE ? withBase(classPath) : classPath,
        jvmArguments,
        Turns.class,
        competitor.contender.name(),
        competitor.answer.name(),
        "" + competitor.connections,
        "" + competitor.waiting,
        port);
  }

  private static String withBase(String classPath) {
    return Arrays.stream(classPath.split(File.pathSeparator))
        .map(
            entry ->
                Path.of(entry).getFileName().toString().matches("vertx-otp-resend-[0-9].*jar")
                    ? BASE
                    : entry)
        .collect(Collectors.joining(File.pathSeparator));
  }

  private void print() {
    figures.forEach(
        (situation, competitors) -> {
          System.out.printf(
              "%n**%s**%n%n| | CPU µs per resend | the first ÷ this | least | most |%n"
                  + "|---|---:|---:|---:|---:|%n",
              situation.title);
          competitors.forEach(
              (competitor, sets) -> {
                double[] micros = sets.stream().mapToDouble(set -> set[0]).toArray();
                double[] ratios = sets.stream().mapToDouble(set -> 1 / set[1]).sorted().toArray();
                System.out.printf(
                    Locale.ROOT,
                    "| %s | %.1f | %.2f | %.2f | %.2f |%n",
                    competitor.title(),
                    median(micros),
                    median(ratios),
                    ratios[0],
                    ratios[ratios.length - 1]);
              });
        });
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }
}
