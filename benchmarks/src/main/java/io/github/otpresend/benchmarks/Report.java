// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.github.otpresend.benchmarks.Results.Deadline;
import io.github.otpresend.benchmarks.Results.FirstCall;
import io.github.otpresend.benchmarks.Results.Row;
import io.github.otpresend.benchmarks.Results.Spread;
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
      A figure is the median over the sets of JVMs, and the values in parentheses are the least and
      the greatest set.

      ![CPU per resend](cpu.svg)
      ![Allocated bytes per resend](allocated.svg)
      ![p99](p99.svg)
      """;

  private Report() {}

  /** Writes the tables and charts of all runs beside their files. */
  static void write(Path directory) throws IOException {
    List<Results> runs = Results.readAll(directory);
    Files.writeString(
        directory.resolve("README.md"),
        HEAD + runs.stream().map(run -> aims(run) + tables(run)).collect(Collectors.joining("\n")));
    Charts.write(runs, directory);
  }

  private static String aims(Results run) {
    return "\n## JDK "
        + run.jdk()
        + "\n\n| ratio | aim, at most | result |\n|---|---:|---:|\n"
        + Aim.all().stream().map(aim -> aim.line(run)).collect(Collectors.joining());
  }

  /** Returns the tables of a run. */
  static String tables(Results run) {
    return run.situations().stream()
            .map(situation -> table(situation, run.in(situation)))
            .collect(Collectors.joining())
        + firstCalls(run.firstCalls())
        + (run.deadlines().isEmpty() ? "" : deadlines(run.deadlines()));
  }

  private static String table(String situation, List<Row> rows) {
    StringBuilder text =
        new StringBuilder("\n**" + situation + "**\n\n| | CPU of row 1 ÷ CPU of this row |");
    for (Figure figure : Figure.values()) {
      text.append(" ").append(figure.title).append(" |");
    }
    text.append("\n|---|").append("---:|".repeat(Figure.values().length + 1)).append('\n');
    rows.stream().map(Report::line).forEach(text::append);
    return text.toString();
  }

  private static String line(Row row) {
    String waiting =
        row.waiting() > 0 ? String.format(Locale.ROOT, ", %,d waiting", row.waiting()) : "";
    return "| "
        + row.contender().title
        + waiting
        + " | "
        + cell(row.ratio(), "%.2f")
        + " | "
        + Arrays.stream(Figure.values())
            .map(
                figure ->
                    figure == Figure.CPU
                        ? cell(row.figure(figure), figure.format)
                        : String.format(Locale.ROOT, figure.format, row.figure(figure).median()))
            .collect(Collectors.joining(" | "))
        + " |\n";
  }

  private static String cell(Spread value, String format) {
    return String.format(
        Locale.ROOT,
        format + " (" + format + " to " + format + ")",
        value.median(),
        value.least(),
        value.most());
  }

  private static String firstCalls(List<FirstCall> firstCalls) {
    return "\n**The first call of a fresh JVM**\n\n| | ms |\n|---|---:|\n"
        + firstCalls.stream()
            .map(
                call ->
                    "| "
                        + call.contender().title
                        + " | "
                        + cell(Spread.of(call.millis()), "%.0f")
                        + " |\n")
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
                        deadline.nanos(),
                        deadline.bytes()))
            .collect(Collectors.joining());
  }
}
