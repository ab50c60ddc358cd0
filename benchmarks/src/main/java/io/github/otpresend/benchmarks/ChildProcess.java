// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** Another JVM of this class path, pinned to its own core; it ends with its standard input. */
final class ChildProcess {
  private final Process process;
  private final String firstLine;

  /** Starts it, and waits for the line that says that it is ready. */
  ChildProcess(Class<?> main, String... arguments) {
    List<String> command = new ArrayList<>(Cores.pinToServer());
    command.addAll(
        List.of(
            ProcessHandle.current().info().command().orElse("java"),
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            main.getName()));
    command.addAll(List.of(arguments));
    try {
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      firstLine =
          new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8)).readLine();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (firstLine == null) {
      throw new IllegalStateException(main.getName() + " did not start");
    }
  }

  String firstLine() {
    return firstLine;
  }

  void close() {
    try {
      process.getOutputStream().close();
      process.waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
