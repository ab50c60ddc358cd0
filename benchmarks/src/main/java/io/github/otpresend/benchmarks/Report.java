// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.github.otpresend.benchmarks.Results.Deadline;
import io.github.otpresend.benchmarks.Results.Figure;
import io.github.otpresend.benchmarks.Results.FirstCall;
import io.github.otpresend.benchmarks.Results.Row;
import io.github.otpresend.benchmarks.Results.Situation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The page with all charts and tables, which is beside the results. */
final class Report {
  private static final String HEAD =
      """
      # Results

      The benchmark writes this page. [The page above](../README.md) says what is measured, and how.
      ± is half the distance between the quartiles.

      ![CPU per resend](cpu.svg)
      ![Allocated bytes per resend](allocated.svg)
      ![p99](p99.svg)
      ![CPU per resend by waiting calls](waiting.svg)
      """;

  private Report() {}

  /** Writes the tables and charts of all runs beside their files. */
  static void write(Path directory) throws IOException {
    List<Results> runs = Results.readAll(directory);
    Files.writeString(
        directory.resolve("README.md"),
        HEAD + runs.stream().map(Report::of).collect(Collectors.joining()));
    Charts.write(runs, directory);
  }

  /** Returns all tables of a run. */
  static String of(Results run) {
    return "\n## JDK "
        + run.jdk()
        + "\n"
        + run.situations().stream()
            .map(situation -> table(situation, run.in(situation)))
            .collect(Collectors.joining())
        + (run.firstCalls().isEmpty() ? "" : firstCalls(run.firstCalls()))
        + (run.deadlines().isEmpty() ? "" : deadlines(run.deadlines()));
  }

  private static String table(Situation situation, List<Row> rows) {
    StringBuilder text = new StringBuilder("\n**" + situation + "**\n\n| |");
    for (Figure figure : Figure.values()) {
      text.append(" ").append(figure.title).append(" |");
    }
    text.append(" CPU ÷ first row |\n|---|");
    text.append("---:|".repeat(Figure.values().length + 1)).append('\n');
    double first = rows.get(0).median(Figure.CPU);
    rows.stream().map(row -> line(row, first)).forEach(text::append);
    return text.toString();
  }

  private static String line(Row row, double first) {
    double cpu = row.median(Figure.CPU);
    return "| "
        + row.contender().title
        + (row.waiting() > 0 ? String.format(Locale.ROOT, ", %,d waiting", row.waiting()) : "")
        + " | "
        + Arrays.stream(Figure.values())
            .map(figure -> cell(row, figure))
            .collect(Collectors.joining(" | "))
        + " | "
        + String.format(Locale.ROOT, "%.2f", cpu / first)
        + " |\n";
  }

  private static String cell(Row row, Figure figure) {
    String value = String.format(Locale.ROOT, figure.format, row.median(figure));
    return figure == Figure.CPU
        ? value + String.format(Locale.ROOT, " ± %.0f %%", row.figures().get(figure).spread())
        : value;
  }

  private static String firstCalls(List<FirstCall> firstCalls) {
    return "\n**The first call of a fresh JVM**\n\n| | ms |\n|---|---:|\n"
        + firstCalls.stream()
            .map(
                call ->
                    String.format(
                        Locale.ROOT,
                        "| %s | %.0f |\n",
                        call.contender().title,
                        call.millis().median()))
            .collect(Collectors.joining());
  }

  private static String deadlines(List<Deadline> deadlines) {
    return "\n**A deadline, set and cancelled**\n\n| | others | ns | allocated bytes |\n"
        + "|---|---:|---:|---:|\n"
        + deadlines.stream()
            .map(
                deadline ->
                    String.format(
                        Locale.ROOT,
                        "| %s | %,d | %.0f | %.0f |\n",
                        deadline.method().equals("queue")
                            ? "the queue of this library"
                            : "a timer of Vert.x",
                        deadline.others(),
                        deadline.nanos().median(),
                        deadline.bytes().median()))
            .collect(Collectors.joining());
  }
}
