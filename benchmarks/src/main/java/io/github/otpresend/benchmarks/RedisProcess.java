// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import redis.embedded.core.ExecutableProvider;

/** A Redis on the core of the server. It keeps nothing on disk, and ends with this JVM. */
final class RedisProcess {
  private final Process process;
  private final String url;

  private RedisProcess(Process process, String url) {
    this.process = process;
    this.url = url;
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
  }

  static RedisProcess start() {
    try {
      String port = "" + FreePort.find();
      List<String> command = new ArrayList<>(Cores.pinToServer());
      command.add(ExecutableProvider.newJarResourceProvider().get().getPath());
      command.addAll(List.of("--port", port, "--bind", Target.HOST, "--save", ""));
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      BufferedReader output = process.inputReader(UTF_8);
      for (String line = ""; !line.contains("Ready to accept"); line = output.readLine()) {
        // without persistence, Redis prints little more
      }
      return new RedisProcess(process, "redis://" + Target.HOST + ":" + port);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String url() {
    return url;
  }

  void close() {
    process.destroyForcibly();
  }
}
