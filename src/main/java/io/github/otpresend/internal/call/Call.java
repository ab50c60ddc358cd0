// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.DeadlineQueue;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.Outcomes;
import io.github.otpresend.internal.ReplyDecoder;
import io.github.otpresend.internal.claims.ClusterGuard;
import io.github.otpresend.internal.claims.Cooldowns;
import io.github.otpresend.internal.claims.SingleFlight;
import io.github.otpresend.internal.http.BoundedBody;
import io.github.otpresend.internal.http.Link;
import io.github.otpresend.internal.http.Pool;
import io.github.otpresend.internal.http.Redaction;
import io.github.otpresend.internal.http.ResponseDecoder;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.HttpResponse;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One call, from its entry to its outcome. It is used on the client's event loop only.
 *
 * <p>The {@link Step} of a call says which event the call waits for. Any other event, except the
 * deadline, comes too late and is ignored.
 */
final class Call extends DeadlineQueue.Entry implements Tokens.Asker, Pool.Waiter {
  /** What a call waits for. */
  private enum Step {
    /** Its turn on the event loop. */
    ENTRY,

    /** The outcome of another call for the same request id. */
    SHARED,

    /** The cluster's map. */
    GUARD,

    /** The token provider. */
    TOKEN,

    /** A connection, or the end of a pause between two attempts to get one. */
    CONNECTION,

    /** The answer. The service may have acted. */
    SENT,

    /** Giving back the connection, and updating the cluster's map. The outcome is decided. */
    ENDING,

    /** Nothing. */
    DONE
  }

  private final ClientState client;
  private final ContextInternal context;
  private final Promise<ResendResponse> outcome;
  private final String requestId;
  private final String segment;
  private final long began = System.nanoTime();

  private Step step = Step.ENTRY;
  private boolean hasPlace;
  private SingleFlight.@Nullable Flight flight;
  private ClusterGuard.@Nullable Hold hold;
  private Tokens.@Nullable Askers askers;
  private String token = "";
  private DeadlineQueue.@Nullable Entry queued;
  private @Nullable ConnectAttempts attempts;
  private Cooldowns.@Nullable Cooldown cooldown;
  private @Nullable Link link;

  /** The answer to the first request, if that was a 401. */
  private @Nullable ResendException unauthorized;

  private String rejectedToken = "";
  private @Nullable ResendResponse response;
  private @Nullable ResendException failure;

  /**
   * @param segment the request id as a path segment
   */
  Call(ClientState client, ContextInternal caller, String requestId, String segment) {
    this.client = client;
    this.requestId = requestId;
    this.segment = segment;
    context = Contexts.traced(client.home, caller);
    outcome = caller.promise();
  }

  Future<ResendResponse> outcome() {
    return outcome.future();
  }

  /** Starts the call on the event loop; at once, if this thread is the event loop. */
  void start() {
    context.emit(this, Call::enter);
  }

  private void enter() {
    if (!client.enter()) {
      Contexts.complete(
          outcome, null, new ResendException(ResendFailure.CLOSED, "The client is closed"));
      return;
    }
    client.deadlines.add(this, began);
    if (client.flights != null) {
      SingleFlight.Flight own = client.flights.flight(requestId);
      Handler<Promise<JsonObject>> running = own.begin();
      if (running != null) {
        follow(running);
        return;
      }
      flight = own;
    }
    try {
      admit();
    } catch (ResendException refusal) {
      fail(refusal);
      return;
    }
    if (client.guard != null) {
      acquire(client.guard);
    } else {
      askForToken();
    }
  }

  /** Takes a place for the call, or throws the reason why the call must not begin. */
  private void admit() {
    if (client.cooldowns != null) {
      client.cooldowns.check(requestId);
    }
    hasPlace = client.takePlace();
    if (!hasPlace) {
      throw new ResendException(
          ResendFailure.OVERLOADED,
          "As many resends are in flight as maxConnections and maxPending allow");
    } else if (nanosLeft() <= 0) {
      throw new ResendException(
          ResendFailure.CONNECTION_FAILED,
          "The client's event loop was busy until the deadline; no request was sent");
    }
  }

  private void follow(Handler<Promise<JsonObject>> running) {
    step = Step.SHARED;
    Promise<JsonObject> shared = context.promise();
    shared
        .future()
        .map(ReplyDecoder::response)
        .onComplete(
            (reply, cause) -> {
              if (step == Step.SHARED) {
                decide(reply, cause == null ? null : ResendException.from(cause));
                conclude();
              }
            });
    running.handle(shared);
  }

  private void acquire(ClusterGuard guard) {
    step = Step.GUARD;
    // rounded up, so that the entry does not end before the call
    guard
        .acquire(requestId, nanosLeft() / 1_000_000 + 1)
        .onComplete(
            (acquired, cause) -> {
              if (step != Step.GUARD) {
                if (acquired != null) {
                  guard.release(acquired);
                }
              } else if (acquired == null) {
                fail(ResendException.from(Objects.requireNonNull(cause)));
              } else {
                hold = acquired;
                askForToken();
              }
            });
  }

  private void askForToken() {
    step = Step.TOKEN;
    askers = client.tokens.ask(this);
  }

  @Override
  public void useToken(@Nullable String token, @Nullable ResendException failure) {
    askers = null;
    if (step != Step.TOKEN) {
      return;
    } else if (token == null) {
      fail(Objects.requireNonNull(failure));
    } else if (unauthorized != null && token.equals(rejectedToken)) {
      fail(unauthorized);
    } else {
      this.token = token;
      step = Step.CONNECTION;
      queued = client.pool.take(this);
    }
  }

  @Override
  public void notConnected(Throwable cause) {
    queued = null;
    attempts().failed(cause);
    long pause = attempts().pauseMillis(nanosLeft() / 1_000_000);
    if (pause > 0) {
      context.setTimer(pause, id -> connectAgain());
    } else {
      fail(attempts().failure());
    }
  }

  private void connectAgain() {
    if (step == Step.CONNECTION) {
      queued = client.pool.take(this);
    }
  }

  private ConnectAttempts attempts() {
    if (attempts == null) {
      attempts = new ConnectAttempts(client.service, client.options.getConnectAttempts());
    }
    return attempts;
  }

  @Override
  public void connected(Link link) {
    queued = null;
    try {
      if (nanosLeft() <= 0) {
        throw attempts().failure();
      } else if (client.cooldowns != null) {
        cooldown = client.cooldowns.begin(requestId);
      }
    } catch (ResendException unsent) {
      // later: giving the connection back now would call the next waiter within this method
      context.runOnContext(v -> client.pool.giveBack(link));
      fail(unsent);
      return;
    }
    send(link);
  }

  private void send(Link link) {
    this.link = link;
    step = Step.SENT;
    BoundedBody body = new BoundedBody(link, client.options.getMaxResponseBytes());
    client
        .transport
        .send(context, link, segment, token, body)
        .onComplete((answer, cause) -> receive(body, answer, cause));
  }

  private void receive(
      BoundedBody body, @Nullable HttpResponse<Buffer> answer, @Nullable Throwable cause) {
    if (step != Step.SENT) {
      return;
    }
    Link used = Objects.requireNonNull(link);
    link = null;
    ResendResponse success = null;
    ResendException refusal = null;
    try {
      success = decode(body, answer, cause);
    } catch (ResendException e) {
      refusal = e;
    } catch (Throwable e) { // for example, a class of Jackson is missing
      refusal =
          Failures.of(
              ResendFailure.INVALID_RESPONSE,
              "The answer could not be decoded: " + e.getClass().getName(),
              e);
    }
    if (answer == null) {
      client.pool.lost(used);
    } else if (refusal != null && Outcomes.closesConnection(refusal.failure())) {
      used.close();
    } else {
      used.received(answer);
    }
    boolean isFirst401 =
        unauthorized == null
            && refusal != null
            && refusal.failure() == ResendFailure.UNAUTHORIZED
            && refusal.httpStatus() == 401;
    if (isFirst401) {
      unauthorized = refusal;
      stopCooldown();
      rejectedToken = token;
      attempts = null;
      step = Step.TOKEN;
    } else {
      decide(success, refusal);
    }
    // Netty may still deliver data that it has already read. So the connection is given back one
    // turn of the event loop later. Data that comes before that closes the connection, and no other
    // request is on it then.
    context.runOnContext(
        v -> {
          client.pool.giveBack(used);
          if (isFirst401) {
            askAgain();
          } else {
            conclude();
          }
        });
  }

  private ResendResponse decode(
      BoundedBody body, @Nullable HttpResponse<Buffer> answer, @Nullable Throwable cause) {
    try {
      return ResponseDecoder.decode(body, answer, cause);
    } catch (ResendException e) {
      throw Redaction.without(rejectedToken, Redaction.without(token, e));
    }
  }

  private void askAgain() {
    if (step == Step.TOKEN) {
      askers = client.tokens.askAgain(rejectedToken, this);
    }
  }

  /** Ends the call, because its deadline has come. */
  @Override
  public void expire() {
    ResendException timedOut =
        switch (step) {
          case GUARD -> ClusterGuard.unavailable("did not answer in time", null);
          case TOKEN -> Tokens.unavailable("did not answer in time");
          case ENTRY, CONNECTION -> attempts().failure();
          case SHARED, SENT ->
              new ResendException(
                  ResendFailure.TIMEOUT,
                  "No complete answer within timeout, " + client.options.getTimeout());
          case ENDING, DONE -> null;
        };
    if (timedOut != null) {
      if (askers != null) {
        askers.remove(this);
      }
      if (queued != null) {
        queued.cancel();
      }
      if (link != null) {
        client.pool.lost(link);
      }
      fail(timedOut);
    }
    leave(); // without waiting for the cluster, since the cluster may have caused the delay
  }

  // ---- the outcome

  private void fail(ResendException failure) {
    decide(null, failure);
    conclude();
  }

  private void decide(@Nullable ResendResponse response, @Nullable ResendException failure) {
    step = Step.ENDING;
    if (failure != null && !failure.maybeSent()) {
      stopCooldown();
    }
    this.response =
        response == null || cooldown == null
            ? response
            : new ResendResponse(response.success(), Optional.of(cooldown.rest()));
    this.failure =
        failure == null || cooldown == null ? failure : Failures.waiting(failure, cooldown.rest());
  }

  private void stopCooldown() {
    if (cooldown != null) {
      cooldown.stop();
      cooldown = null;
    }
  }

  /**
   * Updates the cluster's entry before the call leaves. Otherwise the entry would refuse the
   * caller's next call.
   */
  private void conclude() {
    boolean keepsHold = failure != null && Outcomes.keepsHold(failure.failure());
    if (hold == null || (keepsHold && cooldown == null)) {
      leave();
      return;
    }
    ClusterGuard guard = Objects.requireNonNull(client.guard);
    Future<Void> concluded =
        cooldown == null ? guard.release(hold) : guard.coolDown(hold, cooldown.rest(), keepsHold);
    concluded.onComplete(done -> context.emit(v -> leave()));
  }

  /**
   * Leaves the client, and only then completes the caller's future, whose handlers may do anything.
   */
  private void leave() {
    if (step == Step.DONE) {
      return;
    }
    step = Step.DONE;
    cancel();
    client.leave(hasPlace, requestId, response, failure);
    if (flight != null) {
      flight.end(response, failure);
    }
    Contexts.complete(outcome, response, failure);
    client.closeIfDrained();
  }
}
