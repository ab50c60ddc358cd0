// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

/** What the server does to a resend. */
public enum Answer {
  NOW("201 at once", 201, "{\"success\":true}", 0, Outcome.SUCCESS),

  LATER("201 after 5 ms", 201, "{\"success\":true}", 5, Outcome.SUCCESS),

  REFUSED(
      "409 and its JSON at once",
      409,
      "{\"type\":\"RestartCooldownActiveException\",\"message\":\"Перезапуск недоступен: требуется"
          + " подождать.\",\"httpStatus\":409}",
      0,
      Outcome.COOLDOWN);

  final String title;
  final int status;
  final String body;
  final long delayMillis;
  final Outcome outcome;

  Answer(String title, int status, String body, long delayMillis, Outcome outcome) {
    this.title = title;
    this.status = status;
    this.body = body;
    this.delayMillis = delayMillis;
    this.outcome = outcome;
  }

  /** The first segment of its path, of one length for all. */
  char segment() {
    return Character.toLowerCase(name().charAt(0));
  }
}
