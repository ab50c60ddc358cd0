// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.Session;
import java.time.Duration;

/** What the web session of a browser keeps: the request id, and the last outcome. */
final class Visit {
  private static final String REQUEST_ID = "requestId";
  private static final String OUTCOME = "outcome";
  private static final String READY_AT = "readyAt";

  private Visit() {}

  /** Starts an authentication request whose code was not resent yet. */
  static void start(Session session, String requestId) {
    session.put(REQUEST_ID, requestId).remove(OUTCOME);
    session.remove(READY_AT);
  }

  static void end(Session session) {
    session.remove(REQUEST_ID);
  }

  static boolean isStarted(Session session) {
    return session.get(REQUEST_ID) != null;
  }

  static String requestId(RoutingContext context) {
    return context.session().get(REQUEST_ID);
  }

  /** Keeps an outcome of a request, and how long the person has to wait from now on. */
  static void remember(Session session, String requestId, String outcome, Duration rest) {
    if (!requestId.equals(session.get(REQUEST_ID))) {
      return; // the person has begun again meanwhile
    }
    session.put(OUTCOME, outcome).remove(READY_AT);
    if (!rest.isZero()) {
      session.put(READY_AT, System.currentTimeMillis() + rest.toMillis());
    }
  }

  /** Returns the last outcome with the time that is left; empty if there is none. */
  static JsonObject lastOutcome(Session session) {
    Long readyAt = session.get(READY_AT);
    long rest = readyAt == null ? 0 : Math.max(0, readyAt - System.currentTimeMillis());
    boolean isOver = readyAt != null && rest == 0; // what was true before the wait may be no more
    return new JsonObject()
        .put("outcome", isOver ? "READY" : session.get(OUTCOME))
        .put("retryAfterMs", rest);
  }
}
