// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import com.github.tomakehurst.wiremock.http.Fault;
import io.github.otpresend.sandbox.OtpSandbox;
import io.github.otpresend.sandbox.SandboxSession;
import io.github.otpresend.sandbox.SessionState;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.Session;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** The second column of the page. It sets how the sandbox answers, and counts the codes. */
final class SandboxColumn {
  private static final Set<String> STATES =
      Arrays.stream(SessionState.values()).map(Enum::name).collect(Collectors.toSet());
  private static final Duration SLOW = Duration.ofSeconds(3);

  private final OtpSandbox sandbox;
  private final Duration cooldown;
  private final AtomicInteger sessions = new AtomicInteger();

  SandboxColumn(OtpSandbox sandbox, Duration cooldown) {
    this.sandbox = sandbox;
    this.cooldown = cooldown;
  }

  /** Starts an authentication request in the sandbox, and returns its id. */
  String newRequestId() {
    String requestId = "request-" + sessions.incrementAndGet();
    sandbox.session(requestId).withCooldown(cooldown);
    return requestId;
  }

  void mount(Router router) {
    router.get("/sandbox").handler(context -> context.json(codes(context.session())));
    router.post("/sandbox/:answer").handler(this::setAnswer);
  }

  private JsonObject codes(Session session) {
    return new JsonObject().put("codes", sandbox.resends(session.get(Visit.REQUEST_ID)));
  }

  /** Starts a new authentication request, to which the service answers as the person chose. */
  private void setAnswer(RoutingContext context) {
    String answer = context.pathParam("answer");
    String requestId = newRequestId();
    SandboxSession session = sandbox.session(requestId);
    if (answer.equals("SLOW")) {
      session.delay(SLOW);
    } else if (answer.equals("LOST")) {
      session.fault(Fault.CONNECTION_RESET_BY_PEER);
    } else if (STATES.contains(answer)) {
      session.inState(SessionState.valueOf(answer));
    } else {
      context.response().setStatusCode(400);
      context.json(new JsonObject().put("error", "answer must be SLOW, LOST or one of " + STATES));
      return;
    }
    Visit.start(context.session(), requestId);
    context.json(codes(context.session()));
  }
}
