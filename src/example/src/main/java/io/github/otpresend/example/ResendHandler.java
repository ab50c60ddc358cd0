// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import io.github.otpresend.NextStep;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.ResendException;
import io.vertx.core.Handler;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;

/** Asks for a resend, and answers with the outcome as status, {@code Retry-After} and JSON. */
record ResendHandler(OtpResendClient client) implements Handler<RoutingContext> {
  @Override
  public void handle(RoutingContext context) {
    String requestId = Visit.requestId(context); // the browser does not know it
    client
        .resend(requestId)
        .onSuccess(
            response -> {
              // the service has answered without accepting: a code may come all the same
              String outcome = response.success() ? "SENT" : "NOT_ACCEPTED";
              Duration rest = response.retryAfter().orElse(Example.COOLDOWN);
              Visit.remember(context.session(), requestId, outcome, rest);
              answer(context, 200, outcome, rest);
            })
        .onFailure(
            cause -> {
              ResendException e = ResendException.from(cause);
              boolean wait = e.maybeSent() || e.nextStep() == NextStep.WAIT;
              Duration rest = e.retryAfter().orElse(wait ? Example.COOLDOWN : Duration.ZERO);
              Visit.remember(context.session(), requestId, e.nextStep().name(), rest);
              answer(context, status(e.nextStep()), e.nextStep().name(), rest);
            });
  }

  private static int status(NextStep nextStep) {
    return switch (nextStep) {
      case AWAIT_CODE -> 202;
      case PROCEED -> 409;
      case START_OVER -> 410;
      case WAIT -> 429;
      case FIX_REQUEST, FIX_CREDENTIALS -> 500;
      case RESEND, RETRY_LATER -> 503;
    };
  }

  private static void answer(RoutingContext context, int status, String outcome, Duration rest) {
    context.response().setStatusCode(status);
    if (!rest.isZero()) {
      context.response().putHeader("Retry-After", "" + (rest.toMillis() + 999) / 1_000);
    }
    context.json(new JsonObject().put("outcome", outcome).put("retryAfterMs", rest.toMillis()));
  }
}
