// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** Another JVM. It prints a line when it is ready, and ends with its standard input. */
final class ChildProcess {
  private final Process process;
  private final BufferedReader output;
  private final String firstLine;

  private ChildProcess(List<String> command, Class<?> main, String... arguments) {
    List<String> whole = new ArrayList<>(command);
    whole.add(main.getName());
    whole.addAll(List.of(arguments));
    try {
      process = new ProcessBuilder(whole).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    output = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
    firstLine = readLine();
  }

  /** Starts a process on the core of the server. */
  static ChildProcess onServerCore(Class<?> main, String... arguments) {
    List<String> command = new ArrayList<>(Cores.pinToServer());
    command.addAll(List.of(java(), "-Xmx512m", "-XX:+UseSerialGC"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    return new ChildProcess(command, main, arguments);
  }

  /** Starts a client. It leaves the core of the server when it is warm. */
  static ChildProcess client(
      String classPath, List<String> jvmArguments, Class<?> main, String... arguments) {
    List<String> command = new ArrayList<>(List.of(java()));
    command.addAll(jvmArguments);
    command.addAll(List.of("-cp", classPath));
    return new ChildProcess(command, main, arguments);
  }

  private static String java() {
    return ProcessHandle.current().info().command().orElse("java");
  }

  String firstLine() {
    return firstLine;
  }

  /** Sends a line, and returns the line that answers it. */
  String ask(String line) {
    try {
      process.getOutputStream().write((line + '\n').getBytes(UTF_8));
      process.getOutputStream().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return readLine();
  }

  private String readLine() {
    try {
      String line = output.readLine();
      if (line == null) {
        throw new IllegalStateException("a process ended: " + process.info().commandLine());
      }
      return line;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
