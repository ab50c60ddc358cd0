// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.net.ProxyOptions;
import io.vertx.ext.web.client.HttpRequest;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The connections to the service, and who waits for one: in the pool itself each would hold four
 * times as much.
 *
 * <p>There is one pool, until it has lost a connection. Of one that ends while it is handed out
 * Vert.x may never hear, and its slot stays taken for good.
 */
final class Connections {
  private static final CharSequence USER_AGENT = HttpHeaders.createOptimized(userAgent());
  private static final String METRICS_NAME = "otp-resend";
  private static final String TRACE_OPERATION = "otp-resend";
  private static final CharSequence JSON = HttpHeaders.createOptimized("application/json");
  private static final CharSequence NONE = HttpHeaders.createOptimized("0");

  private final Vertx vertx;
  private final BaseUrl baseUrl;
  private final WebClientOptions webClientOptions;
  private final PoolOptions poolOptions;
  private final DeadlineQueue deadlines;
  private final Set<Pool> open = ConcurrentHashMap.newKeySet();

  /** In the order in which they came. */
  private final Set<Waiter> waiting = new LinkedHashSet<>();

  private Pool pool;
  private volatile @Nullable Prepared prepared;

  /** Somebody who wants a connection. */
  interface Waiter {
    /** There is one in this pool; called once, by whichever thread, under a lock: it is brief. */
    void turn(Pool pool);
  }

  /** A pool, and the requests over it. */
  final class Pool {
    private final HttpClient httpClient;
    private final WebClient webClient;
    private int free = poolOptions.getHttp1MaxSize();

    private Pool(HttpClient httpClient) {
      this.httpClient = httpClient;
      webClient = WebClient.wrap(httpClient, webClientOptions);
    }

    /** The resend of this path; its {@link Connections#headers} are still to be put. */
    HttpRequest<Buffer> post(String path) {
      return webClient
          .request(HttpMethod.POST, baseUrl.port(), baseUrl.host(), path)
          .ssl(baseUrl.ssl())
          .traceOperation(TRACE_OPERATION);
    }
  }

  /** The headers of every call with this token. */
  private static final class Prepared { // no record, which would print the token
    private final String token;
    private final MultiMap headers;

    Prepared(String token) {
      this.token = token;
      headers =
          HttpHeaders.headers()
              .set(HttpHeaders.USER_AGENT, USER_AGENT)
              .set(HttpHeaders.ACCEPT, JSON)
              .set(HttpHeaders.AUTHORIZATION, HttpHeaders.createOptimized("Bearer " + token))
              .set(HttpHeaders.CONTENT_LENGTH, NONE);
    }
  }

  /**
   * @param deadlines by which a call that uses a pool has ended
   */
  Connections(Vertx vertx, OtpResendOptions options, DeadlineQueue deadlines) {
    this.vertx = vertx;
    this.deadlines = deadlines;
    baseUrl = options.baseUrl();
    webClientOptions = webClientOptions(options);
    poolOptions = poolOptions(options);
    pool = open();
  }

  /**
   * Returns the pool that has a connection, or null: then this one waits for its turn. Whoever had
   * one has to {@link #leave}.
   */
  synchronized @Nullable Pool enter(Waiter waiter) {
    if (pool.free > 0) {
      pool.free--;
      return pool;
    }
    waiting.add(waiter);
    return null;
  }

  /** Whether this one waited, and does no more. */
  synchronized boolean withdraw(Waiter waiter) {
    return waiting.remove(waiter);
  }

  /** Gives a connection back, which is the turn of the first who waits. */
  synchronized void leave(Pool used) {
    used.free++;
    grant();
  }

  private void grant() {
    Iterator<Waiter> inOrder = waiting.iterator();
    while (pool.free > 0 && inOrder.hasNext()) {
      Waiter first = inOrder.next();
      inOrder.remove();
      pool.free--;
      first.turn(pool);
    }
  }

  /** All of a request but the one that Vert.x knows itself, which is the host. */
  MultiMap headers(String token) {
    Prepared latest = prepared;
    if (latest == null || !latest.token.equals(token)) {
      latest = new Prepared(token);
      prepared = latest;
    }
    return latest.headers;
  }

  /** Has another pool serve the calls to come; those that use this one end by their deadline. */
  synchronized void replace(Pool lost) {
    if (pool == lost) { // else another call of it has found out before
      pool = open();
      deadlines.add(
          () -> {
            open.remove(lost);
            lost.httpClient.close();
          });
      grant();
    }
  }

  Future<Void> close() {
    return Future.join(open.stream().map(pool -> pool.httpClient.close()).toList()).mapEmpty();
  }

  private Pool open() {
    HttpClient httpClient = vertx.createHttpClient(webClientOptions, poolOptions);
    Pool opened = new Pool(httpClient);
    open.add(opened);
    return opened;
  }

  private static WebClientOptions webClientOptions(OtpResendOptions options) {
    int connectMillis = (int) options.getConnectTimeout().toMillis();
    WebClientOptions fixed = new WebClientOptions(options.getWebClient());
    fixed
        .setProtocolVersion(HttpVersion.HTTP_1_1)
        .setUseAlpn(false)
        .setKeepAlive(true)
        .setKeepAliveTimeout((int) options.getKeepAliveTimeout().toSeconds())
        .setPipelining(false)
        .setShared(false)
        .setConnectTimeout(connectMillis)
        .setSslHandshakeTimeout(connectMillis)
        .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS)
        .setIdleTimeout(0)
        .setReadIdleTimeout(0)
        .setWriteIdleTimeout(0)
        .setLogActivity(false); // it would log the token
    if (fixed.getMetricsName() == null || fixed.getMetricsName().isEmpty()) {
      fixed.setMetricsName(METRICS_NAME);
    }
    ProxyOptions proxy = fixed.getProxyOptions();
    if (proxy != null) { // or a silent one keeps its slot of the pool for longer than the attempt
      proxy.setConnectTimeout(options.getConnectTimeout());
    }
    return fixed.setFollowRedirects(false).setUserAgentEnabled(false);
  }

  private static PoolOptions poolOptions(OtpResendOptions options) {
    return new PoolOptions()
        .setHttp1MaxSize(options.getMaxConnections())
        .setMaxWaitQueueSize(-1) // capacity bounds it
        // often enough for keepAliveTimeout to be kept within an eighth
        .setCleanerPeriod((int) Math.min(1_000, options.getKeepAliveTimeout().toMillis() / 8));
  }

  private static String userAgent() {
    try (InputStream resource =
        Objects.requireNonNull(Connections.class.getResourceAsStream("user-agent.txt"))) {
      return new String(resource.readAllBytes(), UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
