// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.RequestId;
import io.github.otpresend.internal.claims.ClusterClaims;
import io.github.otpresend.internal.claims.RedisClaims;
import io.github.otpresend.internal.http.ResponseDecoder;
import io.vertx.core.Closeable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.CloseFuture;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.lang.System.Logger.Level;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The client that calls the service. It checks the options, starts calls, and closes with the
 * verticle that created it.
 *
 * <p>One event loop, the <em>home</em>, owns a client: its calls, connections, deadlines and tokens
 * are used there only. A call from another thread is moved to the home once.
 */
public final class HttpResendClient implements OtpResendClient {
  private static final System.Logger LOG = System.getLogger(OtpResendClient.class.getName());

  private final VertxInternal vertx;
  private final ContextInternal home;
  private final ClientState state;

  /**
   * Creates a client, see {@link OtpResendClient#create}.
   *
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
    OptionRules.check(options);
    this.vertx = Contexts.owner(vertx);
    boolean isGuarded = options.isClusterGuard() && this.vertx.isClustered();
    if (options.getRedis() != null) {
      RedisClaims.checkClient();
    } else if (isGuarded) {
      ClusterClaims.checkCanGuard(this.vertx.clusterManager().getClass().getName());
    }
    if (OptionRules.isPlaintext(options)) {
      String warning = "allowPlaintext: the token travels in clear text to " + options.getBaseUrl();
      Contexts.shield(this.vertx.getOrCreateContext(), () -> LOG.log(Level.WARNING, warning));
    }
    if (OptionRules.isPlaintextRedis(options)) {
      String warning = "redis: the password travels in clear text";
      Contexts.shield(this.vertx.getOrCreateContext(), () -> LOG.log(Level.WARNING, warning));
    }
    ResponseDecoder.warmUp();
    ContextInternal creator = (ContextInternal) Vertx.currentContext();
    CloseFuture resources = new CloseFuture();
    home = Contexts.eventLoop(this.vertx, creator, resources);
    state = new ClientState(home, resources, options, provider, isGuarded);
    CloseFuture owner =
        creator != null && creator.owner() == this.vertx
            ? creator.closeFuture()
            : this.vertx.closeFuture();
    if (!closeWith(owner) && !closeWith(this.vertx.closeFuture())) { // the creator may be gone
      beginClose();
    }
  }

  /**
   * Registers this client, so that it is closed when the verticle that created it, or Vert.x, is.
   * Returns false if that is closed already.
   */
  private boolean closeWith(CloseFuture owner) {
    Closeable onOwnerClose = completion -> beginClose().onComplete(completion);
    boolean added = owner.add(onOwnerClose);
    if (added) {
      state.closed().onComplete(closed -> owner.remove(onOwnerClose));
    }
    return added;
  }

  @Override
  public Future<ResendResponse> resend(String requestId) {
    ContextInternal caller = Contexts.ofCaller(vertx);
    String segment;
    try {
      segment = RequestId.toSegment(requestId);
      state.enter();
    } catch (ResendException refusal) {
      return Contexts.failed(caller, refusal);
    }
    try {
      Call call = new Call(state, caller, requestId, segment);
      call.start();
      return call.outcome();
    } catch (RejectedExecutionException e) { // no context is left that can run anything
      state.leave();
      return Future.failedFuture(Failures.of(ResendFailure.CLOSED, "Vert.x is closed", e));
    }
  }

  /**
   * Serves this client at an address, on the client's event loop. So a reply is sent when its call
   * ends, even if the threads of the verticle are busy.
   */
  public Future<EventBusAdapter> serve(Vertx vertx, String address) {
    Promise<EventBusAdapter> registered = this.vertx.getOrCreateContext().promise();
    home.emit(
        v ->
            Future.succeededFuture()
                .compose(now -> EventBusAdapter.register(vertx, address, this))
                .onComplete(registered));
    return registered.future();
  }

  /** Makes a connection in the background, which also loads most of the classes of a call. */
  public void warmUp() {
    home.emit(v -> state.pool.warmUp());
  }

  @Override
  public Future<Void> close() {
    return Contexts.forCaller(vertx, beginClose());
  }

  private Future<Void> beginClose() {
    state.refuseCalls();
    try {
      home.emit(v -> state.closeIfDrained());
    } catch (RejectedExecutionException e) {
      state.vertxIsClosed();
    }
    return state.closed();
  }
}
