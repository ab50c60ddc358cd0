// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.DeadlineQueue;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.Outcome;
import io.github.otpresend.internal.claims.Claims;
import io.github.otpresend.internal.http.Exchange;
import io.github.otpresend.internal.http.Link;
import io.github.otpresend.internal.http.Pool;
import io.github.otpresend.internal.http.Redaction;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.internal.ContextInternal;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One call, from its entry to its outcome: it gets the claim on its request id, a token and a
 * connection, sends, and settles the claim. It is used on the client's event loop only.
 */
final class Call extends DeadlineQueue.Entry implements Claims.Asker, Tokens.Asker, Pool.Waiter {
  /**
   * What the call waits for.
   *
   * @param abandon stops waiting; the event that the call waits for does not come any more
   * @param atDeadline returns the outcome if the deadline comes first
   */
  private record Stage(Runnable abandon, Supplier<ResendException> atDeadline) {}

  private final ClientState client;
  private final ContextInternal context;
  private final Promise<ResendResponse> promise;
  private final String requestId;
  private final String segment;
  private final Claims.Claim claim;
  private final long began = System.nanoTime();

  private @Nullable Stage stage; // null before the call has begun, and when it has ended
  private boolean isEntering;
  private @Nullable Set<Tokens.Asker> askers;
  private DeadlineQueue.@Nullable Entry queued;
  private @Nullable ConnectAttempts attempts;
  private String token = "";

  private @Nullable ResendException unauthorized; // the answer to the first request, if a 401
  private String rejectedToken = "";

  /**
   * @param segment the request id as a path segment
   */
  Call(ClientState client, ContextInternal caller, String requestId, String segment) {
    this.client = client;
    this.requestId = requestId;
    this.segment = segment;
    claim = client.claims.claim(requestId);
    context = Contexts.traced(client.home, caller);
    promise = caller.promise();
  }

  Future<ResendResponse> outcome() {
    return promise.future();
  }

  /** Starts the call on the event loop; at once, if this thread is the event loop. */
  void start() {
    context.emit(this, Call::enter);
  }

  private void enter() {
    isEntering = true;
    try {
      client.deadlines.add(this, began);
      if (nanosLeft() <= 0) {
        String message = "The client's event loop was busy until the deadline; no request was sent";
        fail(new ResendException(ResendFailure.CONNECTION_FAILED, message));
      } else {
        await(claim::abandon, claim::late);
        claim.ask(due(), this);
      }
    } finally {
      isEntering = false;
    }
  }

  private void await(Runnable abandon, Supplier<ResendException> atDeadline) {
    stage = new Stage(abandon, atDeadline);
  }

  @Override
  public void claimed(@Nullable Outcome refusal) {
    if (refusal != null) {
      end(refusal);
    } else {
      awaitToken();
      askers = client.tokens.ask(this);
    }
  }

  private void awaitToken() {
    await(
        () -> {
          if (askers != null) {
            askers.remove(this);
          }
        },
        () -> Tokens.unavailable("did not answer in time"));
  }

  @Override
  public void useToken(@Nullable String token, @Nullable ResendException failure) {
    if (token == null) {
      fail(Objects.requireNonNull(failure));
    } else if (unauthorized != null && token.equals(rejectedToken)) {
      fail(unauthorized);
    } else {
      this.token = token;
      takeConnection();
    }
  }

  private void takeConnection() {
    await(
        () -> {
          if (queued != null) {
            queued.cancel();
          }
        },
        () -> attempts().failure());
    queued = client.pool.take(this);
  }

  private ConnectAttempts attempts() {
    if (attempts == null) {
      attempts = new ConnectAttempts(client.service, client.options.getConnectAttempts());
    }
    return attempts;
  }

  @Override
  public void notConnected(Throwable cause) {
    attempts().failed(cause);
    long pause = attempts().pauseMillis(nanosLeft() / 1_000_000);
    if (pause > 0) {
      long timer = context.setTimer(pause, id -> takeConnection());
      await(() -> context.owner().cancelTimer(timer), () -> attempts().failure());
    } else {
      fail(attempts().failure());
    }
  }

  @Override
  public void connected(Link link) {
    if (nanosLeft() <= 0) {
      // later: giving the connection back now would call the next waiter within this method
      context.runOnContext(v -> client.pool.giveBack(link));
      fail(attempts().failure());
      return;
    }
    Exchange exchange =
        new Exchange(
            client.transport,
            client.pool,
            link,
            client.options.getMaxResponseBytes(),
            token,
            this::answered);
    await(exchange::abandon, () -> Failures.timedOut(client.options.getTimeout()));
    claim.sending();
    exchange.send(context, segment);
  }

  private void answered(Outcome answer) {
    ResendException failure = answer.failure();
    boolean is401 =
        failure != null
            && failure.failure() == ResendFailure.UNAUTHORIZED
            && failure.httpStatus() == 401;
    if (is401 && unauthorized == null) {
      unauthorized = failure;
      rejectedToken = token;
      attempts = null;
      awaitToken();
      askers = client.tokens.askAgain(rejectedToken, this);
    } else {
      end(failure == null ? answer : Outcome.of(Redaction.without(rejectedToken, failure)));
    }
  }

  /** Ends the call, because its deadline has come. */
  @Override
  public void expire() {
    for (Stage last = stage; last != null; last = stage) { // and then the wait for the release
      last.abandon.run();
      Stage now = stage;
      if (now != null && now.abandon == last.abandon) { // equals would keep the class loader
        fail(last.atDeadline.get());
      }
    }
  }

  private void fail(ResendException failure) {
    end(Outcome.of(failure));
  }

  private void end(Outcome decided) {
    Outcome outcome = claim.decide(decided);
    Future<Void> settled = claim.settle(outcome);
    // does not wait until the deadline has passed: the store may have caused the delay
    await(() -> leave(outcome), claim::late);
    if (settled.isComplete()) {
      leave(outcome);
    } else {
      settled.onComplete(
          done -> {
            if (stage != null) { // the deadline has not come meanwhile
              leave(outcome);
            }
          });
    }
  }

  /**
   * Leaves the client, and only then gives the outcome to the caller and to the calls that share
   * this one. Their handlers may do anything.
   */
  private void leave(Outcome outcome) {
    stage = null;
    cancel();
    claim.free();
    client.leave(requestId, outcome);
    claim.complete(outcome);
    if (isEntering) { // a handler that asks again would otherwise ask within this method
      context.runOnContext(v -> deliver(outcome));
    } else {
      deliver(outcome);
    }
  }

  private void deliver(Outcome outcome) {
    Contexts.complete(promise, outcome.response(), outcome.failure());
    client.closeIfDrained();
  }
}
