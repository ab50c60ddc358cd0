// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import java.io.File;
import java.util.Arrays;
import java.util.List;

/** The memory, threads and files that this process uses. */
final class Vitals {
  private Vitals() {}

  /** Returns the used bytes of the heap after a garbage collection. */
  static long heap() {
    long least = Long.MAX_VALUE;
    for (int i = 0;
        i < 4;
        i++) { // a collection can release objects that only the next collection finds
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

  /** Returns how many files and sockets are open; 0 if the system does not list them. */
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
