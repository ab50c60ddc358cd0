// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.Outcome;
import io.github.otpresend.internal.StrictJson;
import io.github.otpresend.internal.Time;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;
import io.vertx.core.shareddata.LocalMap;
import io.vertx.core.shareddata.Shareable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The claims on the request ids of one service, among all clients of one {@code Vertx}. Any thread
 * may use this class.
 *
 * <p>Another class loader may have loaded the library of another client. So clients share their
 * claims only through types of Vert.x and the JDK, and an outcome is passed on in the form in which
 * the event bus would carry it. A cooldown is one entry of a map, without a timer, so it keeps
 * neither the client nor its class loader in memory.
 */
final class LocalClaims {
  /** How many calls may share one call, so that one request id cannot delay all others. */
  static final int MAX_SHARERS = 128;

  private static final int FIRST_SWEEP_SIZE = 1_000;

  /** The calls in flight. Only the call of a request id changes the cooldown of that request id. */
  private final LocalMap<String, Function<@Nullable Promise<JsonObject>, @Nullable Long>> flights;

  /** The {@link System#nanoTime()} at which the cooldown of each request id ends. */
  private final LocalMap<String, Long> cooldowns;

  private final Time time;
  private final long sweepNanos;
  private final AtomicBoolean isSweeping = new AtomicBoolean();
  private volatile long sweptAt;
  private volatile int nextSweepSize = FIRST_SWEEP_SIZE;

  /**
   * @param service the name of the service to which the request ids belong
   * @param cooldown the time after which the cooldowns that have ended are removed
   */
  LocalClaims(Vertx vertx, String service, Duration cooldown, Time time) {
    flights = vertx.sharedData().getLocalMap("io.github.otpresend " + service);
    cooldowns = vertx.sharedData().getLocalMap("io.github.otpresend.cooldowns " + service);
    this.time = time;
    sweepNanos = cooldown.toNanos();
    sweptAt = time.now();
  }

  /** Creates a flight for this request id. The flight has not begun yet. */
  Flight flight(String requestId) {
    return new Flight(requestId);
  }

  /** Returns the time to the deadline of a call, at least a millisecond. */
  Duration timeLeft(long deadline) {
    return roundUp(Math.max(1, deadline - time.now()));
  }

  static ResendException inProgress(Duration rest) {
    String message = "Another call has this request id in flight, or may have sent it";
    return Failures.of(ResendFailure.ALREADY_IN_PROGRESS, message, rest);
  }

  static ResendException coolingDown(Duration rest) {
    String message = "A code was or may have been sent less than the cooldown ago";
    return Failures.of(ResendFailure.COOLING_DOWN, message, rest);
  }

  /** Rounds up, so that a caller who waits this long does not come too early. */
  static Duration roundUp(long nanos) {
    return Duration.ofMillis((nanos + 999_999) / 1_000_000);
  }

  /** A call that has a claim, and the calls that share it. */
  final class Flight implements Shareable, Function<@Nullable Promise<JsonObject>, @Nullable Long> {
    private final String requestId;
    private volatile long deadline;
    private @Nullable List<Promise<JsonObject>> sharers;
    private @Nullable Outcome outcome;

    private Flight(String requestId) {
      this.requestId = requestId;
    }

    /**
     * Begins the flight and returns null. If another flight has this request id, returns that
     * flight, so that the call can share it.
     *
     * @param deadline the end of the call, by {@link System#nanoTime()}
     * @throws ResendException COOLING_DOWN if the request id has a cooldown
     */
    @Nullable Function<@Nullable Promise<JsonObject>, @Nullable Long> begin(long deadline) {
      this.deadline = deadline;
      var other = flights.putIfAbsent(requestId, this);
      if (other != null) {
        return other;
      }
      Long end = cooldowns.get(requestId);
      long rest = end == null ? 0 : end - time.now();
      if (rest > 0) {
        ResendException refusal = coolingDown(roundUp(rest));
        flights.remove(requestId, this);
        complete(Outcome.of(refusal)); // another call may have begun to share this one
        throw refusal;
      } else if (end != null) {
        cooldowns.remove(requestId);
      }
      return null;
    }

    /**
     * Adds a call that shares this one, and returns null. If the promise is null, or too many share
     * this call already, returns the deadline of this call.
     */
    @Override
    public @Nullable Long apply(@Nullable Promise<JsonObject> sharer) {
      if (sharer == null) {
        return deadline;
      }
      Outcome known;
      synchronized (this) {
        known = outcome;
        if (known == null) {
          if (sharers == null) {
            sharers = new ArrayList<>();
          }
          if (sharers.size() == MAX_SHARERS) {
            return deadline;
          }
          sharers.add(sharer);
          return null;
        }
      }
      complete(List.of(sharer), known); // the call found this flight just before it ended
      return null;
    }

    /**
     * Ends the claim. The next call for the request id begins another flight.
     *
     * @param coolingUntil the end of the cooldown by {@link System#nanoTime()}; null without one
     */
    void free(@Nullable Long coolingUntil) {
      if (coolingUntil != null && coolingUntil - time.now() > 0) {
        cooldowns.put(requestId, coolingUntil);
        sweepIfDue();
      }
      flights.remove(requestId, this);
    }

    /** Gives the outcome to the calls that share this one. */
    void complete(Outcome outcome) {
      List<Promise<JsonObject>> waiting;
      synchronized (this) {
        this.outcome = outcome;
        waiting = sharers;
        sharers = null;
      }
      if (waiting != null) {
        complete(waiting, outcome);
      }
    }

    private void complete(List<Promise<JsonObject>> waiting, Outcome outcome) {
      ResendException failure = outcome.failure();
      if (failure != null) {
        ReplyException reply =
            new ReplyException(
                ReplyFailure.RECIPIENT_FAILURE,
                failure.httpStatus(),
                StrictJson.write(failure.toJson()));
        waiting.forEach(sharer -> Contexts.complete(sharer, null, reply));
      } else if (outcome.response() != null) {
        JsonObject reply = outcome.response().toJson();
        waiting.forEach(sharer -> Contexts.complete(sharer, reply.copy(), null));
      }
    }
  }

  /**
   * Removes the cooldowns that have ended, if a cooldown has passed or their number has doubled.
   */
  private void sweepIfDue() {
    boolean isDue = time.now() - sweptAt >= sweepNanos || cooldowns.size() >= nextSweepSize;
    if (isDue && isSweeping.compareAndSet(false, true)) {
      // not a worker of Vert.x: a thread keeps the class loaders of the code that starts it, but
      // the JDK starts the threads of this pool without them
      ForkJoinPool.commonPool().execute(this::sweep);
    }
  }

  private void sweep() {
    long now = time.now();
    cooldowns.forEach(
        (requestId, end) -> {
          if (end - now <= 0) {
            cooldowns.removeIfPresent(requestId, end);
          }
        });
    nextSweepSize = Math.max(FIRST_SWEEP_SIZE, 2 * cooldowns.size());
    sweptAt = now;
    isSweeping.set(false);
  }
}
