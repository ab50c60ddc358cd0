// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import redis.embedded.core.ExecutableProvider;

/**
 * A Redis in a process of its own. The test dependencies carry its program. {@code
 * -Dredis.server=/usr/bin/redis-server} uses another.
 */
public final class RedisServer implements AutoCloseable {
  private static final String PROGRAM = program();

  private final Path directory;
  private final int port = FreePort.find();
  private @Nullable Process process;

  /** Starts a Redis that keeps its data in a directory. */
  public RedisServer(Path directory) {
    this.directory = directory;
    start();
  }

  private static String program() {
    try {
      String given = System.getProperty("redis.server", "");
      return given.isEmpty() ? ExecutableProvider.newJarResourceProvider().get().getPath() : given;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts the process, with the data that the directory has. */
  public void start(String... settings) {
    List<String> command = new ArrayList<>(List.of(PROGRAM, "--port", "" + port));
    command.addAll(List.of("--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"));
    command.addAll(List.of("--appendfsync", "always", "--dir", directory.toString()));
    command.addAll(List.of(settings));
    try {
      Process started = new ProcessBuilder(command).redirectErrorStream(true).start();
      process = started;
      BufferedReader output = started.inputReader(UTF_8);
      String line = output.readLine();
      while (line != null && !line.contains("Ready to accept connections")) {
        line = output.readLine();
      }
      assertTrue(line != null, "Redis did not start");
      Thread reader = new Thread(() -> output.lines().forEach(any -> {}), "output of Redis");
      reader.setDaemon(true);
      reader.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String url() {
    return "redis://127.0.0.1:" + port;
  }

  public int port() {
    return port;
  }

  /** Sends a command, and returns the first line of its answer. */
  public String command(String command) {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.getOutputStream().write((command + "\r\n").getBytes(UTF_8));
      return new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8)).readLine();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Lets the process stand still. */
  public void pause() {
    signal("STOP");
  }

  /** Lets the process go on. */
  public void resume() {
    signal("CONT");
  }

  private void signal(String signal) {
    if (process != null) {
      try {
        new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start().waitFor();
      } catch (IOException | InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Ends the process with SIGKILL. */
  public void stop() {
    if (process != null) {
      process.destroyForcibly().onExit().join();
    }
  }

  @Override
  public void close() {
    stop();
  }
}
