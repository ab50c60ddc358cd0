// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.github.otpresend.DeadlineBenchmark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Starts the server, and runs the benchmarks in rounds: each round has one fork of each contender,
 * so that whatever else the machine does meets all of them alike.
 *
 * <p>Its one argument is the extent: full, main, smoke, or short, which is a {@link Comparison}.
 */
public final class Main {
  /** What is measured at once: the contenders, in this situation. */
  private record Scenario(Set<Contenders> contenders, Answer answer, int connections, int waiting) {
    @Override
    public String toString() {
      return "%s, %d connections, %d waiting".formatted(answer.title, connections, waiting);
    }
  }

  /** How much is measured. */
  private enum Extent {
    FULL(3, 12, 5, 1_000),
    MAIN(3, 12, 5, 1_000),
    SMOKE(1, 1, 1, 200);

    final int rounds;
    final int warmups;
    final int iterations;
    final int millis;

    Extent(int rounds, int warmups, int iterations, int millis) {
      this.rounds = rounds;
      this.warmups = warmups;
      this.iterations = iterations;
      this.millis = millis;
    }

    List<Scenario> scenarios() {
      Set<Contenders> all = EnumSet.complementOf(EnumSet.of(Contenders.BASE));
      Set<Contenders> field = EnumSet.range(Contenders.DIRECT, Contenders.NETTY);
      field.removeAll(EnumSet.of(Contenders.BASE, Contenders.EVENT_BUS_LOOPS));
      Set<Contenders> direct = EnumSet.of(Contenders.DIRECT);
      List<Scenario> main =
          List.of(
              new Scenario(all, Answer.NOW, 64, 0),
              new Scenario(direct, Answer.NOW, 64, 1),
              new Scenario(direct, Answer.NOW, 64, 1_000),
              new Scenario(direct, Answer.NOW, 64, 10_000),
              new Scenario(direct, Answer.NOW, 64, 100_000));
      return switch (this) {
        case FULL -> {
          List<Scenario> scenarios = new ArrayList<>(main);
          scenarios.add(new Scenario(field, Answer.NOW, 1, 0));
          scenarios.add(new Scenario(field, Answer.NOW, 1_024, 0));
          scenarios.add(new Scenario(field, Answer.LATER, 64, 0));
          scenarios.add(new Scenario(field, Answer.REFUSED, 64, 0));
          yield scenarios;
        }
        case MAIN -> main;
        case SMOKE -> List.of(new Scenario(all, Answer.NOW, 8, 0));
      };
    }
  }

  /** Else JDK 17's own client starts a thread for each response. */
  private static final String COMMON_POOL =
      "-Djava.util.concurrent.ForkJoinPool.common.parallelism=2";

  private final Extent extent;
  private final Map<List<String>, RunResult> results = new LinkedHashMap<>();

  private Main(Extent extent) {
    this.extent = extent;
  }

  public static void main(String[] args) throws RunnerException, IOException {
    if (args[0].equals("short")) {
      compare();
      return;
    }
    Main main = new Main(Extent.valueOf(args[0].toUpperCase(Locale.ROOT)));
    main.run();
    if (main.extent == Extent.SMOKE) {
      return;
    }
    Path directory = Files.createDirectories(Path.of("results"));
    Results results = Results.of(main.results.values());
    results.write(directory.resolve("jdk-" + Runtime.version().feature() + ".json"));
    System.out.print(Report.of(results));
    Report.write(directory);
  }

  private static void compare() throws RunnerException, IOException {
    Main main = new Main(Extent.SMOKE);
    ChildProcess server = ChildProcess.onServerCore(Server.class);
    try {
      main.runFirstCalls(server.firstLine(), 6);
      Comparison.run(server.firstLine());
    } finally {
      server.close();
    }
    System.out.print(Report.of(Results.of(main.results.values())));
  }

  private void run() throws RunnerException {
    if (extent == Extent.FULL || extent == Extent.SMOKE) {
      runDeadlines();
    }
    ChildProcess server = ChildProcess.onServerCore(Server.class);
    try {
      if (extent != Extent.MAIN) {
        runFirstCalls(server.firstLine(), extent.rounds);
      }
      for (int round = 1; round <= extent.rounds; round++) {
        for (Scenario scenario : extent.scenarios()) {
          for (Contenders contender : scenario.contenders) {
            System.out.printf(
                "round %d of %d, %s: %s%n", round, extent.rounds, scenario, contender.title);
            run(scenario, contender, server.firstLine());
          }
        }
      }
    } finally {
      server.close();
    }
  }

  private void runDeadlines() throws RunnerException {
    System.out.println("deadlines");
    ChainedOptionsBuilder options =
        options(DeadlineBenchmark.class, extent.iterations).forks(extent.rounds);
    new Runner(options.build()).run().forEach(this::keep);
  }

  private void runFirstCalls(String port, int forks) throws RunnerException {
    System.out.println("first calls");
    new Runner(
            options(FirstCallBenchmark.class, 0)
                .measurementIterations(1)
                .forks(forks)
                .jvmArgs("-Xms2g", "-Xmx2g", "-XX:+UseG1GC", "-Dserver.port=" + port)
                .build())
        .run()
        .forEach(this::keep);
  }

  private void run(Scenario scenario, Contenders contender, String port) throws RunnerException {
    ChainedOptionsBuilder options =
        options(ResendBenchmark.class, extent.warmups)
            .param("contender", contender.name())
            .param("answer", scenario.answer.name())
            .param("connections", "" + scenario.connections)
            .param("waiting", "" + scenario.waiting)
            .forks(1)
            .addProfiler(ResendProfiler.class)
            .jvmArgs("-Xms2g", "-Xmx2g", "-XX:+UseG1GC", "-Dserver.port=" + port)
            .jvmArgsPrepend(COMMON_POOL)
            .jvmArgsAppend(Cores.clientArguments().toArray(new String[0]));
    new Runner(options.build()).run().forEach(this::keep);
  }

  private ChainedOptionsBuilder options(Class<?> benchmark, int warmups) {
    return new OptionsBuilder()
        .include(benchmark.getName())
        .warmupIterations(warmups)
        .warmupTime(TimeValue.milliseconds(extent.millis))
        .measurementIterations(extent.iterations)
        .measurementTime(TimeValue.milliseconds(extent.millis))
        .addProfiler(GCProfiler.class)
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
  }

  /** The forks of all rounds become one result. */
  private void keep(RunResult result) {
    BenchmarkParams params = result.getParams();
    List<String> key = new ArrayList<>(List.of(params.getBenchmark()));
    params.getParamsKeys().stream().map(params::getParam).forEach(key::add);
    results.merge(
        key,
        result,
        (before, now) -> {
          List<BenchmarkResult> forks = new ArrayList<>(before.getBenchmarkResults());
          forks.addAll(now.getBenchmarkResults());
          return new RunResult(before.getParams(), forks);
        });
  }
}
