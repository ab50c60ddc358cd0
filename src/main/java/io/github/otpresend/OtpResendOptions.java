// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.time.temporal.ChronoUnit.MILLIS;
import static java.time.temporal.ChronoUnit.SECONDS;

import io.github.otpresend.internal.Setting;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.WebClientOptions;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a client, with their defaults and rules.
 *
 * <pre>{@code
 * new OtpResendOptions().setToken(token).setTimeout(Duration.ofSeconds(5));
 * new OtpResendOptions(new JsonObject().put("token", token).put("timeout", 5_000)); // the same
 * }</pre>
 *
 * <p>Every setter throws an {@link IllegalArgumentException} for a value that it does not allow.
 * The message names the key, what is allowed, and the value unless it may be a secret. The JSON
 * keys are the property names. Durations in JSON are whole milliseconds.
 */
public final class OtpResendOptions {
  /** The base URL of the service. */
  public static final String DEFAULT_BASE_URL = "https://online.sigmasms.ru/api/n/otp-handler";

  /** The default of {@link #isAllowPlaintext()}: false. */
  public static final boolean DEFAULT_ALLOW_PLAINTEXT = false;

  /** The default event-bus address. */
  public static final String DEFAULT_ADDRESS = "otp.resend";

  /** The default deadline of a whole call: 10 s. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

  /** The default time to get a connection: 3 s. */
  public static final Duration DEFAULT_CONNECT_TIMEOUT = Duration.ofSeconds(3);

  /** The default number of attempts to get a connection: 3. */
  public static final int DEFAULT_CONNECT_ATTEMPTS = 3;

  /** The default lifetime of an idle connection: 4 s. */
  public static final Duration DEFAULT_KEEP_ALIVE_TIMEOUT = Duration.ofSeconds(4);

  /** The default number of connections to the service: 32. */
  public static final int DEFAULT_MAX_CONNECTIONS = 32;

  /** The default number of calls beyond those that have a connection: 1024. */
  public static final int DEFAULT_MAX_PENDING = 1024;

  /** The default size limit of a response body: 65536 bytes. */
  public static final int DEFAULT_MAX_RESPONSE_BYTES = 65_536;

  /** The default of {@link #isSingleFlight()}: true. */
  public static final boolean DEFAULT_SINGLE_FLIGHT = true;

  /** The default of {@link #isClusterGuard()}: true. */
  public static final boolean DEFAULT_CLUSTER_GUARD = true;

  /** The default of {@link #getCooldown()}: zero, which is off. */
  public static final Duration DEFAULT_COOLDOWN = Duration.ZERO;

  private static final int MAX_ATTEMPTS = 100;
  private static final int MAX_CONNECTIONS = 65_535;
  private static final int MAX_PENDING = 10_000_000;
  private static final int MAX_BYTES = 16_777_216;

  private String baseUrl = DEFAULT_BASE_URL;
  private @Nullable String token;
  private boolean allowPlaintext = DEFAULT_ALLOW_PLAINTEXT;
  private String address = DEFAULT_ADDRESS;
  private Duration timeout = DEFAULT_TIMEOUT;
  private @Nullable Duration connectTimeout; // null if it was not set
  private int connectAttempts = DEFAULT_CONNECT_ATTEMPTS;
  private Duration keepAliveTimeout = DEFAULT_KEEP_ALIVE_TIMEOUT;
  private int maxConnections = DEFAULT_MAX_CONNECTIONS;
  private int maxPending = DEFAULT_MAX_PENDING;
  private int maxResponseBytes = DEFAULT_MAX_RESPONSE_BYTES;
  private boolean singleFlight = DEFAULT_SINGLE_FLIGHT;
  private boolean clusterGuard = DEFAULT_CLUSTER_GUARD;
  private @Nullable String redis;
  private Duration cooldown = DEFAULT_COOLDOWN;
  private WebClientOptions webClient = new WebClientOptions();

  /** Creates options with every default and no token. */
  public OtpResendOptions() {}

  /**
   * Creates a copy.
   *
   * @param other the options to copy
   */
  public OtpResendOptions(OtpResendOptions other) {
    baseUrl = other.baseUrl;
    token = other.token;
    allowPlaintext = other.allowPlaintext;
    address = other.address;
    timeout = other.timeout;
    connectTimeout = other.connectTimeout;
    connectAttempts = other.connectAttempts;
    keepAliveTimeout = other.keepAliveTimeout;
    maxConnections = other.maxConnections;
    maxPending = other.maxPending;
    maxResponseBytes = other.maxResponseBytes;
    singleFlight = other.singleFlight;
    clusterGuard = other.clusterGuard;
    redis = other.redis;
    cooldown = other.cooldown;
    webClient = new WebClientOptions(other.webClient);
  }

  /**
   * Creates options from JSON, such as the configuration of a verticle. A missing key leaves the
   * default.
   *
   * @param json the settings, with durations in milliseconds
   * @throws IllegalArgumentException for an unknown key, a value of the wrong JSON type, or a value
   *     that the setter does not allow
   */
  public OtpResendOptions(JsonObject json) {
    for (Map.Entry<String, Object> entry : json) {
      String key = entry.getKey();
      Object value = entry.getValue();
      switch (key) {
        case "baseUrl" -> setBaseUrl(Setting.text(key, value));
        case "token" -> setToken(Setting.text(key, value));
        case "allowPlaintext" -> allowPlaintext = Setting.bool(key, value);
        case "address" -> setAddress(Setting.text(key, value));
        case "timeout" -> setTimeout(Setting.millis(key, value));
        case "connectTimeout" -> setConnectTimeout(Setting.millis(key, value));
        case "connectAttempts" -> connectAttempts = Setting.whole(key, value, 1, MAX_ATTEMPTS);
        case "keepAliveTimeout" -> setKeepAliveTimeout(Setting.millis(key, value));
        case "maxConnections" -> maxConnections = Setting.whole(key, value, 1, MAX_CONNECTIONS);
        case "maxPending" -> maxPending = Setting.whole(key, value, 0, MAX_PENDING);
        case "maxResponseBytes" -> maxResponseBytes = Setting.whole(key, value, 1, MAX_BYTES);
        case "singleFlight" -> singleFlight = Setting.bool(key, value);
        case "clusterGuard" -> clusterGuard = Setting.bool(key, value);
        case "redis" -> setRedis(Setting.text(key, value));
        case "cooldown" -> setCooldown(Setting.millis(key, value));
        case "webClient" -> webClient = Setting.webClient(key, value);
        default -> throw Setting.unknown(key, keys());
      }
    }
  }

  private static Set<String> keys() {
    OtpResendOptions all = new OtpResendOptions().setToken("t").setRedis("redis://h");
    return all.setConnectTimeout(DEFAULT_CONNECT_TIMEOUT).toJson().fieldNames();
  }

  /**
   * Returns the settings as JSON, for the JSON constructor. Do not log it: it holds the token and
   * the passwords of Redis and of key stores. It leaves out the token, Redis and the connect
   * timeout if they were not set.
   *
   * @return the settings, with durations in milliseconds
   */
  public JsonObject toJson() {
    JsonObject json = new JsonObject().put("baseUrl", baseUrl);
    if (token != null) {
      json.put("token", token);
    }
    if (redis != null) {
      json.put("redis", redis);
    }
    json.put("allowPlaintext", allowPlaintext)
        .put("address", address)
        .put("timeout", timeout.toMillis());
    if (connectTimeout != null) {
      json.put("connectTimeout", connectTimeout.toMillis());
    }
    return json.put("connectAttempts", connectAttempts)
        .put("keepAliveTimeout", keepAliveTimeout.toMillis())
        .put("maxConnections", maxConnections)
        .put("maxPending", maxPending)
        .put("maxResponseBytes", maxResponseBytes)
        .put("singleFlight", singleFlight)
        .put("clusterGuard", clusterGuard)
        .put("cooldown", cooldown.toMillis())
        .put("webClient", webClient.toJson());
  }

  /** {@return the base URL as it was set} */
  public String getBaseUrl() {
    return baseUrl;
  }

  /**
   * Sets the URL to which the client appends {@code /{requestId}/resend}. A trailing slash is fine.
   *
   * @param baseUrl a URL with a host and without user info, query and fragment; {@code http} needs
   *     a loopback host or {@link #setAllowPlaintext}; {@link #DEFAULT_BASE_URL} by default
   * @return this
   */
  public OtpResendOptions setBaseUrl(String baseUrl) {
    Setting.url("baseUrl", baseUrl);
    this.baseUrl = baseUrl;
    return this;
  }

  /** {@return the bearer token, or null} */
  public @Nullable String getToken() {
    return token;
  }

  /**
   * Sets the bearer token. A client needs a token or a {@link TokenProvider}.
   *
   * @param token 1 to 8192 printable ASCII characters without a space; none by default. Null is
   *     rejected too; the type allows it only so that Kotlin sees a property
   * @return this
   */
  public OtpResendOptions setToken(@Nullable String token) {
    String wrong = "empty, too long or has characters that are not allowed";
    Setting.check(Setting.isToken(token), "token", wrong, Setting.TOKENS_ALLOWED);
    this.token = token;
    return this;
  }

  /** {@return whether the token may travel in clear text over a network} */
  public boolean isAllowPlaintext() {
    return allowPlaintext;
  }

  /**
   * Allows {@code http://} to a host that is not loopback, or through a proxy. Then others on the
   * network path can read the token. Without this permission, creating such a client fails.
   *
   * @param allowPlaintext true to allow it; false by default
   * @return this
   */
  public OtpResendOptions setAllowPlaintext(boolean allowPlaintext) {
    this.allowPlaintext = allowPlaintext;
    return this;
  }

  /** {@return the event-bus address} */
  public String getAddress() {
    return address;
  }

  /**
   * Sets the event-bus address that a verticle serves, and to which an event-bus client sends its
   * calls.
   *
   * @param address a text that is not blank; {@value #DEFAULT_ADDRESS} by default
   * @return this
   */
  public OtpResendOptions setAddress(String address) {
    boolean blank = Setting.text("address", address).isBlank();
    Setting.check(!blank, "address", '"' + address + '"', "a text that is not blank");
    this.address = address;
    return this;
  }

  /** {@return the deadline of a whole call} */
  public Duration getTimeout() {
    return timeout;
  }

  /**
   * Sets the deadline of a whole call. It covers waiting, connecting, and receiving the answer to
   * its last byte.
   *
   * @param timeout 1 ms to 1 day, in whole milliseconds; 10 s by default
   * @return this
   */
  public OtpResendOptions setTimeout(Duration timeout) {
    this.timeout = Setting.duration("timeout", timeout, MILLIS.getDuration(), MILLIS);
    return this;
  }

  /** {@return the time limit of one attempt to get a connection} */
  public Duration getConnectTimeout() {
    if (connectTimeout != null) {
      return connectTimeout;
    }
    return timeout.compareTo(DEFAULT_CONNECT_TIMEOUT) < 0 ? timeout : DEFAULT_CONNECT_TIMEOUT;
  }

  /**
   * Sets the time limit of one attempt to get a connection: waiting for a free connection, DNS, TCP
   * and TLS together. Creating a client fails if this is longer than the timeout.
   *
   * @param connectTimeout 1 ms to 1 day, in whole milliseconds; by default 3 s, or the timeout if
   *     that is shorter
   * @return this
   */
  public OtpResendOptions setConnectTimeout(Duration connectTimeout) {
    this.connectTimeout =
        Setting.duration("connectTimeout", connectTimeout, MILLIS.getDuration(), MILLIS);
    return this;
  }

  /** {@return the number of attempts to get a connection} */
  public int getConnectAttempts() {
    return connectAttempts;
  }

  /**
   * Sets the number of attempts to get a connection within the deadline. The pauses between them
   * grow and have jitter. Nothing has been transmitted when another attempt is made.
   *
   * @param connectAttempts 1 to 100; 3 by default
   * @return this
   */
  public OtpResendOptions setConnectAttempts(int connectAttempts) {
    this.connectAttempts = Setting.whole("connectAttempts", connectAttempts, 1, MAX_ATTEMPTS);
    return this;
  }

  /** {@return the lifetime of an idle connection} */
  public Duration getKeepAliveTimeout() {
    return keepAliveTimeout;
  }

  /**
   * Sets the longest lifetime of an idle connection. It must be shorter than the server's limit, or
   * a request may end as {@link ResendFailure#CONNECTION_LOST}. A header {@code Keep-Alive:
   * timeout=N} of the server shortens it to N − 1 s, and never lengthens it.
   *
   * @param keepAliveTimeout 1 s to 1 day, in whole seconds; 4 s by default
   * @return this
   */
  public OtpResendOptions setKeepAliveTimeout(Duration keepAliveTimeout) {
    this.keepAliveTimeout =
        Setting.duration("keepAliveTimeout", keepAliveTimeout, SECONDS.getDuration(), SECONDS);
    return this;
  }

  /** {@return the number of connections to the service} */
  public int getMaxConnections() {
    return maxConnections;
  }

  /**
   * Sets the number of connections to the service. Each connection carries one resend at a time.
   *
   * @param maxConnections 1 to 65535; 32 by default
   * @return this
   */
  public OtpResendOptions setMaxConnections(int maxConnections) {
    this.maxConnections = Setting.whole("maxConnections", maxConnections, 1, MAX_CONNECTIONS);
    return this;
  }

  /** {@return the number of calls beyond those that have a connection} */
  public int getMaxPending() {
    return maxPending;
  }

  /**
   * Sets the number of calls that may wait. A call fails at once, on the thread of its caller, as
   * {@link ResendFailure#OVERLOADED} if {@code maxConnections} plus this number of calls have not
   * ended, whatever they wait for.
   *
   * @param maxPending 0 to 10000000; 1024 by default
   * @return this
   */
  public OtpResendOptions setMaxPending(int maxPending) {
    this.maxPending = Setting.whole("maxPending", maxPending, 0, MAX_PENDING);
    return this;
  }

  /** {@return the size limit of a response body in bytes} */
  public int getMaxResponseBytes() {
    return maxResponseBytes;
  }

  /**
   * Sets the size limit of a response body. The client stops reading a longer body and fails as
   * {@link ResendFailure#INVALID_RESPONSE}.
   *
   * @param maxResponseBytes 1 to 16777216 bytes; 65536 bytes by default
   * @return this
   */
  public OtpResendOptions setMaxResponseBytes(int maxResponseBytes) {
    this.maxResponseBytes = Setting.whole("maxResponseBytes", maxResponseBytes, 1, MAX_BYTES);
    return this;
  }

  /** {@return whether calls for one request id share one resend} */
  public boolean isSingleFlight() {
    return singleFlight;
  }

  /**
   * Sets whether calls that are in flight for the same request id share one resend and its outcome.
   * All clients of the same base URL within one {@code Vertx} take part. At most 128 calls share
   * one call. The next call is refused as {@link ResendFailure#ALREADY_IN_PROGRESS}.
   *
   * @param singleFlight false to refuse every call for a request id that is in flight, as {@link
   *     ResendFailure#ALREADY_IN_PROGRESS}; true by default
   * @return this
   */
  public OtpResendOptions setSingleFlight(boolean singleFlight) {
    this.singleFlight = singleFlight;
    return this;
  }

  /** {@return whether the client refuses a request id that another node has in flight} */
  public boolean isClusterGuard() {
    return clusterGuard;
  }

  /**
   * Sets whether a clustered client refuses a request id that another call has in flight, as {@link
   * ResendFailure#ALREADY_IN_PROGRESS}. The id is free again after the call. After {@link
   * ResendFailure#TIMEOUT}, {@link ResendFailure#CONNECTION_LOST} or the death of a node it stays
   * refused until the deadline and the cooldown have passed, or a second or two longer. If the
   * cluster does not answer within {@link #getConnectTimeout()}, the call fails as {@link
   * ResendFailure#GUARD_UNAVAILABLE}.
   *
   * <p>Vert.x's cluster manager for ZooKeeper has no atomic {@code putIfAbsent}. With it, a client
   * cannot be created while this is true.
   *
   * @param clusterGuard false to look at this node only; true by default
   * @return this
   */
  public OtpResendOptions setClusterGuard(boolean clusterGuard) {
    this.clusterGuard = clusterGuard;
    return this;
  }

  /** {@return the connection string of Redis, which may hold a password, or null} */
  public @Nullable String getRedis() {
    return redis;
  }

  /**
   * Sets the Redis, or Valkey, through which several processes share their claims: among them, one
   * call at a time has a request id, and a {@link #setCooldown cooldown} holds in all of them. In a
   * cluster it replaces the cluster's map, and {@link #setClusterGuard} is ignored. If Redis does
   * not answer within {@link #getConnectTimeout()}, a call fails as {@link
   * ResendFailure#GUARD_UNAVAILABLE}, and nothing is sent. A client is created even while Redis is
   * away. It needs {@code io.vertx:vertx-redis-client} on the class path or module path.
   *
   * @param redis {@code redis://[[user]:password@]host[:port][/database]}, or {@code rediss://} for
   *     TLS: one server, no Sentinel and no Redis Cluster. Special characters of the user and the
   *     password are percent-encoded. None by default. Null is rejected
   * @return this
   */
  public OtpResendOptions setRedis(@Nullable String redis) {
    Setting.check(
        Setting.isRedis(redis), "redis", "of another form", Setting.REDIS_ALLOWED); // no password
    this.redis = redis;
    return this;
  }

  /** {@return the time during which a request id is refused after a resend; zero if it is off} */
  public Duration getCooldown() {
    return cooldown;
  }

  /**
   * Sets how long a request id is refused, as {@link ResendFailure#COOLING_DOWN}, after a resend
   * that was or may have been sent. The time begins when the request is sent. The cooldown holds
   * within one {@code Vertx} for all clients of the same base URL, also for clients without one.
   * With a {@link #setClusterGuard cluster guard} it holds on all nodes, and with {@link #setRedis
   * Redis} in all processes. A call that fails and is not {@link ResendException#maybeSent() maybe
   * sent} ends its cooldown at once. Choose a time that is no longer than the service's own
   * cooldown.
   *
   * @param cooldown 0 to 1 day, in whole milliseconds; 0, which is off, by default
   * @return this
   */
  public OtpResendOptions setCooldown(Duration cooldown) {
    this.cooldown = Setting.duration("cooldown", cooldown, Duration.ZERO, MILLIS);
    return this;
  }

  /** {@return the options of the Web Client, which the caller may change in place} */
  public WebClientOptions getWebClient() {
    return webClient;
  }

  /**
   * Sets the options of the Web Client: proxy, trust and key stores, metrics name and so on. The
   * library overrides the protocol, redirects, timeouts, pool, user agent and wire log.
   *
   * @param webClient the options, which are copied; the defaults of Vert.x by default
   * @return this
   */
  public OtpResendOptions setWebClient(WebClientOptions webClient) {
    Setting.check(webClient != null, "webClient", "null", "WebClientOptions");
    this.webClient = new WebClientOptions(webClient);
    return this;
  }
}
