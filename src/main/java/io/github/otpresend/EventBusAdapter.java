// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.StrictJson;
import io.github.otpresend.internal.WireNames;
import io.github.otpresend.internal.bus.Departure;
import io.github.otpresend.internal.bus.RequestMessage;
import io.vertx.core.Closeable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.MessageConsumer;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.lang.System.Logger.Level;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * An adapter that serves a client at an event-bus address.
 *
 * <p>A request is {@code {"requestId": "…"}}, or the bare id as a string. A request that comes
 * after its optional header {@code expires-at}, in milliseconds since the epoch, is not sent. The
 * reply is {@code {"success": true}}. A failure is a {@link io.vertx.core.eventbus.ReplyException}
 * whose {@code failureCode()} is {@link ResendException#httpStatus()} and whose message is the JSON
 * of {@link ResendException#toJson()}; {@link ResendException#from} decodes it. Vert.x's built-in
 * codecs carry all of that, so the sender does not need this library. A message without a reply
 * address is served too, and its failure is logged.
 *
 * <pre>{@code
 * EventBusAdapter.register(vertx, "otp.resend", client)
 *     .onSuccess(adapter -> log.info("served"));
 * vertx.eventBus().request("otp.resend", new JsonObject().put("requestId", requestId));
 * }</pre>
 */
public final class EventBusAdapter {
  private static final System.Logger LOG = System.getLogger(EventBusAdapter.class.getName());

  private final VertxInternal vertx;
  private final OtpResendClient client;
  private final MessageConsumer<Object> consumer;
  private final AtomicBoolean counted = new AtomicBoolean(true);
  private final AtomicBoolean leaving = new AtomicBoolean();
  private final Promise<Void> unregistered = Promise.promise();

  /** The number of messages that came after {@link #unregister}. */
  private final AtomicInteger latecomers = new AtomicInteger();

  private EventBusAdapter(Vertx vertx, String address, OtpResendClient client) {
    this.vertx = Contexts.owner(vertx);
    this.client = client;
    consumer = vertx.eventBus().consumer(address);
  }

  /**
   * Serves a client at an address, for messages of this node and, if Vert.x is clustered, of all
   * other nodes. Messages are handled on the context of the caller.
   *
   * @param vertx the Vert.x whose event bus is used
   * @param address the address, such as {@value OtpResendOptions#DEFAULT_ADDRESS}
   * @param client the client that handles the calls; the caller must still close it
   * @return a future that completes with the adapter once the address is bound, and fails if the
   *     cluster does not bind the address
   */
  public static Future<EventBusAdapter> register(
      Vertx vertx, String address, OtpResendClient client) {
    EventBusAdapter adapter = new EventBusAdapter(vertx, address, client);
    adapter.bind();
    return adapter
        .consumer
        .completion()
        .onFailure(
            unbound -> {
              adapter.withdraw();
              adapter.consumer.unregister(); // this node may have bound the address already
            })
        .map(adapter);
  }

  private void bind() {
    Departure.arrived(vertx, consumer.address());
    ContextInternal context = vertx.getOrCreateContext();
    if (context.isDeployment()) { // then Vert.x unregisters the consumer with the verticle
      Closeable onUndeploy =
          completion -> {
            withdraw();
            completion.succeed();
          };
      context.closeFuture().add(onUndeploy);
      unregistered.future().onComplete(done -> context.closeFuture().remove(onUndeploy));
    }
    consumer.handler(this::serve);
  }

  /** Removes this adapter from the count. Returns whether it was the last of its address. */
  private boolean withdraw() {
    return counted.compareAndSet(true, false) && Departure.withdrawn(vertx, consumer.address());
  }

  /**
   * Stops taking messages. Messages that were taken are still answered when their call ends. In a
   * cluster, the last adapter of a node at an address first removes the node from the cluster's
   * list of that address. It goes on serving until half a second has passed without a message, or
   * for 5 s at most. Any other consumer of the same address on this node leaves the list too: other
   * nodes no longer send to that consumer. So use the address for adapters only.
   *
   * @return a future that completes once the address is unbound, also for a second or later call
   */
  public Future<Void> unregister() {
    if (leaving.compareAndSet(false, true)) {
      Future<Void> departure =
          withdraw()
              ? Departure.ofLast(vertx, consumer.address(), latecomers::get)
              : Future.succeededFuture();
      departure.eventually(consumer::unregister).onComplete(unregistered);
    }
    return Contexts.forCaller(vertx, unregistered.future());
  }

  private void serve(Message<Object> message) {
    if (leaving.get()) {
      latecomers.incrementAndGet();
    }
    try {
      RequestMessage.checkExpiry(message.headers().get(WireNames.EXPIRES_AT), Instant.now());
      client
          .resend(RequestMessage.decode(message.body()))
          .onComplete((response, failure) -> reply(message, response, failure));
    } catch (Throwable e) { // a refusal, or another client threw or returned null
      reply(message, null, e);
    }
  }

  private void reply(
      Message<Object> message, @Nullable ResendResponse response, @Nullable Throwable failure) {
    ResendException refusal;
    try {
      if (response != null) {
        message.reply(response.toJson());
        return;
      }
      refusal =
          failure == null
              ? new ResendException(
                  ResendFailure.INVALID_RESPONSE, "The client gave no response and no failure")
              : ResendException.from(failure);
    } catch (Throwable e) { // for example, of a tracer
      refusal =
          Failures.of(
              ResendFailure.INVALID_RESPONSE,
              "The outcome could not be passed on: " + e.getClass().getName(),
              e);
    }
    fail(message, refusal);
  }

  private void fail(Message<Object> message, ResendException failure) {
    message.fail(failure.httpStatus(), StrictJson.write(failure.toJson()));
    if (message.replyAddress() == null) {
      String sent = failure.maybeSent() ? "maybe sent" : "not sent";
      Contexts.shield(
          vertx.getOrCreateContext(),
          () ->
              LOG.log(
                  Level.WARNING,
                  "A resend failed, and its message has no reply address: {0}, {1}",
                  failure.failure(),
                  sent));
    }
  }
}
