// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;

/** A verticle that serves a client. Each call fails with the kind of failure in its request id. */
public final class EveryFailure extends VerticleBase {
  public static final String ADDRESS = "every.failure";

  /** Returns a failure of a kind, with a value for everything that a failure can contain. */
  public static ResendException of(String kind) {
    ResendFailure failure = ResendFailure.valueOf(kind);
    JsonObject message =
        new JsonObject()
            .put("type", failure.type())
            .put("message", "Сообщение о " + kind)
            .put("httpStatus", failure.httpStatus())
            .put("maybeSent", failure.maybeSent())
            .put("retryAfterMs", 30_500)
            .put("payload", new JsonObject().put("wait", 30).put("часть", "ы"));
    return ResendException.from(
        new ReplyException(ReplyFailure.RECIPIENT_FAILURE, failure.httpStatus(), message.encode()));
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
