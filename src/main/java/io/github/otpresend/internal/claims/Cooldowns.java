// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.DeadlineQueue;
import io.github.otpresend.internal.Failures;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.shareddata.LocalMap;
import java.time.Duration;

/**
 * The request ids for which a code was or may have been sent less than the cooldown ago, among all
 * clients of one service and one {@code Vertx}. This class is used on one event loop only.
 *
 * <p>A cooldown continues after the client that began it is closed. Two clients may come from
 * copies of the library in different class loaders. So the map that they share holds types of the
 * JDK only.
 */
public final class Cooldowns {
  /** The {@link System#nanoTime()} at which the cooldown of each request id ends. */
  private final LocalMap<String, Long> ends;

  private final DeadlineQueue<Cooldown> running;

  /**
   * @param service the name of the service to which the request ids belong
   */
  public Cooldowns(ContextInternal home, String service, Duration cooldown) {
    VertxInternal vertx = home.owner();
    ends = vertx.sharedData().getLocalMap("io.github.otpresend.cooldowns " + service);
    running = new DeadlineQueue<>(Contexts.eventLoop(vertx, home, vertx.closeFuture()), cooldown);
  }

  /** The cooldown that a call has begun. */
  public final class Cooldown extends DeadlineQueue.Entry {
    private final String requestId;

    private Cooldown(String requestId) {
      this.requestId = requestId;
    }

    public Duration rest() {
      return roundUp(Math.max(0, nanosLeft()));
    }

    /** Ends the cooldown early, because no code was sent. */
    public void stop() {
      cancel();
      expire();
    }

    @Override
    public void expire() {
      ends.remove(requestId, due());
    }
  }

  /** Throws COOLING_DOWN if the request id has a cooldown. */
  public void check(String requestId) {
    Long end = ends.get(requestId);
    long left = end == null ? 0 : end - System.nanoTime();
    if (left > 0) {
      throw coolingDown(roundUp(left));
    }
  }

  /** Begins a cooldown, or throws COOLING_DOWN if the request id has one. */
  public Cooldown begin(String requestId) {
    Cooldown begun = new Cooldown(requestId);
    running.add(begun);
    Long other;
    while ((other = ends.putIfAbsent(requestId, begun.due())) != null) {
      if (other - System.nanoTime() > 0) {
        begun.cancel();
        throw coolingDown(roundUp(other - System.nanoTime()));
      }
      ends.remove(requestId, other); // over, but its client's timer has not run yet
    }
    return begun;
  }

  static ResendException coolingDown(Duration rest) {
    String message = "A code was or may have been sent less than the cooldown ago";
    return Failures.of(ResendFailure.COOLING_DOWN, message, rest);
  }

  /** Rounds up, so that a caller who waits this long does not come too early. */
  private static Duration roundUp(long nanos) {
    return Duration.ofMillis((nanos + 999_999) / 1_000_000);
  }
}
