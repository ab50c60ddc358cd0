// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Session;

/** What the web session of a browser keeps: the request id, and the last outcome. */
final class Visit {
  static final String REQUEST_ID = "requestId";

  private static final String OUTCOME = "outcome";
  private static final String READY_AT = "readyAt";

  private Visit() {}

  /** Starts an authentication request whose code was not resent yet. */
  static void start(Session session, String requestId) {
    session.put(REQUEST_ID, requestId).remove(OUTCOME);
    session.remove(READY_AT);
  }

  static void remember(Session session, JsonObject outcome) {
    long readyAt = System.currentTimeMillis() + outcome.getLong("retryAfterMs");
    session.put(OUTCOME, outcome.getString("outcome")).put(READY_AT, readyAt);
  }

  /** Returns the last outcome with the time that is left, so that a reload keeps the countdown. */
  static JsonObject lastOutcome(Session session) {
    String outcome = session.get(OUTCOME);
    if (outcome == null) {
      return new JsonObject();
    }
    long rest = session.<Long>get(READY_AT) - System.currentTimeMillis();
    return new JsonObject().put("outcome", outcome).put("retryAfterMs", Math.max(0, rest));
  }
}
