// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.internal.BaseUrl;
import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.DeadlineQueue;
import io.github.otpresend.internal.Setting;
import io.github.otpresend.internal.claims.ClusterGuard;
import io.github.otpresend.internal.claims.Cooldowns;
import io.github.otpresend.internal.claims.SingleFlight;
import io.github.otpresend.internal.http.Pool;
import io.github.otpresend.internal.http.Transport;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.internal.CloseFuture;
import io.vertx.core.internal.ContextInternal;
import java.lang.System.Logger.Level;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the calls of one client share, and the count of these calls. It is used on the client's
 * event loop only.
 */
final class ClientState {
  private static final System.Logger LOG = System.getLogger(OtpResendClient.class.getName());

  final OtpResendOptions options;
  final ContextInternal home;
  final DeadlineQueue<DeadlineQueue.Entry> deadlines;
  final Tokens tokens;
  final Transport transport;
  final Pool pool;

  /** The host and port of the service. */
  final String service;

  /** The flights that all clients of one base URL share. Null if calls are not shared. */
  final @Nullable SingleFlight flights;

  /** The cooldowns in progress; null if the cooldown is off. */
  final @Nullable Cooldowns cooldowns;

  /** The guard; null without a cluster, or if the guard is switched off. */
  final @Nullable ClusterGuard guard;

  private final CloseFuture resources;
  private final int maxPlaces;
  private final Promise<Void> closed = Promise.promise();
  private int calls;
  private int places;
  private boolean closing;

  /**
   * @param resources the close future of what Vert.x creates on the home context
   * @param isGuarded whether the cluster guards the request ids
   */
  ClientState(
      ContextInternal home,
      CloseFuture resources,
      OtpResendOptions options,
      TokenProvider provider,
      boolean isGuarded) {
    this.home = home;
    this.resources = resources;
    this.options = options;
    BaseUrl baseUrl = Setting.url("baseUrl", options.getBaseUrl());
    service = baseUrl.host() + ':' + baseUrl.port();
    deadlines = new DeadlineQueue<>(home, options.getTimeout());
    tokens = new Tokens(home, provider, options.getTimeout());
    transport = new Transport(home, options, baseUrl);
    pool = new Pool(home, transport, options);
    maxPlaces = options.getMaxConnections() + options.getMaxPending();
    String requestIds = service + baseUrl.path();
    flights = options.isSingleFlight() ? new SingleFlight(home.owner(), requestIds) : null;
    cooldowns =
        options.getCooldown().isZero()
            ? null
            : new Cooldowns(home, requestIds, options.getCooldown());
    guard =
        isGuarded
            ? new ClusterGuard(home, requestIds, options.getConnectTimeout(), options.getCooldown())
            : null;
  }

  /** Counts a new call, which must {@link #leave} later. Returns false if the client is closed. */
  boolean enter() {
    if (closing) {
      return false;
    }
    calls++;
    return true;
  }

  /**
   * Takes one of the places that maxConnections and maxPending allow. Returns false if no place is
   * free.
   */
  boolean takePlace() {
    if (places == maxPlaces) {
      return false;
    }
    places++;
    return true;
  }

  /** Subtracts a call from the count, because its outcome is decided, and logs the outcome. */
  void leave(
      boolean hadPlace,
      String requestId,
      @Nullable ResendResponse response,
      @Nullable ResendException failure) {
    calls--;
    if (hadPlace) {
      places--;
    }
    Contexts.shield(
        home,
        () ->
            LOG.log(
                Level.DEBUG,
                () ->
                    "resend of "
                        + requestId
                        + ": "
                        + (failure == null
                            ? Objects.requireNonNull(response).toJson()
                            : summary(failure))));
  }

  /** Returns a failure without its message, which may be a text of the service. */
  private static String summary(ResendException failure) {
    String sent = failure.maybeSent() ? "maybe sent" : "not sent";
    return failure.failure() + " (" + failure.httpStatus() + ", " + sent + ")";
  }

  /** Refuses new calls from now on, and closes what is shared once the last call has left. */
  void close() {
    closing = true;
    closeIfDrained();
  }

  /** Closes what is shared, if the client is closed and the last call has left. */
  void closeIfDrained() {
    if (closing && calls == 0 && !resources.isClosed()) {
      deadlines.close();
      tokens.close();
      pool.close();
      if (guard != null) {
        guard.close();
      }
      resources.close().onComplete(done -> closed.tryComplete());
      // Vert.x cannot close a connection any more if the metrics of the application have thrown
      long limit =
          home.setTimer(options.getConnectTimeout().toMillis(), id -> closed.tryComplete());
      closed.future().onComplete(done -> home.owner().cancelTimer(limit));
    }
  }

  /** Returns a future that completes once all is closed. */
  Future<Void> closed() {
    return closed.future();
  }

  /** Completes {@link #closed}, because Vert.x has closed all. Any thread may call this. */
  void vertxIsClosed() {
    closed.tryComplete();
  }
}
