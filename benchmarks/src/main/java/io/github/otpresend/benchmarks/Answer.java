// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

/** What the server answers. */
public enum Answer {
  SUCCESS("201", 201, "{\"success\":true}", Outcome.SUCCESS),

  REFUSED(
      "409 and its JSON",
      409,
      "{\"type\":\"RestartCooldownActiveException\",\"message\":\"Перезапуск недоступен: требуется"
          + " подождать.\",\"httpStatus\":409}",
      Outcome.COOLDOWN);

  final String title;
  final int status;
  final String body;
  final Outcome outcome;

  Answer(String title, int status, String body, Outcome outcome) {
    this.title = title;
    this.status = status;
    this.body = body;
    this.outcome = outcome;
  }

  /** Returns the first segment of the path of the requests for this answer. */
  char segment() {
    return Character.toLowerCase(name().charAt(0));
  }
}
