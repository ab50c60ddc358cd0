// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example.recipes;

import io.vertx.core.Vertx;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.healthchecks.HealthChecks;
import io.vertx.ext.healthchecks.Status;

/**
 * A health check of the event-bus address.
 *
 * <p>It promises: the check is OK if a verticle serves the address, and else not, within the second
 * that Vert.x allows. Nothing is sent. It does not show whether the service is up.
 */
public final class Health {
  private Health() {}

  public static HealthChecks checks(Vertx vertx) {
    return HealthChecks.create(vertx)
        .register(
            "otp.resend",
            result ->
                vertx // an empty message is refused, and only a verticle that serves can refuse it
                    .eventBus()
                    .request("otp.resend", new JsonObject())
                    .onComplete(
                        (reply, cause) -> // Vert.x may have completed the check meanwhile
                        result.tryComplete(
                                cause instanceof ReplyException e
                                        && e.failureType() == ReplyFailure.RECIPIENT_FAILURE
                                        && e.failureCode() == 400
                                    ? Status.OK()
                                    : Status.KO())));
  }
}
