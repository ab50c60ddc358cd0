// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.internal.BaseUrl;
import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.DeadlineQueue;
import io.github.otpresend.internal.RequestId;
import io.github.otpresend.internal.claims.ClusterGuard;
import io.github.otpresend.internal.claims.Cooldowns;
import io.github.otpresend.internal.claims.SingleFlight;
import io.github.otpresend.internal.http.Pool;
import io.github.otpresend.internal.http.ResponseDecoder;
import io.github.otpresend.internal.http.Transport;
import io.vertx.core.Closeable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.CloseFuture;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.lang.System.Logger.Level;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The client that calls the service. It admits calls, and owns and closes what they share.
 *
 * <p>One event loop, the <em>home</em>, owns a client: its calls, connections, deadlines and tokens
 * are used there only. A call from another thread is passed to it once.
 */
public final class HttpResendClient implements OtpResendClient {
  private static final System.Logger LOG = System.getLogger(OtpResendClient.class.getName());

  final OtpResendOptions options;
  final ContextInternal home;
  final DeadlineQueue<Call> deadlines;
  final Tokens tokens;
  final Transport transport;
  final Pool pool;

  /** The flights that all clients of one base URL share. Null if calls are not shared. */
  final @Nullable SingleFlight flights;

  /** The cooldowns in progress; null if the cooldown is off. */
  final @Nullable Cooldowns cooldowns;

  /** The guard; null without a cluster, or if the guard is switched off. */
  final @Nullable ClusterGuard guard;

  private final VertxInternal vertx;

  /** The close future of what Vert.x creates for this client on the home context. */
  private final CloseFuture resources = new CloseFuture();

  /** The close future of the creating verticle, or of Vert.x. When it closes, the client closes. */
  private final CloseFuture owner;

  private final Closeable onOwnerClose = completion -> beginClose().onComplete(completion);
  private final int maxPlaces;
  private final Promise<Void> closed = Promise.promise();
  private int calls;
  private int places;
  private boolean closing;

  /**
   * @param tokens the provider of the tokens; null to use the token of the options
   */
  public static HttpResendClient create(
      Vertx vertx, OtpResendOptions options, @Nullable TokenProvider tokens) {
    String token = options.getToken();
    if (tokens == null && token == null) {
      throw new IllegalArgumentException(
          "token is not set; a client needs a token or a TokenProvider");
    }
    Future<String> fixed = Future.succeededFuture(token);
    return new HttpResendClient(
        vertx, new OtpResendOptions(options), tokens == null ? () -> fixed : tokens);
  }

  private HttpResendClient(Vertx vertx, OtpResendOptions options, TokenProvider provider) {
    options.checkTogether();
    this.vertx = (VertxInternal) vertx;
    boolean isGuarded = options.isClusterGuard() && vertx.isClustered();
    if (isGuarded) {
      ClusterGuard.checkCanGuard(this.vertx.clusterManager().getClass().getName());
    }
    if (options.isPlaintext()) {
      LOG.log(
          Level.WARNING,
          "allowPlaintext: the token travels in clear text to " + options.getBaseUrl());
    }
    ResponseDecoder.warmUp();
    this.options = options;
    ContextInternal creator = (ContextInternal) Vertx.currentContext();
    home = Contexts.eventLoop(this.vertx, creator, resources);
    deadlines = new DeadlineQueue<>(home, options.getTimeout());
    tokens = new Tokens(home, provider, options.getTimeout());
    transport = new Transport(home, options);
    pool = new Pool(home, transport::connect, options);
    maxPlaces = options.getMaxConnections() + options.getMaxPending();
    BaseUrl baseUrl = options.baseUrl();
    String service = baseUrl.host() + ':' + baseUrl.port() + baseUrl.path();
    flights = options.isSingleFlight() ? new SingleFlight(vertx, service) : null;
    cooldowns =
        options.getCooldown().isZero() ? null : new Cooldowns(home, service, options.getCooldown());
    guard =
        isGuarded
            ? new ClusterGuard(home, service, options.getConnectTimeout(), options.getCooldown())
            : null;
    owner =
        creator == null || creator.owner() != vertx
            ? this.vertx.closeFuture()
            : creator.closeFuture();
    owner.add(onOwnerClose);
  }

  @Override
  public Future<ResendResponse> resend(String requestId) {
    ContextInternal caller = Contexts.ofCaller(vertx);
    Call call;
    try {
      call = new Call(this, caller, requestId, RequestId.toSegment(requestId));
    } catch (ResendException refusal) {
      return vertx.closeFuture().isClosed()
          ? Future.failedFuture(refusal)
          : caller.failedFuture(refusal);
    }
    try {
      call.start();
    } catch (RejectedExecutionException e) { // no context is left that can run anything
      return Future.failedFuture(new ResendException(ResendFailure.CLOSED, "Vert.x is closed", e));
    }
    return call.outcome();
  }

  /**
   * Serves this client at an address, on the client's event loop. So a reply is sent when its call
   * ends, even if the threads of the verticle are busy.
   */
  public Future<EventBusAdapter> serve(String address) {
    Promise<EventBusAdapter> registered = vertx.getOrCreateContext().promise();
    home.emit(
        v ->
            Future.succeededFuture()
                .compose(now -> EventBusAdapter.register(vertx, address, this))
                .onComplete(registered));
    return registered.future();
  }

  /** Makes a connection in the background, which also loads most of the classes of a call. */
  public void warmUp() {
    home.emit(v -> pool.warmUp());
  }

  @Override
  public Future<Void> close() {
    return Contexts.forCaller(vertx, beginClose());
  }

  private Future<Void> beginClose() {
    try {
      home.emit(
          v -> {
            closing = true;
            closeIfDrained();
          });
    } catch (RejectedExecutionException vertxIsClosed) {
      closed.tryComplete();
    }
    return closed.future();
  }

  // ---- the methods for calls, which are called on the event loop only

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

  /** Removes a call whose outcome is decided from the count, and logs the outcome. */
  void leave(
      boolean hadPlace,
      String requestId,
      @Nullable ResendResponse response,
      @Nullable ResendException failure) {
    calls--;
    if (hadPlace) {
      places--;
    }
    try {
      LOG.log(
          Level.DEBUG,
          () ->
              "resend of "
                  + requestId
                  + ": "
                  + (failure == null
                      ? Objects.requireNonNull(response).toJson()
                      : failure.summary()));
    } catch (Throwable e) { // a logger that fails must not keep the caller from its outcome
      home.runOnContext(v -> home.reportException(e));
    }
  }

  /** Closes what all calls share, once the client is closed and the last call has left. */
  void closeIfDrained() {
    if (closing && calls == 0 && !resources.isClosed()) {
      owner.remove(onOwnerClose);
      deadlines.close();
      tokens.close();
      pool.close();
      if (guard != null) {
        guard.close();
      }
      resources.close().onComplete(done -> closed.tryComplete());
    }
  }
}
