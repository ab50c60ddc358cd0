// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import java.io.File;
import java.util.Arrays;
import java.util.List;

/** What this process takes of the machine's memory, threads and files. */
final class Vitals {
  private Vitals() {}

  /** The bytes of the heap that are in use, once all that is garbage was collected. */
  static long heap() {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 4; i++) { // what is let go by one collection is found by the next
      System.gc();
      least =
          Math.min(least, Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
    }
    return least;
  }

  static int threads() {
    return threadNames().size();
  }

  static List<String> threadNames() {
    return Thread.getAllStackTraces().keySet().stream().map(Thread::getName).sorted().toList();
  }

  /** How many files and sockets are open; 0 where the system does not list them. */
  static int openFiles() {
    String[] open = new File("/dev/fd").list();
    return open == null ? 0 : open.length;
  }

  static long median(long[] values) {
    long[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
