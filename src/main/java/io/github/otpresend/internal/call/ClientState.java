// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.internal.BaseUrl;
import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.DeadlineQueue;
import io.github.otpresend.internal.Outcome;
import io.github.otpresend.internal.Setting;
import io.github.otpresend.internal.Time;
import io.github.otpresend.internal.claims.Claims;
import io.github.otpresend.internal.claims.ClusterClaims;
import io.github.otpresend.internal.claims.RedisClaims;
import io.github.otpresend.internal.claims.RedisLink;
import io.github.otpresend.internal.claims.SharedClaims;
import io.github.otpresend.internal.http.Pool;
import io.github.otpresend.internal.http.Transport;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.internal.CloseFuture;
import io.vertx.core.internal.ContextInternal;
import java.lang.System.Logger.Level;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What the calls of one client share, and the count of these calls. Any thread may enter, leave and
 * close. All else is used on the client's event loop only.
 */
final class ClientState {
  private static final System.Logger LOG = System.getLogger(OtpResendClient.class.getName());

  /** What a closed client adds to {@link #calls}, so that the count is negative. */
  private static final int CLOSED = Integer.MIN_VALUE;

  /** The most commands of Redis without an answer, which limits the memory for them. */
  private static final int MAX_COMMANDS = 1_000_000;

  final OtpResendOptions options;
  final ContextInternal home;
  final DeadlineQueue<DeadlineQueue.Entry> deadlines;
  final Tokens tokens;
  final Transport transport;
  final Pool pool;
  final Claims claims;

  /** The host and port of the service. */
  final String service;

  private final CloseFuture resources;
  private final int maxCalls;
  private final Promise<Void> closed = Promise.promise();

  /** The number of calls that have entered and not left, whatever they wait for. */
  private final AtomicInteger calls = new AtomicInteger();

  private boolean isClosing;

  /**
   * @param resources the close future of what Vert.x creates on the home context
   * @param isGuarded whether the nodes of the cluster share their claims, if the processes have no
   *     Redis
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
    maxCalls = options.getMaxConnections() + options.getMaxPending();
    String requestIds = service + baseUrl.path();
    Time time = Time.of(home);
    claims =
        new Claims(time, home.owner(), requestIds, options, shared(requestIds, time, isGuarded));
  }

  private @Nullable SharedClaims shared(String requestIds, Time time, boolean isGuarded) {
    if (options.getRedis() != null) {
      // a call that has left may still settle its claim, while another has entered
      int maxCommands = (int) Math.min(2L * maxCalls, MAX_COMMANDS);
      return new RedisClaims(new RedisLink(home, options, maxCommands), requestIds);
    }
    return isGuarded ? ClusterClaims.of(home.owner(), requestIds, time) : null;
  }

  /**
   * Counts a new call, which must {@link #leave} later.
   *
   * @throws ResendException CLOSED or OVERLOADED
   */
  void enter() {
    int before = calls.getAndUpdate(n -> n < 0 || n >= maxCalls ? n : n + 1);
    if (before < 0) {
      throw new ResendException(ResendFailure.CLOSED, "The client is closed");
    } else if (before >= maxCalls) {
      throw new ResendException(
          ResendFailure.OVERLOADED,
          "As many resends are in flight as maxConnections and maxPending allow");
    }
  }

  /** Subtracts a call from the count, because it never began. */
  void leave() {
    calls.decrementAndGet();
  }

  /** Subtracts a call from the count, because its outcome is decided, and logs the outcome. */
  void leave(String requestId, Outcome outcome) {
    leave();
    Contexts.shield(
        home, () -> LOG.log(Level.DEBUG, () -> "resend of " + requestId + ": " + summary(outcome)));
  }

  /** Returns an outcome without the message of a failure, which may be a text of the service. */
  private static String summary(Outcome outcome) {
    ResendException failure = outcome.failure();
    if (failure == null) {
      return Objects.requireNonNull(outcome.response()).toJson().encode();
    }
    String sent = failure.maybeSent() ? "maybe sent" : "not sent";
    return failure.failure() + " (" + failure.httpStatus() + ", " + sent + ")";
  }

  /** Refuses new calls from now on. */
  void refuseCalls() {
    calls.getAndUpdate(n -> n | CLOSED);
  }

  /**
   * Closes what is shared, if the client is closed, the last call has left, and the claims of all
   * calls are settled.
   */
  void closeIfDrained() {
    if (calls.get() == CLOSED && !isClosing) {
      isClosing = true;
      claims.close().onComplete(settled -> closeAll());
    }
  }

  private void closeAll() {
    deadlines.close();
    tokens.close();
    pool.close();
    resources.close().onComplete(done -> closed.tryComplete());
    // Vert.x cannot close a connection any more if the metrics of the application have thrown
    long limit = home.setTimer(options.getConnectTimeout().toMillis(), id -> closed.tryComplete());
    closed.future().onComplete(done -> home.owner().cancelTimer(limit));
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
