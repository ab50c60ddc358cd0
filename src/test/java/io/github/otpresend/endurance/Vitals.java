// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import java.io.File;
import java.util.Arrays;
import java.util.List;

/** Measurements of the memory, threads and open files of this process. */
final class Vitals {
  /** The names of JUnit's own threads, of which there may be more at any time. */
  private static final String JUNIT_WORKER = "ForkJoinPool-\\d+-worker-\\d+";

  private Vitals() {}

  /** Returns the bytes of the heap that are in use after garbage collections. */
  static long heap() {
    long lowest = Long.MAX_VALUE;
    for (int i = 0; i < 4; i++) { // one collection may free objects that only the next one collects
      System.gc();
      lowest =
          Math.min(lowest, Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
    }
    return lowest;
  }

  static int threads() {
    return threadNames().size();
  }

  static List<String> threadNames() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> !name.matches(JUNIT_WORKER))
        .sorted()
        .toList();
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
