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

/**
 * A JVM that a test starts. It ends with the JVM of the test, and there are at most two at a time.
 */
public final class NodeProcess implements AutoCloseable {
  private static final Set<Process> RUNNING = ConcurrentHashMap.newKeySet();
  private static final int MOST_BESIDE_THE_OWN = 2;

  /** The time that a JVM may take to start or end on a busy machine with two cores. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

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
   * @param arguments options of the JVM, the main class and its arguments
   */
  public NodeProcess(List<String> prefix, String classPath, List<String> arguments) {
    this(new ProcessBuilder(java(prefix, classPath, arguments)));
  }

  /** Starts a command that becomes a JVM. */
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
    if (RUNNING.size() > MOST_BESIDE_THE_OWN) {
      kill();
      throw new IllegalStateException("That would be one JVM too many");
    }
  }

  private static List<String> java(List<String> prefix, String classPath, List<String> arguments) {
    List<String> command = new ArrayList<>(prefix);
    command.add(System.getProperty("java.home") + "/bin/java");
    // it runs for seconds and shares two cores
    command.addAll(List.of("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.addAll(List.of("-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8"));
    command.addAll(List.of("-cp", classPath));
    command.addAll(arguments);
    return command;
  }

  private void read() {
    try (BufferedReader lines = process.inputReader(UTF_8)) {
      lines.lines().forEach(output::add);
    } catch (IOException | UncheckedIOException itsEnd) {
      // the process was killed
    }
  }

  /** Waits for a line that contains a text, and returns it. */
  public String line(String text) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (find(text) == null && process.isAlive()) {
      assertTrue(System.nanoTime() < end, () -> "Still no \"" + text + "\": " + this);
      LockSupport.parkNanos(5_000_000);
    }
    if (find(text) == null) {
      awaitEnd(); // also waits for the end of its output
    }
    String line = find(text);
    assertTrue(line != null, () -> "It ended without \"" + text + "\": " + this);
    return line;
  }

  private @Nullable String find(String text) {
    return output.stream().filter(line -> line.contains(text)).findFirst().orElse(null);
  }

  public List<String> lines() {
    return List.copyOf(output);
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** Kills the process with SIGKILL. */
  public void kill() {
    process.destroyForcibly();
    awaitEnd();
  }

  /** Sends SIGTERM, waits for the end, and returns the exit code. */
  public int stop() {
    process.destroy();
    return awaitEnd();
  }

  /** Waits until the process has ended and its output was read, and returns the exit code. */
  public int awaitEnd() {
    try {
      assertTrue(
          process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS),
          () -> "It does not end: " + this);
      reader.join(PATIENCE.toMillis());
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
