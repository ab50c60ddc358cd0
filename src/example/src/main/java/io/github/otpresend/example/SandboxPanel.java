// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import com.github.tomakehurst.wiremock.http.Fault;
import io.github.otpresend.sandbox.OtpSandbox;
import io.github.otpresend.sandbox.SandboxSession;
import io.github.otpresend.sandbox.SessionState;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/**
 * The second panel of the page. It sets how the sandbox answers, and shows the requests that the
 * service has seen.
 */
final class SandboxPanel {
  /** The code that the simulated message holds. */
  static final String CODE = "123456";

  private static final Set<String> STATES =
      Arrays.stream(SessionState.values()).map(Enum::name).collect(Collectors.toSet());
  private static final Duration SLOW = Duration.ofSeconds(3);

  private final OtpSandbox sandbox;
  private final AtomicInteger sessions = new AtomicInteger();

  SandboxPanel(OtpSandbox sandbox) {
    this.sandbox = sandbox;
  }

  /** Starts an authentication request in the sandbox, and returns its id. */
  String newRequestId() {
    String requestId = "request-" + sessions.incrementAndGet();
    sandbox.session(requestId).withCooldown(Example.COOLDOWN);
    return requestId;
  }

  void mount(Router router) {
    router.get("/sandbox").handler(context -> context.json(seen(Visit.requestId(context))));
    router.post("/sandbox/:answer").handler(this::setAnswer);
    router.post("/confirm").handler(this::confirm);
  }

  private JsonObject seen(String requestId) {
    JsonArray times = new JsonArray();
    sandbox.requestTimes(requestId).stream().map(Instant::toString).forEach(times::add);
    return new JsonObject().put("codes", sandbox.resends(requestId)).put("requests", times);
  }

  private void confirm(RoutingContext context) {
    boolean isRight = CODE.equals(context.body().asJsonObject().getString("code"));
    if (isRight) {
      String requestId = Visit.requestId(context);
      sandbox.session(requestId).inState(SessionState.SESSION_ALREADY_CONFIRMED);
      Visit.remember(context.session(), requestId, "PROCEED", Duration.ZERO);
    }
    context.json(new JsonObject().put("isRight", isRight));
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
    context.json(seen(requestId));
  }
}
