// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

/** What is measured of a turn. */
enum Figure {
  CPU("CPU µs per resend", "%.1f"),
  THROUGHPUT("resends per second", "%,.0f"),
  ALLOCATED("allocated bytes per resend", "%,.0f"),
  P50("p50 µs", "%,.0f"),
  P99("p99 µs", "%,.0f"),
  P999("p99.9 µs", "%,.0f"),
  SERVER("server's core busy, %", "%.0f");

  final String title;
  final String format;

  Figure(String title, String format) {
    this.title = title;
    this.format = format;
  }
}
