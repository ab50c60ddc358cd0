// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

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
 * Allows one call at a time for a request id of one service, among all clients of one {@code
 * Vertx}. Other calls for that id follow it: they get its outcome. Used from any thread.
 *
 * <p>Another class loader may have loaded the library of another client. So what clients share is
 * of Vert.x's own types, and an outcome is passed on as the event bus would carry it.
 */
final class SingleFlight {
  private final LocalMap<String, Handler<Promise<JsonObject>>> flights;

  /**
   * @param service names the service whose request ids are meant
   */
  SingleFlight(Vertx vertx, String service) {
    flights = vertx.sharedData().getLocalMap("io.github.otpresend " + service);
  }

  /** Creates a flight for this request id, which has not begun. */
  Flight flight(String requestId) {
    return new Flight(requestId);
  }

  /** A call in flight, and the calls that follow it. */
  final class Flight implements Shareable, Handler<Promise<JsonObject>> {
    private final String requestId;
    private @Nullable List<Promise<JsonObject>> followers;
    private @Nullable ResendResponse response;
    private @Nullable ResendException failure;

    private Flight(String requestId) {
      this.requestId = requestId;
    }

    /** Begins the flight. Returns null, or the flight of that id that is there to be followed. */
    @Nullable Handler<Promise<JsonObject>> begin() {
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

    /** Ends the flight: the next call for the request id begins another one. */
    void end(@Nullable ResendResponse response, @Nullable ResendException failure) {
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
                ReplyFailure.RECIPIENT_FAILURE, failure.httpStatus(), failure.toJson().encode()));
  }
}
