// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A JVM that a test starts and ends. It ends with the JVM of the tests. At most five may run. */
public final class NodeProcess implements AutoCloseable {
  private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();
  private static final int MAX_RUNNING = 5;

  /** The longest wait. A JVM starts slowly if it shares two cores with others. */
  private static final Duration TIME_LIMIT = Duration.ofSeconds(60);

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> RUNNING.forEach(Process::destroyForcibly)));
  }

  private final Process process;
  private final Queue<String> output = new ConcurrentLinkedQueue<>();
  private final Thread reader;

  /**
   * Starts a JVM.
   *
   * @param prefix the words before the command, for example {@code ip netns exec}
   * @param arguments the options of the JVM, its main class, and the arguments of that class
   */
  public NodeProcess(List<String> prefix, String classPath, List<String> arguments) {
    this(new ProcessBuilder(java(prefix, classPath, arguments)));
  }

  /**
   * Starts a JVM whose wall clock is ahead.
   *
   * @param hours how far; negative if the clock is behind
   * @param library the path of Debian's libfaketime
   */
  public static NodeProcess ahead(
      int hours, String library, String classPath, String... arguments) {
    ProcessBuilder command = new ProcessBuilder(java(List.of(), classPath, List.of(arguments)));
    command.environment().put("LD_PRELOAD", library);
    command.environment().put("FAKETIME", (hours < 0 ? "" : "+") + hours + "h");
    command.environment().put("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    return new NodeProcess(command);
  }

  /** Starts a JVM with a command whose process becomes the JVM. */
  public NodeProcess(ProcessBuilder command) {
    try {
      process = command.redirectErrorStream(true).start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    RUNNING.add(process);
    reader = new Thread(this::read, "output of " + process.pid());
    reader.setDaemon(true);
    reader.start();
    if (RUNNING.size() > MAX_RUNNING) {
      kill();
      throw new IllegalStateException("Too many JVMs run at the same time");
    }
  }

  private static List<String> java(List<String> prefix, String classPath, List<String> arguments) {
    List<String> command = new ArrayList<>(prefix);
    command.add(System.getProperty("java.home") + "/bin/java");
    // settings for a JVM that lives for seconds and shares two cores
    command.addAll(List.of("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.addAll(List.of("-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote"));
    command.addAll(List.of("-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8"));
    command.addAll(List.of("-cp", classPath));
    command.addAll(arguments);
    return command;
  }

  private void read() {
    try (BufferedReader lines = process.inputReader(UTF_8)) {
      lines.lines().forEach(output::add);
    } catch (IOException | UncheckedIOException outputEnded) {
      // the process was killed
    }
  }

  /** Waits for a line of output that contains a text, and returns the line. */
  public String line(String text) {
    long end = System.nanoTime() + TIME_LIMIT.toNanos();
    while (find(text) == null && process.isAlive()) {
      assertTrue(System.nanoTime() < end, () -> "no line with \"" + text + "\": " + this);
      LockSupport.parkNanos(5_000_000);
    }
    if (find(text) == null) {
      awaitEnd(); // waits for the rest of the output too
    }
    String line = find(text);
    assertTrue(line != null, () -> "ended without a line with \"" + text + "\": " + this);
    return line;
  }

  /** Waits until Vert.x's launcher has deployed its verticle. */
  public void awaitDeployed() {
    line("Succeeded in deploying verticle");
  }

  private @Nullable String find(String text) {
    return output.stream().filter(line -> line.contains(text)).findFirst().orElse(null);
  }

  /** Writes a line to its input. */
  public void write(String line) {
    try {
      process.outputWriter(UTF_8).write(line + "\n");
      process.outputWriter(UTF_8).flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sends it a signal, for example {@code STOP}. */
  public void signal(String name) {
    try {
      new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Returns the lines of output so far. */
  public List<String> lines() {
    return List.copyOf(output);
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** Ends the process with SIGKILL. */
  public void kill() {
    process.destroyForcibly();
    awaitEnd();
  }

  /** Ends the process with SIGTERM, and returns its exit code. */
  public int stop() {
    process.destroy();
    return awaitEnd();
  }

  /** Waits until the process has ended and its output was read. Returns the exit code. */
  public int awaitEnd() {
    try {
      assertTrue(
          process.waitFor(TIME_LIMIT.toSeconds(), TimeUnit.SECONDS),
          () -> "the process does not end: " + this);
      reader.join(TIME_LIMIT.toMillis());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    RUNNING.remove(process);
    return process.exitValue();
  }

  @Override
  public void close() {
    kill();
  }

  @Override
  public String toString() {
    return String.join("\n", output);
  }
}
