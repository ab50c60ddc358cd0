// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.otpresend.DeadlineBenchmark;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** What JMH has written of one run. */
record Results(String jdk, List<Row> rows, List<FirstCall> firstCalls, List<Deadline> deadlines) {
  /** What is told of a contender, by the name that JMH's JSON has for it. */
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

  /** What is asked of the contenders. */
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
  record Row(Contenders contender, Situation situation, int waiting, JsonNode json) {
    private static Row of(JsonNode json) {
      JsonNode params = json.path("params");
      int waiting = params.path("waiting").asInt();
      return new Row(
          Contenders.valueOf(params.path("contender").asText()),
          new Situation(
              Answer.valueOf(params.path("answer").asText()),
              params.path("connections").asInt(),
              waiting > 0),
          waiting,
          json);
    }

    double median(Figure figure) {
      return Results.median(values(figure));
    }

    /** Half the range between the quartiles, in percent of the median. */
    double spread(Figure figure) {
      double[] values = values(figure);
      return 50 * (values[values.length * 3 / 4] - values[values.length / 4]) / median(figure);
    }

    private double[] values(Figure figure) {
      JsonNode metric =
          figure == Figure.THROUGHPUT
              ? json.path("primaryMetric")
              : json.path("secondaryMetrics").path(figure.key);
      return Results.values(metric);
    }
  }

  /** How long the first call of a fresh JVM takes. */
  record FirstCall(Contenders contender, double millis) {
    private static FirstCall of(JsonNode json) {
      return new FirstCall(
          Contenders.valueOf(json.path("params").path("contender").asText()),
          median(values(json.path("primaryMetric"))));
    }
  }

  /** What a deadline costs among so many others, by the name of the benchmark's method. */
  record Deadline(String method, int others, double nanos, double bytes) {
    private static Deadline of(JsonNode json) {
      String benchmark = json.path("benchmark").asText();
      return new Deadline(
          benchmark.substring(benchmark.lastIndexOf('.') + 1),
          json.path("params").path("others").asInt(),
          median(values(json.path("primaryMetric"))),
          median(values(json.path("secondaryMetrics").path(Figure.ALLOCATED.key))));
    }
  }

  private static double median(double[] values) {
    return (values[(values.length - 1) / 2] + values[values.length / 2]) / 2;
  }

  /** Of all iterations of all forks, in order. */
  private static double[] values(JsonNode metric) {
    double[] values =
        StreamSupport.stream(metric.path("rawData").spliterator(), false)
            .flatMap(fork -> StreamSupport.stream(fork.spliterator(), false))
            .mapToDouble(JsonNode::asDouble)
            .sorted()
            .toArray();
    if (values.length == 0) {
      throw new IllegalStateException("a result without a figure");
    }
    return values;
  }

  static Results read(Path file) {
    try {
      JsonNode json = new ObjectMapper().readTree(file.toFile());
      return new Results(
          json.path(0).path("jdkVersion").asText(),
          allOf(ResendBenchmark.class, json).map(Row::of).toList(),
          allOf(FirstCallBenchmark.class, json).map(FirstCall::of).toList(),
          allOf(DeadlineBenchmark.class, json).map(Deadline::of).toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stream<JsonNode> allOf(Class<?> benchmark, JsonNode json) {
    return StreamSupport.stream(json.spliterator(), false)
        .filter(result -> result.path("benchmark").asText().startsWith(benchmark.getName() + "."));
  }

  /** Of every run whose file is in this directory. */
  static List<Results> readAll(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> file.toString().endsWith(".json"))
          .sorted()
          .map(Results::read)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<Situation> situations() {
    return rows.stream().map(Row::situation).distinct().toList();
  }

  List<Row> in(Situation situation) {
    return rows.stream().filter(row -> row.situation.equals(situation)).toList();
  }

  Optional<Row> of(Contenders contender, Situation situation) {
    return in(situation).stream().filter(row -> row.contender == contender).findFirst();
  }
}
