// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.Outcome;
import io.github.otpresend.internal.Outcomes;
import io.github.otpresend.internal.ReplyDecoder;
import io.github.otpresend.internal.Time;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The claims of the calls of one client. A call may send only while it has the claim on its request
 * id: among all clients of its {@code Vertx}, and among all nodes if these share their claims. This
 * class is used on the client's event loop only.
 */
public final class Claims {
  /** The part of an owner's name that no other copy of the library has, in any process. */
  private static final String COPY = UUID.randomUUID().toString();

  private static final AtomicLong LAST_OWNER = new AtomicLong();

  private final Time time;
  private final LocalClaims local;
  private final @Nullable SharedClaims shared;
  private final boolean sharesOutcomes;
  private final Duration timeout;
  private final Duration cooldown;
  private final Operations operations;

  /** A call that asks for a claim. */
  public interface Asker {
    /**
     * Receives null if it has the claim; else the outcome of the call that has it, or a refusal.
     */
    void claimed(@Nullable Outcome refusal);
  }

  /**
   * @param service the name of the service to which the request ids belong
   * @param shared the claims of all nodes; null if the nodes do not share their claims
   */
  public Claims(
      Time time,
      Vertx vertx,
      String service,
      OtpResendOptions options,
      @Nullable SharedClaims shared) {
    this.time = time;
    this.shared = shared;
    sharesOutcomes = options.isSingleFlight();
    timeout = options.getTimeout();
    cooldown = options.getCooldown();
    local = new LocalClaims(vertx, service, cooldown, time);
    operations = new Operations(time, options.getConnectTimeout());
  }

  /** Creates the claim of a call, which then asks for it. */
  public Claim claim(String requestId) {
    return new Claim(requestId);
  }

  /** Closes the shared claims, once none of their operations is under way. */
  public Future<Void> close() {
    SharedClaims store = shared;
    Future<Void> idle = operations.close();
    return store == null ? idle : idle.onSuccess(done -> store.close());
  }

  /** The claim of one call. */
  public final class Claim {
    private final String requestId;

    /** The call, while it waits for the claim. */
    private @Nullable Asker asker;

    private boolean isSharer;
    private long deadline;
    private LocalClaims.@Nullable Flight flight; // not null once this call has the local claim
    private SharedClaims.@Nullable Claim granted; // not null once this call has the shared claim
    private long sentAt;

    /** The end of the cooldown by {@link System#nanoTime()}, once the call has begun it. */
    private @Nullable Long coolingUntil;

    private Claim(String requestId) {
      this.requestId = requestId;
    }

    /**
     * Asks for the claim. The asker may be called at once.
     *
     * @param deadline the end of the call, by {@link System#nanoTime()}
     */
    public void ask(long deadline, Asker asker) {
      this.asker = asker;
      this.deadline = deadline;
      LocalClaims.Flight own = local.flight(requestId);
      Function<@Nullable Promise<JsonObject>, @Nullable Long> other;
      try {
        other = own.begin(deadline);
      } catch (ResendException coolingDown) {
        answer(Outcome.of(coolingDown));
        return;
      }
      if (other != null) {
        Long otherDeadline = other.apply(sharesOutcomes ? shared() : null);
        isSharer = otherDeadline == null;
        if (otherDeadline != null) {
          answer(Outcome.of(LocalClaims.inProgress(local.timeLeft(otherDeadline))));
        }
        return;
      }
      flight = own;
      if (shared == null) {
        answer(null);
      } else {
        askAllNodes(shared);
      }
    }

    /** Returns a promise of the outcome of another call, which is then this call's outcome. */
    private Promise<JsonObject> shared() {
      Promise<JsonObject> outcome = Promise.promise();
      outcome
          .future()
          .map(reply -> Outcome.of(ReplyDecoder.response(reply)))
          .recover(e -> Future.succeededFuture(Outcome.of(ResendException.from(e))))
          .onSuccess(shared -> time.run(() -> answer(shared)));
      return outcome;
    }

    private void askAllNodes(SharedClaims shared) {
      long now = time.wallClock();
      String owner = COPY + '/' + LAST_OWNER.incrementAndGet();
      // rounded up, so that the claim does not end before the call
      long millisInFlight = (deadline - time.now()) / 1_000_000 + 1;
      SharedClaims.Claim claim =
          new SharedClaims.Claim(requestId, owner, now, millisInFlight, cooldown.toMillis());
      Future<Optional<SharedClaims.Refusal>> asked = shared.claim(claim);
      operations
          .limit(asked)
          .onComplete(
              (refusal, failure) -> {
                if (failure != null) {
                  // the store may have the claim although its answer was late or lost
                  asked.onComplete(late -> time.run(() -> release(shared, claim)));
                  answer(Outcome.of(ResendException.from(failure)));
                } else if (refusal.isPresent()) {
                  answer(Outcome.of(refusal.get().toFailure()));
                } else if (asker == null) { // the call no longer waits for it
                  release(shared, claim);
                } else {
                  granted = claim;
                  answer(null);
                }
              });
    }

    private void answer(@Nullable Outcome refusal) {
      Asker waiting = asker;
      if (waiting != null) {
        asker = null;
        waiting.claimed(refusal);
      }
    }

    /** Stops asking: the asker is not called any more. */
    public void abandon() {
      asker = null;
    }

    /** Returns the outcome of a call that still asks at its deadline. */
    public ResendException late() {
      return isSharer
          ? Failures.waiting(Failures.timedOut(timeout), cooldown)
          : Operations.unavailable(new TimeoutException());
    }

    /** Notes that the call sends now. A cooldown counts from the last such moment. */
    public void sending() {
      sentAt = time.now();
    }

    /** Returns the outcome, with the time left of the cooldown if it begins one. */
    public Outcome decide(Outcome outcome) {
      if (flight == null || cooldown.isZero() || !outcome.maybeSent()) {
        return outcome;
      }
      coolingUntil = sentAt + cooldown.toNanos();
      return outcome.waiting(LocalClaims.roundUp(nanosCooling()));
    }

    private long nanosCooling() {
      return coolingUntil == null ? 0 : Math.max(0, coolingUntil - time.now());
    }

    /**
     * Settles the claim that all nodes share. Returns a future that completes when the claim is
     * released. It is complete already with a cooldown, which refuses the next call anyway.
     */
    public Future<Void> settle(Outcome outcome) {
      SharedClaims.Claim claim = granted;
      if (shared == null || claim == null) {
        return Future.succeededFuture();
      }
      boolean isUnanswered =
          outcome.failure() != null && Outcomes.keepsHold(outcome.failure().failure());
      if (!isUnanswered && nanosCooling() == 0) {
        return release(shared, claim);
      } else if (coolingUntil != null) {
        long nanosInFlight = isUnanswered ? Math.max(0, deadline - time.now()) : 0;
        Duration inFlight = LocalClaims.roundUp(nanosInFlight);
        Duration cooling = LocalClaims.roundUp(nanosCooling());
        operations.limit(shared.cool(claim, inFlight.toMillis(), cooling.toMillis()));
      } // else the claim ends at the deadline of the call
      return Future.succeededFuture();
    }

    private Future<Void> release(SharedClaims store, SharedClaims.Claim claim) {
      return operations.limit(store.release(claim));
    }

    /** Ends the claim on this node. */
    public void free() {
      if (flight != null) {
        flight.free(coolingUntil);
      }
    }

    /** Gives the outcome to the calls that share this one, whose handlers may do anything. */
    public void complete(Outcome outcome) {
      if (flight != null) {
        flight.complete(outcome);
      }
    }
  }
}
