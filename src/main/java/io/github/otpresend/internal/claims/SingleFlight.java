// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.StrictJson;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;
import io.vertx.core.shareddata.LocalMap;
import io.vertx.core.shareddata.Shareable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The calls in flight to one service, among all clients of one {@code Vertx}. One call at a time is
 * allowed for a request id. Other calls for that request id follow it: they get its outcome. Any
 * thread may use this class.
 *
 * <p>Another class loader may have loaded the library of another client. So clients share their
 * calls only through types of Vert.x and the JDK, and an outcome is passed on in the form in which
 * the event bus would carry it.
 */
public final class SingleFlight {
  private final LocalMap<String, Handler<Promise<JsonObject>>> flights;

  /**
   * @param service the name of the service to which the request ids belong
   */
  public SingleFlight(Vertx vertx, String service) {
    flights = vertx.sharedData().getLocalMap("io.github.otpresend " + service);
  }

  /** Creates a flight for this request id. The flight has not begun yet. */
  public Flight flight(String requestId) {
    return new Flight(requestId);
  }

  /** A call in flight, and the calls that follow it. */
  public final class Flight implements Shareable, Handler<Promise<JsonObject>> {
    private final String requestId;
    private @Nullable List<Promise<JsonObject>> followers;
    private @Nullable ResendResponse response;
    private @Nullable ResendException failure;

    private Flight(String requestId) {
      this.requestId = requestId;
    }

    /**
     * Begins the flight and returns null. If another flight has this request id, returns that
     * flight, so that the call can follow it.
     */
    public @Nullable Handler<Promise<JsonObject>> begin() {
      return flights.putIfAbsent(requestId, this);
    }

    /** Adds a follower. */
    @Override
    public void handle(Promise<JsonObject> follower) {
      ResendResponse success;
      ResendException refusal;
      synchronized (this) {
        success = response;
        refusal = failure;
        if (success == null && refusal == null) {
          if (followers == null) {
            followers = new ArrayList<>();
          }
          followers.add(follower);
          return;
        }
      }
      complete(follower, success, refusal); // the follower found this flight just before it ended
    }

    /** Ends the flight. The next call for the request id begins another flight. */
    public void end(@Nullable ResendResponse response, @Nullable ResendException failure) {
      flights.remove(requestId, this);
      List<Promise<JsonObject>> waiting;
      synchronized (this) {
        this.response = response;
        this.failure = failure;
        waiting = followers;
      }
      if (waiting != null) {
        waiting.forEach(follower -> complete(follower, response, failure));
      }
    }
  }

  private static void complete(
      Promise<JsonObject> follower,
      @Nullable ResendResponse response,
      @Nullable ResendException failure) {
    Contexts.complete(
        follower,
        response == null ? null : response.toJson(),
        failure == null
            ? null
            : new ReplyException(
                ReplyFailure.RECIPIENT_FAILURE,
                failure.httpStatus(),
                StrictJson.write(failure.toJson())));
  }
}
