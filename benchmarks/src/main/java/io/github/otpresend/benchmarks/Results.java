// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.otpresend.DeadlineBenchmark;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;

/** The medians and spreads of one run, and the file that keeps them. */
record Results(String jdk, List<Row> rows, List<FirstCall> firstCalls, List<Deadline> deadlines) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The figures of a contender, by their names in JMH's results. */
  enum Figure {
    CPU("cpu", "CPU µs per resend", "%.1f"),
    THROUGHPUT("", "resends per second", "%,.0f"),
    ALLOCATED("gc.alloc.rate.norm", "allocated bytes per resend", "%,.0f"),
    P50("p50", "p50 µs", "%,.0f"),
    P99("p99", "p99 µs", "%,.0f"),
    P999("p99.9", "p99.9 µs", "%,.0f"),
    SERVER("server", "server's core busy, %", "%.0f");

    private final String key;
    final String title;
    final String format;

    Figure(String key, String title, String format) {
      this.key = key;
      this.title = title;
      this.format = format;
    }
  }

  /**
   * A figure over all iterations of all forks.
   *
   * @param spread half the distance between the quartiles, in percent of the median
   */
  record Value(double median, double spread) {
    private static Value of(RunResult result, String key) {
      double[] values =
          result.getBenchmarkResults().stream()
              .flatMap(fork -> fork.getIterationResults().stream())
              .mapToDouble(iteration -> score(iteration, key))
              .sorted()
              .toArray();
      double median = (values[(values.length - 1) / 2] + values[values.length / 2]) / 2;
      double quartiles = values[values.length * 3 / 4] - values[values.length / 4];
      return new Value(round(median), Math.round(50 * quartiles / median));
    }

    private static double score(IterationResult iteration, String key) {
      Result<?> result =
          key.isEmpty() ? iteration.getPrimaryResult() : iteration.getSecondaryResults().get(key);
      return result.getScore();
    }

    private static double round(double value) {
      return value < 1_000 ? Math.round(value * 100) / 100.0 : Math.round(value);
    }
  }

  /** The calls that all contenders of a table make. */
  record Situation(Answer answer, int connections, boolean isQueued) {
    static final Situation MAIN = new Situation(Answer.NOW, 64, false);

    @Override
    public String toString() {
      return isQueued
          ? answer.title + ", " + connections + " connections and calls that wait for one"
          : answer.title + ", " + connections + " in flight";
    }
  }

  /** A contender in a situation. */
  record Row(
      Contenders contender,
      Answer answer,
      int connections,
      int waiting,
      Map<Figure, Value> figures) {
    private static Row of(RunResult result) {
      BenchmarkParams params = result.getParams();
      Map<Figure, Value> figures = new EnumMap<>(Figure.class);
      for (Figure figure : Figure.values()) {
        figures.put(figure, Value.of(result, figure.key));
      }
      return new Row(
          Contenders.valueOf(params.getParam("contender")),
          Answer.valueOf(params.getParam("answer")),
          Integer.parseInt(params.getParam("connections")),
          Integer.parseInt(params.getParam("waiting")),
          figures);
    }

    Situation situation() {
      return new Situation(answer, connections, waiting > 0);
    }

    double median(Figure figure) {
      return figures.get(figure).median();
    }
  }

  /** The first call of a fresh JVM. */
  record FirstCall(Contenders contender, Value millis) {
    private static FirstCall of(RunResult result) {
      return new FirstCall(
          Contenders.valueOf(result.getParams().getParam("contender")), Value.of(result, ""));
    }
  }

  /** A deadline among others, by the method of the benchmark. */
  record Deadline(String method, int others, Value nanos, Value bytes) {
    private static Deadline of(RunResult result) {
      String benchmark = result.getParams().getBenchmark();
      return new Deadline(
          benchmark.substring(benchmark.lastIndexOf('.') + 1),
          Integer.parseInt(result.getParams().getParam("others")),
          Value.of(result, ""),
          Value.of(result, Figure.ALLOCATED.key));
    }
  }

  static Results of(Collection<RunResult> all) {
    return new Results(
        System.getProperty("java.version"),
        of(ResendBenchmark.class, all).map(Row::of).toList(),
        of(FirstCallBenchmark.class, all).map(FirstCall::of).toList(),
        of(DeadlineBenchmark.class, all).map(Deadline::of).toList());
  }

  private static Stream<RunResult> of(Class<?> benchmark, Collection<RunResult> all) {
    String prefix = benchmark.getName() + ".";
    return all.stream().filter(result -> result.getParams().getBenchmark().startsWith(prefix));
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

  List<Situation> situations() {
    return rows.stream().map(Row::situation).distinct().toList();
  }

  List<Row> in(Situation situation) {
    return rows.stream().filter(row -> row.situation().equals(situation)).toList();
  }
}
