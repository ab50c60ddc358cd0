// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.internal.BaseUrl;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientAgent;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpConnectOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.http.HttpClientInternal;
import io.vertx.core.net.JdkSSLEngineOptions;
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.SSLEngineOptions;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.lang.reflect.Proxy;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The sender of the requests. It makes connections without Vert.x's pool, and sends requests over
 * them with the Web Client. It is used on one event loop only.
 *
 * <p>The Web Client expects Vert.x's own HTTP client. It gets a dynamic proxy of that client, which
 * creates each request on the connection that its call holds.
 */
public final class Transport implements Connector {
  private static final String METRICS_NAME = "otp-resend";
  private static final String TRACE_OPERATION = "otp-resend";

  private final ContextInternal home;
  private final BaseUrl baseUrl;
  private final HttpClientAgent agent;
  private final WebClient webClient;
  private final HttpConnectOptions connectOptions;
  private final RequestHeaders headers;
  private final long connectMillis;

  /** The addresses of the host; null if an HTTP or SOCKS proxy resolves the host. */
  private final @Nullable Addresses addresses;

  /** The connection on which the Web Client creates the request that is being sent. */
  private @Nullable HttpClientConnection connection;

  /**
   * @param home the context that owns the connections; they are closed with its close future
   */
  public Transport(ContextInternal home, OtpResendOptions options, BaseUrl baseUrl) {
    this.home = home;
    this.baseUrl = baseUrl;
    WebClientOptions webClientOptions = webClientOptions(options);
    ContextInternal previous = home.beginDispatch();
    try {
      agent = home.owner().createHttpClient(webClientOptions);
    } finally {
      home.endDispatch(previous);
    }
    webClient =
        WebClient.wrap(
            seam(), new WebClientOptions().setFollowRedirects(false).setUserAgentEnabled(false));
    connectOptions =
        new HttpConnectOptions()
            .setHost(baseUrl.host())
            .setPort(baseUrl.port())
            .setSsl(baseUrl.ssl());
    headers = new RequestHeaders(baseUrl);
    connectMillis = options.getConnectTimeout().toMillis();
    addresses =
        webClientOptions.getProxyOptions() == null
            ? new Addresses(home, baseUrl.host(), baseUrl.port())
            : null;
  }

  /** Makes a connection. It belongs to the home context, whichever context is current. */
  @Override
  public Future<HttpClientConnection> connect() {
    ContextInternal previous = home.beginDispatch();
    try {
      return addresses == null ? agent.connect(connectOptions) : connect(addresses);
    } finally {
      home.endDispatch(previous);
    }
  }

  private Future<HttpClientConnection> connect(Addresses addresses) {
    Future<InetSocketAddress> address = addresses.next();
    Future<HttpClientConnection> made = address.compose(this::connect);
    made.timeout(connectMillis, TimeUnit.MILLISECONDS) // for this listener; the attempt may go on
        .onFailure(
            failure -> {
              if (address.succeeded()) {
                addresses.failed(address.result().getAddress().getHostAddress());
              }
            });
    return made;
  }

  private Future<HttpClientConnection> connect(InetSocketAddress address) {
    return agent.connect(
        new HttpConnectOptions(connectOptions).setServer(SocketAddress.inetSocketAddress(address)));
  }

  @Override
  public void lost(Link link) {
    String address = link.remoteAddress();
    if (addresses != null && address != null) {
      addresses.failed(address);
    }
  }

  @Override
  public boolean isUsable(Link link) {
    return addresses == null || !addresses.isAvoided(link.remoteAddress());
  }

  /**
   * Sends the request for this path segment.
   *
   * @param context the context of the request, on the event loop; a tracer looks for its span there
   */
  public Future<HttpResponse<Buffer>> send(
      ContextInternal context, Link link, String segment, String token, BoundedBody body) {
    assert home.inThread();
    headers.use(token);
    connection = link.connection();
    ContextInternal previous = context.beginDispatch();
    try {
      return webClient
          .request(
              HttpMethod.POST,
              baseUrl.port(),
              baseUrl.host(),
              baseUrl.path() + '/' + segment + "/resend")
          .ssl(baseUrl.ssl())
          .traceOperation(TRACE_OPERATION)
          .as(body)
          .send();
    } catch (Throwable e) { // for example, a class is missing
      return Future.failedFuture(e);
    } finally {
      context.endDispatch(previous);
      connection = null;
    }
  }

  /** Returns the HTTP client that the Web Client gets. It has the methods that this one calls. */
  HttpClientInternal seam() {
    return (HttpClientInternal)
        Proxy.newProxyInstance(
            HttpClientInternal.class.getClassLoader(),
            new Class<?>[] {HttpClientInternal.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "config", "options", "vertx" -> method.invoke(agent, arguments);
                  case "request" -> request((RequestOptions) Objects.requireNonNull(arguments)[0]);
                  default -> throw new UnsupportedOperationException(method.toString());
                });
  }

  private Future<HttpClientRequest> request(RequestOptions request) {
    return Objects.requireNonNull(connection)
        .request(request.setProxyOptions(null)) // the connection goes through the proxy already
        .onSuccess(this::prepare);
  }

  private void prepare(HttpClientRequest request) {
    request.headers().setAll(headers.all()); // the Web Client would copy them three times
    // the outcome reports the failure; without a handler, Vert.x would log what the server sent,
    // which may be the token
    request.exceptionHandler(failure -> {});
  }

  private static WebClientOptions webClientOptions(OtpResendOptions options) {
    int connectMillis = (int) options.getConnectTimeout().toMillis();
    WebClientOptions fixed = new WebClientOptions(options.getWebClient());
    fixed
        .setProtocolVersion(HttpVersion.HTTP_1_1)
        .setUseAlpn(false)
        .setKeepAlive(true)
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
    SSLEngineOptions engine = fixed.getSslEngineOptions();
    fixed.setSslEngineOptions(new TlsEngine(engine == null ? new JdkSSLEngineOptions() : engine));
    ProxyOptions proxy = fixed.getProxyOptions();
    if (proxy != null) { // else Vert.x waits longer than connectTimeout for a silent proxy
      proxy.setConnectTimeout(options.getConnectTimeout());
    }
    return fixed;
  }
}
