// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.Message;
import io.vertx.core.internal.VertxInternal;
import java.time.Duration;
import java.time.Instant;

/** The client of an event-bus address; its outcome is that of the serving end. */
final class EventBusResendClient implements OtpResendClient {
  /** So much longer than the call itself does the bus wait, so that the typed answer wins. */
  private static final Duration MARGIN = Duration.ofMillis(500);

  private final VertxInternal vertx;
  private final String address;
  private final Duration timeout;
  private final InFlight inFlight = new InFlight();

  EventBusResendClient(Vertx vertx, OtpResendOptions options) {
    this.vertx = (VertxInternal) vertx;
    address = options.getAddress();
    timeout = options.getTimeout();
  }

  @Override
  public Future<ResendResponse> resend(String requestId) {
    try {
      // here too: a bus between nodes would replace half a surrogate pair
      RequestId.check(requestId);
      inFlight.enter();
    } catch (ResendException refusal) {
      return vertx.getOrCreateContext().failedFuture(refusal);
    }
    DeliveryOptions delivery =
        new DeliveryOptions()
            .setSendTimeout(timeout.plus(MARGIN).toMillis())
            .addHeader(ResendMessage.EXPIRES_AT, "" + Instant.now().plus(timeout).toEpochMilli());
    Future<Message<Object>> reply;
    try {
      reply = vertx.eventBus().request(address, ResendMessage.encodeRequest(requestId), delivery);
    } catch (RuntimeException e) {
      inFlight.leave();
      return Future.failedFuture(
          new ResendException(ResendFailure.CLOSED, "The event bus is closed", e));
    }
    return reply
        .map(message -> ResendMessage.decodeReply(message.body()))
        .recover(failure -> Future.failedFuture(ResendException.from(failure)))
        .onComplete(done -> inFlight.leave());
  }

  @Override
  public Future<Void> close() {
    inFlight.close();
    Promise<Void> onContextOfCaller = vertx.getOrCreateContext().promise();
    inFlight.drained().onComplete(onContextOfCaller);
    return onContextOfCaller.future();
  }
}
