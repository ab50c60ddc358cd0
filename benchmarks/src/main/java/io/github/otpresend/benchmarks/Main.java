// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Starts the server, and runs the benchmarks. Its argument is full, main, short or smoke. */
public final class Main {
  private static final int SETS = 6;

  private Main() {}

  public static void main(String[] args) throws IOException, RunnerException {
    switch (args[0]) {
      case "full" -> run(Situation.full(), SETS, true, Main::write);
      case "main" -> run(Situation.full().subList(0, 1), SETS, true, Main::write);
      case "short" -> run(Situation.brief(), SETS, false, results -> {});
      case "smoke" -> run(Situation.smoke(), 1, true, results -> {});
      default -> throw new IllegalArgumentException("not full, main, short or smoke: " + args[0]);
    }
  }

  /** Writes the results, and the page and charts of all results so far. */
  private static void write(Results results) {
    try {
      Path directory = Files.createDirectories(Path.of("results"));
      results.write(directory.resolve("jdk-" + Runtime.version().feature() + ".json"));
      Report.write(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs the benchmarks, and passes the results to a consumer after each set of JVMs. */
  private static void run(
      List<Situation> situations, int sets, boolean withDeadlines, Consumer<Results> afterSet)
      throws IOException, RunnerException {
    List<RunResult> jmh = new ArrayList<>();
    if (withDeadlines) {
      jmh.addAll(jmh(options(DeadlineBenchmark.class, 1).warmupIterations(sets / 2)));
    }
    Path certificate = Files.createTempFile("benchmarks", ".pem");
    ChildProcess server = ChildProcess.onServerCore(Server.class, certificate.toString());
    try {
      Server.Ports ports = Server.Ports.parse(server.firstLine());
      jmh.addAll(
          jmh(
              options(FirstCallBenchmark.class, sets)
                  .warmupIterations(0)
                  .jvmArgs("-Xmx1g", "-Dserver.port=" + ports.plain())));
      Comparison comparison = new Comparison(ports, certificate);
      for (int set = 1; set <= sets; set++) {
        System.out.printf("set %d of %d%n", set, sets);
        Results results = Results.of(comparison.runSet(situations), jmh);
        System.out.print(Report.tables(results));
        afterSet.accept(results);
      }
    } finally {
      server.close();
      Files.delete(certificate);
    }
  }

  private static Collection<RunResult> jmh(ChainedOptionsBuilder options) throws RunnerException {
    return new Runner(options.build()).run();
  }

  private static ChainedOptionsBuilder options(Class<?> benchmark, int forks) {
    System.out.println(benchmark.getSimpleName());
    return new OptionsBuilder()
        .include(benchmark.getName())
        .forks(forks)
        .warmupTime(TimeValue.seconds(1))
        .measurementIterations(1)
        .measurementTime(TimeValue.seconds(1))
        .addProfiler(GCProfiler.class)
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
  }
}
