// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.github.otpresend.benchmarks.Situation.Competitor;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Measures contenders beside each other.
 *
 * <p>All contenders of a situation are started at once, each in its own JVM, and take turns of a
 * fraction of a second. So other load of the machine affects neighbouring turns alike. A JVM keeps
 * the speed that its compiler found for as long as it lives. So a figure is the median over the
 * turns of one set of JVMs, and then over several sets.
 */
final class Comparison {
  private static final int WARM_UP_MILLIS = 1_000;

  /** The jar of this library at another commit; empty if there is none. */
  private static final String BASE = System.getProperty("base", "");

  private final Server.Ports ports;
  private final String certificate;
  private final Map<String, Results.Row> rows = new LinkedHashMap<>();

  /**
   * @param certificate the file of the server's certificate
   */
  Comparison(Server.Ports ports, Path certificate) {
    this.ports = ports;
    this.certificate = certificate.toString();
  }

  static boolean hasBase() {
    return !BASE.isEmpty();
  }

  /** Runs one set of JVMs for each situation, and returns the rows of all sets so far. */
  List<Results.Row> runSet(List<Situation> situations) {
    for (Situation situation : situations) {
      System.out.println(situation.title());
      compare(situation);
    }
    return List.copyOf(rows.values());
  }

  private void compare(Situation situation) {
    List<ChildProcess> processes = new ArrayList<>();
    try {
      boolean isMeasured = situation.warmUp() > 0;
      situation.competitors().forEach(competitor -> processes.add(start(competitor, isMeasured)));
      int warmUpMillis = Math.max(WARM_UP_MILLIS, situation.turnMillis());
      for (int i = 0; i < situation.warmUp(); i++) {
        processes.forEach(process -> process.ask("" + warmUpMillis));
      }
      double[][][] figures = new double[processes.size()][situation.turns()][];
      for (int turn = 0; turn < situation.turns(); turn++) {
        for (int i = 0; i < figures.length; i++) {
          String answer = processes.get(i).ask("!" + situation.turnMillis());
          figures[i][turn] =
              Arrays.stream(answer.split(" ")).mapToDouble(Double::parseDouble).toArray();
        }
      }
      for (int i = 0; i < figures.length; i++) {
        keep(situation, situation.competitors().get(i), figures[0], figures[i]);
      }
    } finally {
      processes.forEach(ChildProcess::close);
    }
  }

  /** Adds the medians of a set to the row of a competitor. */
  private void keep(
      Situation situation, Competitor competitor, double[][] first, double[][] turns) {
    Results.Row row =
        rows.computeIfAbsent(
            situation.title() + "/" + competitor.title(),
            any -> Results.Row.empty(situation.title(), competitor));
    for (Figure figure : Figure.values()) {
      double[] values = Arrays.stream(turns).mapToDouble(turn -> turn[figure.ordinal()]).toArray();
      row.sets().get(figure).add(Results.round(Results.median(values)));
    }
    int cpu = Figure.CPU.ordinal();
    double[] ratios = new double[turns.length];
    for (int turn = 0; turn < ratios.length; turn++) {
      ratios[turn] = first[turn][cpu] / turns[turn][cpu];
    }
    row.ratios().add(Results.round(Results.median(ratios)));
  }

  private ChildProcess start(Competitor competitor, boolean isMeasured) {
    List<String> jvmArguments = new ArrayList<>(List.of("-Xms1g", "-Xmx1g", "-XX:+UseG1GC"));
    if (isMeasured) { // otherwise turns would measure the page faults of the first use of the heap
      jvmArguments.add("-XX:+AlwaysPreTouch");
    }
    jvmArguments.addAll(Cores.clientArguments());
    // before version 25, the JDK's client starts a thread for each response without this
    jvmArguments.add("-Djava.util.concurrent.ForkJoinPool.common.parallelism=2");
    String classPath = System.getProperty("java.class.path");
    return ChildProcess.client(
        competitor.contender() == Contenders.BASE ? withBase(classPath) : classPath,
        jvmArguments,
        Turns.class,
        competitor.contender().name(),
        competitor.answer().name(),
        "" + competitor.connections(),
        "" + competitor.waiting(),
        "" + competitor.rate(),
        ports.toString(),
        competitor.isTls() ? certificate : "");
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
}
