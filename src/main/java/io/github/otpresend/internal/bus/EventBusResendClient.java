// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.bus;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.ReplyDecoder;
import io.github.otpresend.internal.RequestId;
import io.github.otpresend.internal.WireNames;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.EventBus;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;

/**
 * The client of an event-bus address. Its outcome is that of the client that serves the address.
 */
public final class EventBusResendClient implements OtpResendClient {
  /**
   * How much longer the bus waits than the call, so that the reply comes before the bus times out.
   */
  private static final Duration MARGIN = Duration.ofMillis(500);

  private final VertxInternal vertx;

  /** The event bus, by its public type. The internal type exists only since Vert.x 5.2. */
  private final EventBus bus;

  private final String address;
  private final Duration timeout;
  private final ContextInternal eventLoop;
  private final InFlight inFlight = new InFlight();

  public EventBusResendClient(Vertx vertx, OtpResendOptions options) {
    ReplyDecoder.warmUp();
    this.vertx = (VertxInternal) vertx;
    bus = vertx.eventBus();
    address = options.getAddress();
    timeout = options.getTimeout();
    eventLoop =
        Contexts.eventLoop(
            this.vertx, (ContextInternal) Vertx.currentContext(), this.vertx.closeFuture());
  }

  @Override
  public Future<ResendResponse> resend(String requestId) {
    ContextInternal caller = Contexts.ofCaller(vertx);
    try {
      // checked at this end too: between nodes, the bus would replace half a surrogate pair
      RequestId.check(requestId);
      inFlight.enter();
    } catch (ResendException refusal) {
      return caller.failedFuture(refusal);
    }
    Promise<ResendResponse> outcome = caller.promise();
    long expiresAt = System.currentTimeMillis() + timeout.toMillis();
    try {
      context(caller)
          .emit(
              v ->
                  request(requestId, expiresAt)
                      .onComplete(
                          (response, failure) -> {
                            inFlight.leave();
                            Contexts.complete(
                                outcome,
                                response,
                                failure == null ? null : ResendException.from(failure));
                          }));
    } catch (RejectedExecutionException e) {
      inFlight.leave();
      return Future.failedFuture(Failures.of(ResendFailure.CLOSED, "Vert.x is closed", e));
    }
    return outcome.future();
  }

  /** Returns the context for the reply: an event loop, since a worker may be blocked or closed. */
  private ContextInternal context(ContextInternal caller) {
    return caller.isEventLoopContext() && caller.owner() == vertx
        ? caller
        : Contexts.traced(eventLoop, caller);
  }

  private Future<ResendResponse> request(String requestId, long expiresAt) {
    DeliveryOptions delivery =
        new DeliveryOptions()
            .setSendTimeout(timeout.plus(MARGIN).toMillis())
            .addHeader(WireNames.EXPIRES_AT, "" + expiresAt);
    try {
      return bus.request(address, RequestMessage.encode(requestId), delivery)
          .map(message -> ReplyDecoder.response(message.body()));
    } catch (RuntimeException e) {
      return Future.failedFuture(Failures.of(ResendFailure.CLOSED, "The event bus is closed", e));
    }
  }

  @Override
  public Future<Void> close() {
    inFlight.close();
    return Contexts.forCaller(vertx, inFlight.drained());
  }
}
