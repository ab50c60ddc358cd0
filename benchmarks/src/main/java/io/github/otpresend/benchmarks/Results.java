// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.openjdk.jmh.results.RunResult;

/** The figures of one run, and the file that keeps them. */
record Results(String jdk, List<Row> rows, List<FirstCall> firstCalls, List<Deadline> deadlines) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * A contender in a situation. The lists have one value for each set of JVMs.
   *
   * @param ratios the CPU time of the first contender of the situation, divided by that of this one
   */
  record Row(
      String situation,
      Contenders contender,
      int waiting,
      Map<Figure, List<Double>> sets,
      List<Double> ratios) {
    static Row empty(String situation, Situation.Competitor competitor) {
      Map<Figure, List<Double>> sets = new EnumMap<>(Figure.class);
      for (Figure figure : Figure.values()) {
        sets.put(figure, new ArrayList<>());
      }
      return new Row(
          situation, competitor.contender(), competitor.waiting(), sets, new ArrayList<>());
    }

    Spread figure(Figure figure) {
      return Spread.of(sets.get(figure));
    }

    Spread ratio() {
      return Spread.of(ratios);
    }

    /** Returns this row's figure divided by that of another row, for each set. */
    Spread dividedBy(Row other, Figure figure) {
      List<Double> values = new ArrayList<>();
      for (int i = 0; i < ratios.size(); i++) {
        values.add(sets.get(figure).get(i) / other.sets.get(figure).get(i));
      }
      return Spread.of(values);
    }
  }

  /** The median of some values, and the least and the greatest of them. */
  record Spread(double median, double least, double most) {
    static Spread of(Collection<Double> values) {
      double[] sorted = values.stream().mapToDouble(value -> value).sorted().toArray();
      return new Spread(Results.median(sorted), sorted[0], sorted[sorted.length - 1]);
    }

    Spread inverse() {
      return new Spread(1 / median, 1 / most, 1 / least);
    }
  }

  /** The first call of a fresh JVM, in ms. */
  record FirstCall(Contenders contender, List<Double> millis) {}

  /** A deadline among others, by the method of the benchmark. */
  record Deadline(String method, int others, double nanos, double bytes) {}

  /**
   * @param jmh the results of {@link FirstCallBenchmark} and {@link DeadlineBenchmark}
   */
  static Results of(List<Row> rows, Collection<RunResult> jmh) {
    return new Results(
        System.getProperty("java.version"),
        rows,
        of(FirstCallBenchmark.class, jmh)
            .map(
                result ->
                    new FirstCall(
                        Contenders.valueOf(result.getParams().getParam("contender")),
                        result.getBenchmarkResults().stream()
                            .map(fork -> round(fork.getPrimaryResult().getScore()))
                            .toList()))
            .toList(),
        of(DeadlineBenchmark.class, jmh)
            .map(
                result ->
                    new Deadline(
                        result.getPrimaryResult().getLabel(),
                        Integer.parseInt(result.getParams().getParam("others")),
                        round(result.getPrimaryResult().getScore()),
                        round(result.getSecondaryResults().get("gc.alloc.rate.norm").getScore())))
            .toList());
  }

  private static Stream<RunResult> of(Class<?> benchmark, Collection<RunResult> all) {
    String prefix = benchmark.getName() + ".";
    return all.stream().filter(result -> result.getParams().getBenchmark().startsWith(prefix));
  }

  /** Rounds to four digits. */
  static double round(double value) {
    return new BigDecimal(value).round(new MathContext(4)).doubleValue();
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }

  /** Writes one line for each row, so that a difference of two files can be read. */
  void write(Path file) throws IOException {
    Files.writeString(
        file,
        "{\"jdk\": \"%s\",\n\"rows\": %s,\n\"firstCalls\": %s,\n\"deadlines\": %s}\n"
            .formatted(jdk, lines(rows), lines(firstCalls), lines(deadlines)));
  }

  private static String lines(List<?> values) {
    return values.stream()
        .map(
            value -> {
              try {
                return JSON.writeValueAsString(value);
              } catch (JsonProcessingException e) {
                throw new UncheckedIOException(e);
              }
            })
        .collect(Collectors.joining(",\n", "[\n", "]"));
  }

  /** Reads the runs whose files are in a directory. */
  static List<Results> readAll(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> file.toString().endsWith(".json"))
          .sorted()
          .map(
              file -> {
                try {
                  return JSON.readValue(file.toFile(), Results.class);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              })
          .toList();
    }
  }

  List<String> situations() {
    return rows.stream().map(Row::situation).distinct().toList();
  }

  List<Row> in(String situation) {
    return rows.stream().filter(row -> row.situation().equals(situation)).toList();
  }

  Row row(String situation, Contenders contender) {
    return in(situation).stream()
        .filter(row -> row.contender == contender)
        .findFirst()
        .orElseThrow();
  }
}
