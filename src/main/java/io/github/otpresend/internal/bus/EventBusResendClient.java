// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.bus;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.DeadlineQueue;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.ReplyDecoder;
import io.github.otpresend.internal.RequestId;
import io.github.otpresend.internal.WireNames;
import io.netty.channel.EventLoop;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.EventBus;
import io.vertx.core.eventbus.Message;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The client of an event-bus address. Its outcome is that of the client that serves the address.
 */
public final class EventBusResendClient implements OtpResendClient {
  /**
   * How much longer the bus waits than the call, so that the reply comes before the bus times out.
   */
  private static final Duration MARGIN = Duration.ofMillis(500);

  /**
   * The most messages of one call. Another message follows only if the one before was not taken.
   */
  private static final int MAX_MESSAGES = 6;

  private final VertxInternal vertx;

  /** The event bus, by its public type. The internal type exists only since Vert.x 5.2. */
  private final EventBus bus;

  private final String address;
  private final Duration timeout;
  private final ContextInternal eventLoop;
  private final InFlight inFlight;

  /**
   * The deadlines of the calls on each event loop. Vert.x drops the timers and the replies of a
   * verticle that is undeployed, so these timers belong to no verticle.
   */
  private final Map<EventLoop, DeadlineQueue<Call>> deadlines = new ConcurrentHashMap<>();

  public EventBusResendClient(Vertx vertx, OtpResendOptions options) {
    ReplyDecoder.warmUp();
    this.vertx = Contexts.owner(vertx);
    bus = vertx.eventBus();
    address = options.getAddress();
    timeout = options.getTimeout();
    eventLoop =
        Contexts.eventLoop(
            this.vertx, (ContextInternal) Vertx.currentContext(), this.vertx.closeFuture());
    inFlight = new InFlight(this.vertx.closeFuture());
    inFlight.drained().onComplete(done -> closeDeadlines());
  }

  @Override
  public Future<ResendResponse> resend(String requestId) {
    ContextInternal caller = Contexts.ofCaller(vertx);
    try {
      // checked at this end too: between nodes, the bus would replace half a surrogate pair
      RequestId.check(requestId);
      inFlight.enter();
    } catch (ResendException refusal) {
      return Contexts.failed(caller, refusal);
    }
    Call call = new Call(caller, requestId);
    try {
      call.context.emit(call, Call::begin);
    } catch (RejectedExecutionException e) {
      call.end(null, Failures.of(ResendFailure.CLOSED, "Vert.x is closed", e));
    }
    return call.outcome.future();
  }

  /** One call, on an event loop. */
  private final class Call extends DeadlineQueue.Entry {
    private final ContextInternal context;
    private final Promise<ResendResponse> outcome;
    private final String requestId;
    private final long began = System.nanoTime();
    private final String expiresAt = "" + (System.currentTimeMillis() + timeout.toMillis());
    private int messages;
    private boolean isOver;

    Call(ContextInternal caller, String requestId) {
      this.requestId = requestId;
      outcome = caller.promise();
      // an event loop, since a worker may be blocked or closed when the reply comes
      context =
          caller.isEventLoopContext() && caller.owner() == vertx
              ? caller
              : Contexts.withData(eventLoop, caller);
    }

    void begin() {
      deadlines
          .computeIfAbsent(context.nettyEventLoop(), loop -> newQueue(context))
          .add(this, began);
      ask();
    }

    private void ask() {
      messages++;
      try {
        DeliveryOptions delivery =
            new DeliveryOptions()
                .setSendTimeout(Math.max(1, nanosLeft() / 1_000_000))
                .addHeader(WireNames.EXPIRES_AT, expiresAt);
        bus.request(address, RequestMessage.encode(requestId), delivery).onComplete(this::receive);
      } catch (Throwable e) { // of the application's tracer or metrics, perhaps after the sending
        end(null, Failures.of(ResendFailure.CONNECTION_LOST, "The event bus threw " + e, e));
      }
    }

    private void receive(@Nullable Message<Object> reply, @Nullable Throwable failure) {
      boolean isInTime = nanosLeft() > MARGIN.toNanos();
      if (failure != null
          && ReplyDecoder.isDiscarded(failure)
          && messages < MAX_MESSAGES
          && isInTime
          && !isOver) {
        ask();
        return;
      }
      try {
        end(reply == null ? null : ReplyDecoder.response(reply.body()), failure);
      } catch (ResendException invalid) {
        end(null, invalid);
      }
    }

    @Override
    public void expire() {
      end(
          null,
          new ResendException(ResendFailure.TIMEOUT, "No reply came over the event bus in time"));
    }

    private void end(@Nullable ResendResponse response, @Nullable Throwable failure) {
      if (isOver) {
        return;
      }
      isOver = true;
      cancel();
      inFlight.leave();
      Contexts.complete(outcome, response, failure == null ? null : ResendException.from(failure));
      inFlight.completeIfDrained();
    }
  }

  private DeadlineQueue<Call> newQueue(ContextInternal context) {
    return new DeadlineQueue<>(
        Contexts.eventLoop(vertx, context, vertx.closeFuture()), timeout.plus(MARGIN));
  }

  private void closeDeadlines() {
    deadlines.forEach((loop, queue) -> loop.execute(queue::close));
  }

  @Override
  public Future<Void> close() {
    inFlight.close();
    return Contexts.forCaller(vertx, inFlight.drained());
  }
}
