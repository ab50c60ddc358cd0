// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.netty.handler.codec.PrematureChannelClosureException;
import io.vertx.core.AsyncResult;
import io.vertx.core.Closeable;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxException;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.ext.web.client.HttpResponse;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** The client that talks HTTP, and the only file that does. */
final class HttpResendClient implements OtpResendClient {
  private static final System.Logger LOG = System.getLogger(OtpResendClient.class.getName());
  private static final long FIRST_PAUSE_MILLIS = 50;
  private static final long LONGEST_PAUSE_MILLIS = 1_000;

  /** How a call has been decided to end; one of the two is null. */
  private static final class Ending {
    static final Ending OPEN = new Ending(null, null);
    static final Ending EXPIRED = new Ending(null, null);
    static final Ending SETTLED = new Ending(null, null);

    private final @Nullable ResendResponse response;
    private final @Nullable ResendException failure;

    Ending(@Nullable ResendResponse response, @Nullable ResendException failure) {
      this.response = response;
      this.failure = failure;
    }
  }

  private final VertxInternal vertx;
  private final OtpResendOptions options;
  private final Connections connections;
  private final BaseUrl baseUrl;

  /**
   * Of the client's own: it outlives the verticle that created the client, and so do its timers.
   */
  private final ContextInternal timers;

  private final DeadlineQueue deadlines;
  private final DeadlineQueue connectDeadlines;
  private final Tokens tokens;
  private final InFlight inFlight = new InFlight();
  private final Semaphore capacity;

  /** Those of all clients of one base URL on this Vert.x; null if calls are not shared. */
  private final @Nullable SingleFlight<ResendResponse> flights;

  /** Null if no other node is to be asked. */
  private final @Nullable ClusterGuard guard;

  private final Future<Void> closed;
  private final Closeable onVertxClose = completion -> close().onComplete(completion);

  HttpResendClient(Vertx vertx, OtpResendOptions options, TokenProvider provider) {
    options.checkTogether();
    if (options.isPlaintext()) {
      LOG.log(
          Level.WARNING,
          "allowPlaintext: the token travels in clear text to " + options.getBaseUrl());
    }
    this.vertx = (VertxInternal) vertx;
    this.options = options;
    baseUrl = options.baseUrl();
    timers = this.vertx.createEventLoopContext();
    deadlines = new DeadlineQueue(timers, options.getTimeout());
    connectDeadlines = new DeadlineQueue(timers, options.getConnectTimeout());
    tokens = new Tokens(provider, deadlines);
    connections = new Connections(vertx, options, deadlines);
    capacity = new Semaphore(options.getMaxConnections() + options.getMaxPending());
    String service = baseUrl.host() + ':' + baseUrl.port() + baseUrl.path();
    guard =
        options.isClusterGuard() && vertx.isClustered()
            ? new ClusterGuard(this.vertx, service, connectDeadlines)
            : null;
    flights =
        options.isSingleFlight()
            ? vertx
                .sharedData()
                .<String, SingleFlight<ResendResponse>>getLocalMap("io.github.otpresend")
                .computeIfAbsent(service, url -> new SingleFlight<>())
            : null;
    closed = inFlight.drained().compose(v -> shutdown());
    Context creator = Vertx.currentContext();
    if (creator == null || creator.deploymentID() == null) { // else a verticle is to close it
      this.vertx.addCloseHook(onVertxClose); // or a call that waits for a token would never end
    }
  }

  @Override
  public Future<ResendResponse> resend(String requestId) {
    ContextInternal context = vertx.getOrCreateContext();
    String segment;
    try {
      segment = RequestId.toSegment(requestId);
      inFlight.enter();
    } catch (ResendException refusal) {
      return LastingContext.isAnyLeft(vertx)
          ? context.failedFuture(refusal)
          : Future.failedFuture(refusal);
    }
    Call call = new Call(context, requestId, segment);
    Future<ResendResponse> running =
        flights == null ? null : flights.enter(requestId, call.shared.future());
    try {
      if (running == null) {
        call.start();
      } else {
        call.share(running);
      }
    } catch (RejectedExecutionException e) {
      // no context is left to complete anything on
      call.end(null, new ResendException(ResendFailure.CLOSED, "Vert.x is closed", e));
      return call.shared.future();
    }
    return call.outcome.future();
  }

  @Override
  public Future<Void> close() {
    inFlight.close();
    return LastingContext.onContextOfCaller(vertx, closed);
  }

  /**
   * One call, from its token to its outcome. Its steps run on the context of its caller if that
   * outlives the call, one after the other; only its deadlines come from another thread.
   */
  private final class Call {
    // in place of objects of their own, of which each call that waits would have four
    private static final AtomicReferenceFieldUpdater<Call, Ending> ENDING =
        AtomicReferenceFieldUpdater.newUpdater(Call.class, Ending.class, "ending");
    private static final AtomicIntegerFieldUpdater<Call> HOLDS =
        AtomicIntegerFieldUpdater.newUpdater(Call.class, "holds");

    private final ContextInternal context;
    private final String requestId;
    private final String segment;

    /** For the caller, on its context. */
    private final Promise<ResendResponse> outcome;

    /** For calls that share this one. */
    private final Promise<ResendResponse> shared = Promise.promise();

    /** Open, until somebody decides it; then it is settled once. */
    private volatile Ending ending = Ending.OPEN;

    private final long deadline = System.nanoTime() + options.getTimeout().toNanos();
    private DeadlineQueue.@Nullable Entry expiry;

    /** Of the call itself and of each attempt that is not over; then its place is free. */
    private volatile int holds;

    private volatile boolean shares;

    private volatile ClusterGuard.@Nullable Hold hold;

    /** The one that goes on; null while the cluster or a token is awaited. */
    private volatile @Nullable Attempt attempt;

    private volatile List<Throwable> connectFailures = List.of();
    private @Nullable ResendException unauthorized;
    private String token = "";
    private String rejectedToken = "";

    Call(ContextInternal caller, String requestId, String segment) {
      context = LastingContext.of(caller);
      outcome = caller.promise();
      this.requestId = requestId;
      this.segment = segment;
    }

    void start() {
      if (!capacity.tryAcquire()) {
        end(
            null,
            new ResendException(
                ResendFailure.OVERLOADED,
                "As many resends are in flight as maxConnections and maxPending allow"));
        return;
      }
      holds = 1;
      expiry = deadlines.add(this::expire);
      if (context.isRunningOnContext()) {
        guard();
      } else {
        context.emit(v -> guard());
      }
    }

    private void guard() {
      if (guard == null) {
        await(tokens.ask());
        return;
      } else if (ending != Ending.OPEN) { // it waited for its context until the deadline
        return;
      }
      // an entry that is to live for no time, or less, would live for ever
      long left = Math.max(0, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime()));
      guard.acquire(requestId, left).onComplete(answer -> context.emit(answer, this::useHold));
    }

    private void useHold(AsyncResult<ClusterGuard.Hold> answer) {
      if (answer.failed()) {
        end(null, ResendException.from(answer.cause()));
        return;
      }
      hold = answer.result();
      if (ending != Ending.OPEN) { // expire() may not have seen this hold
        release(null);
        return;
      }
      await(tokens.ask());
    }

    /** Has the outcome of another call for the same request id, or its own deadline's. */
    void share(Future<ResendResponse> running) {
      shares = true;
      expiry = deadlines.add(this::expire);
      running.onComplete(
          (response, failure) ->
              end(response, failure == null ? null : ResendException.from(failure)));
    }

    private void await(Future<String> asked) {
      if (asked.isComplete()) {
        useToken(asked);
      } else {
        asked.onComplete(answer -> context.emit(answer, this::useToken));
      }
    }

    private void useToken(AsyncResult<String> answer) {
      if (answer.failed()) {
        end(null, ResendException.from(answer.cause()));
      } else if (unauthorized != null && answer.result().equals(rejectedToken)) {
        end(null, unauthorized);
      } else {
        token = answer.result();
        attempt();
      }
    }

    private void attempt() {
      Attempt next = new Attempt();
      attempt = next;
      boolean isFree = HOLDS.getAndUpdate(this, held -> held == 0 ? 0 : held + 1) == 0;
      if (isFree) {
        return;
      } else if (ending != Ending.OPEN) { // expire() may not have seen this attempt
        next.letGo();
        return;
      }
      next.begin();
    }

    /** Whichever it is, the request was transmitted; the cause only tells the two kinds apart. */
    private ResendException broken(Throwable cause) {
      if (cause instanceof IOException
          || cause instanceof VertxException
          || cause instanceof PrematureChannelClosureException
          || cause.getCause() instanceof SSLException) { // in Netty's DecoderException
        return new ResendException(
            ResendFailure.CONNECTION_LOST,
            "The connection broke before the answer was complete",
            cause);
      }
      // a decoder's exception, which may quote what the server sent
      return new ResendException(
          ResendFailure.INVALID_RESPONSE, "The answer is not HTTP: " + cause.getClass().getName());
    }

    private void askAgain(ResendException refusal) {
      unauthorized = refusal;
      rejectedToken = token;
      connectFailures = List.of();
      attempt = null;
      await(tokens.askAgain(token));
    }

    private void connectFailed(Throwable cause) {
      List<Throwable> failures = new ArrayList<>(connectFailures);
      failures.add(cause);
      connectFailures = failures;
      long pause = pauseMillis(failures.size());
      long left = deadline - System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(pause);
      if (failures.size() < options.getConnectAttempts() && left > 0) {
        timers.setTimer(pause, id -> context.emit(v -> attempt()));
      } else {
        end(null, connectionFailed());
      }
    }

    private ResendException connectionFailed() {
      List<Throwable> failures = connectFailures;
      int last = failures.size() - 1;
      ResendException failure =
          new ResendException(
              ResendFailure.CONNECTION_FAILED,
              "No connection to " + baseUrl.host() + ":" + baseUrl.port(),
              last < 0 ? null : failures.get(last));
      for (int i = 0; i < last; i++) {
        failure.addSuppressed(failures.get(i));
      }
      return failure;
    }

    /** The deadline has come, on a thread of its own. */
    private void expire() {
      ENDING.compareAndSet(this, Ending.OPEN, Ending.EXPIRED);
      settleDecided();
    }

    private void settleExpired() {
      ResendException failure = expired();
      release(failure); // the outcome does not wait for the cluster: that may be what took so long
      settle(null, failure);
      Attempt last = attempt;
      if (last != null && last.wasOpened()) {
        last.abort();
        connectDeadlines.add(last::giveUp);
      }
    }

    /** How far the call came; from now on it comes no further. */
    private ResendException expired() {
      Attempt last = attempt;
      if (!shares) { // else it does not know how far the other call came
        if (guard != null && hold == null) {
          return ClusterGuard.unavailable("did not answer in time", null);
        } else if (last == null) {
          return Tokens.failure("did not answer in time");
        } else if (last.refuse() || !last.wasOpened()) { // it was refused before a pause
          return connectionFailed();
        }
      }
      return new ResendException(
          ResendFailure.TIMEOUT, "No complete answer within timeout, " + options.getTimeout());
    }

    private void end(@Nullable ResendResponse response, @Nullable ResendException failure) {
      if (ENDING.compareAndSet(this, Ending.OPEN, new Ending(response, failure))) {
        Future<?> released = release(failure);
        if (released.isComplete()) {
          settleDecided();
        } else {
          released.onComplete(done -> settleDecided());
        }
      }
    }

    /** Before the outcome is known, so that the next call is not refused on account of this one. */
    private Future<?> release(@Nullable ResendException failure) {
      ClusterGuard.Hold held = hold;
      boolean mayBeOnItsWay =
          failure != null
              && (failure.failure() == ResendFailure.TIMEOUT
                  || failure.failure() == ResendFailure.CONNECTION_LOST);
      return guard == null || held == null || mayBeOnItsWay
          ? Future.succeededFuture()
          : guard.release(held);
    }

    private void settleDecided() {
      Ending decided = ENDING.getAndSet(this, Ending.SETTLED);
      if (decided == Ending.EXPIRED) {
        settleExpired();
      } else if (decided != Ending.SETTLED) {
        settle(decided.response, decided.failure);
      }
    }

    private void settle(@Nullable ResendResponse response, @Nullable ResendException failure) {
      if (expiry != null) {
        expiry.cancel();
      }
      if (holds > 0) { // a call that shares, or came one too many, never had any
        letGo();
      }
      try {
        log(response, failure);
      } finally { // whatever a logger or a handler does, the call has ended
        shared.complete(response, failure); // first, which ends the flight
        LastingContext.tell(outcome, response, failure);
        inFlight.leave();
      }
    }

    private void log(@Nullable ResendResponse response, @Nullable ResendException failure) {
      LOG.log(
          Level.DEBUG,
          () ->
              "resend of "
                  + requestId
                  + ": "
                  + (failure == null
                      ? response
                      : failure.failure()
                          + " ("
                          + failure.httpStatus()
                          + (failure.maybeSent() ? ", maybe sent)" : ", not sent)")));
    }

    private void letGo() {
      if (HOLDS.decrementAndGet(this) == 0) {
        capacity.release();
      }
    }

    /** One try to get a connection, and to send the request over it. */
    private final class Attempt extends Gate implements Connections.Waiter {
      private static final AtomicIntegerFieldUpdater<Attempt> OVER =
          AtomicIntegerFieldUpdater.newUpdater(Attempt.class, "over");

      private volatile int over;
      private DeadlineQueue.@Nullable Entry limit;
      private Connections.@Nullable Pool pool;

      Attempt() {
        super(connections.headers(token));
      }

      void begin() {
        Connections.Pool free = connections.enter(this);
        if (free != null) {
          send(free);
        } else {
          limit = connectDeadlines.add(this::connectExpired);
          if (wasRefused()) { // before it waited, perhaps
            withdraw();
          }
        }
      }

      @Override
      public void turn(Connections.Pool granted) {
        context.runOnContext(v -> send(granted));
      }

      private void send(Connections.Pool granted) {
        pool = granted;
        if (wasRefused()) {
          letGo();
          return;
        }
        BoundedBody body = new BoundedBody(this, options.getMaxResponseBytes());
        Future<HttpResponse<Buffer>> response;
        try {
          response =
              granted.post(baseUrl.path() + '/' + segment + "/resend").as(body).sendStream(this);
        } catch (RuntimeException e) {
          response = Future.failedFuture(e); // such as that Vert.x has closed the HTTP client
        }
        if (limit == null && !wasOpened()) {
          limit = connectDeadlines.add(this::connectExpired);
        }
        response.onComplete(
            (answer, cause) -> {
              boolean isFirst = refuse();
              if (wasOpened()) {
                answered(body, answer, cause);
                return;
              }
              if (cause instanceof HttpClosedException) {
                connections.replace(granted);
              }
              letGo();
              if (isFirst) { // else it has failed by its time limit
                connectFailed(Objects.requireNonNull(cause));
              }
            });
      }

      private void answered(
          BoundedBody body, @Nullable HttpResponse<Buffer> answer, @Nullable Throwable cause) {
        ResendResponse success = null;
        ResendException failure = null;
        try {
          success = outcome(body, answer, cause);
        } catch (ResendException e) {
          failure = e.without(token).without(rejectedToken);
        }
        if (failure != null
            && (answer == null
                || failure.failure() == ResendFailure.INVALID_RESPONSE
                || failure.failure() == ResendFailure.UNRECOGNIZED)) {
          abort(); // what else the server sent must not be read as the next answer
        }
        try {
          end(); // first, so that the connection can serve what follows
        } finally { // and if that throws, as the connection has broken, the outcome is what it is
          letGo();
          if (failure != null
              && failure.failure() == ResendFailure.UNAUTHORIZED
              && Objects.requireNonNull(answer).statusCode() == 401
              && unauthorized == null) {
            askAgain(failure);
          } else {
            Call.this.end(success, failure);
          }
        }
      }

      private ResendResponse outcome(
          BoundedBody body, @Nullable HttpResponse<Buffer> answer, @Nullable Throwable cause) {
        if (body.isTooLong()) { // even if its end came with the excess
          throw new ResendException(
              ResendFailure.INVALID_RESPONSE,
              "The answer is longer than maxResponseBytes, " + options.getMaxResponseBytes());
        } else if (answer == null) {
          throw broken(Objects.requireNonNull(cause));
        }
        return ResponseDecoder.decode(
            answer.statusCode(), answer.headers(), body.content(), InstantSource.system());
      }

      private void connectExpired() {
        if (refuse()) {
          context.emit(
              v ->
                  connectFailed(
                      new ResendException(
                          ResendFailure.CONNECTION_FAILED,
                          "No connection within connectTimeout, " + options.getConnectTimeout())));
        }
      }

      @Override
      boolean refuse() {
        boolean isFirst = super.refuse();
        if (isFirst) {
          withdraw();
        }
        return isFirst;
      }

      private void withdraw() {
        if (connections.withdraw(this)) {
          letGo();
        }
      }

      /** Of a request whose connection has ended Vert.x should have said so by now. */
      void giveUp() {
        if (over == 0) {
          connections.replace(Objects.requireNonNull(pool));
          letGo();
        }
      }

      /** The attempt is over: its connection and its place are free, once. */
      void letGo() {
        if (OVER.compareAndSet(this, 0, 1)) {
          if (limit != null) {
            limit.cancel();
          }
          if (pool != null) {
            connections.leave(pool);
          }
          Call.this.letGo();
        }
      }
    }
  }

  private Future<Void> shutdown() {
    vertx.removeCloseHook(onVertxClose);
    deadlines.close();
    connectDeadlines.close();
    return connections.close();
  }

  private static long pauseMillis(int failures) {
    long longest = Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS << Math.min(failures - 1, 10));
    return ThreadLocalRandom.current().nextLong(longest / 2, longest + 1);
  }
}
