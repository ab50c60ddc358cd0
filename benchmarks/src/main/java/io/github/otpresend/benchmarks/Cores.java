// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.io.IOException;
import java.util.List;

/** Gives the last core to the server and the others to the client, where the machine allows it. */
final class Cores {
  private static final int LAST =
      Integer.getInteger("cores", Runtime.getRuntime().availableProcessors()) - 1;
  private static final boolean PINNED = LAST > 0 && hasTaskset();

  private Cores() {}

  /**
   * Returns the options of a client's JVM: the number of cores, and that all but one are its own.
   */
  static List<String> clientArguments() {
    String cores = "-Dcores=" + (LAST + 1);
    return PINNED ? List.of(cores, "-XX:ActiveProcessorCount=" + LAST) : List.of(cores);
  }

  /** Returns the words before a command that make it run on the core of the server. */
  static List<String> pinToServer() {
    return PINNED ? List.of("taskset", "-c", "" + LAST) : List.of();
  }

  /** Makes this process leave the core of the server. */
  static void pinToClient() {
    if (PINNED) {
      run("taskset", "-a", "-c", "-p", "0-" + (LAST - 1), "" + ProcessHandle.current().pid());
    }
  }

  private static boolean hasTaskset() {
    return run("taskset", "-V");
  }

  private static boolean run(String... command) {
    try {
      // lines that nobody reads would fill the pipe, and the command would never end
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
