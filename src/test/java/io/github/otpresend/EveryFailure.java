// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.json.JsonObject;
import java.time.Duration;

/** Serves a client that fails with whatever kind of failure the request id names. */
public final class EveryFailure extends VerticleBase {
  static final String ADDRESS = "every.failure";

  /** A failure of a kind, with all that one can have. */
  static ResendException of(String kind) {
    ResendFailure failure = ResendFailure.valueOf(kind);
    return new ResendException(
        failure.type(),
        failure.httpStatus(),
        failure.maybeSent(),
        "Сообщение о " + kind,
        Duration.ofMillis(30_500),
        new JsonObject().put("wait", 30).put("часть", "ы"));
  }

  @Override
  public Future<?> start() {
    return EventBusAdapter.register(
        vertx,
        ADDRESS,
        new OtpResendClient() {
          @Override
          public Future<ResendResponse> resend(String requestId) {
            return Future.failedFuture(of(requestId));
          }

          @Override
          public Future<Void> close() {
            return Future.succeededFuture();
          }
        });
  }
}
