// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.WebClientOptions;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Every setting of a client, its default and its rules.
 *
 * <pre>{@code
 * new OtpResendOptions().setToken(token).setTimeout(Duration.ofSeconds(5));
 * new OtpResendOptions(new JsonObject().put("token", token).put("timeout", 5_000)); // the same
 * }</pre>
 *
 * <p>A setter, or the JSON constructor, rejects a bad value with an {@link
 * IllegalArgumentException} that names the key, the value (never the token's) and what is allowed.
 * The JSON keys are the property names; durations are milliseconds there. An unknown key or a value
 * of the wrong JSON type is an error.
 */
public final class OtpResendOptions {
  /** The service's own base URL. */
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

  /** The default time that an idle connection is kept: 4 s. */
  public static final Duration DEFAULT_KEEP_ALIVE_TIMEOUT = Duration.ofSeconds(4);

  /** The default number of connections to the service: 32. */
  public static final int DEFAULT_MAX_CONNECTIONS = 32;

  /** The default number of calls that may wait for a connection: 1024. */
  public static final int DEFAULT_MAX_PENDING = 1024;

  /** The default size of the longest response body: 65536 bytes. */
  public static final int DEFAULT_MAX_RESPONSE_BYTES = 65_536;

  /** The default of {@link #isSingleFlight()}: true. */
  public static final boolean DEFAULT_SINGLE_FLIGHT = true;

  /** The default of {@link #isClusterGuard()}: true. */
  public static final boolean DEFAULT_CLUSTER_GUARD = true;

  private static final int MAX_TOKEN_CHARACTERS = 8192;
  private static final Duration MILLISECOND = Duration.ofMillis(1);
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Duration MAX_DURATION = Duration.ofDays(1);

  private BaseUrl baseUrl = parse(DEFAULT_BASE_URL);
  private @Nullable String token;
  private boolean allowPlaintext = DEFAULT_ALLOW_PLAINTEXT;
  private String address = DEFAULT_ADDRESS;
  private Duration timeout = DEFAULT_TIMEOUT;
  private Duration connectTimeout = DEFAULT_CONNECT_TIMEOUT;
  private int connectAttempts = DEFAULT_CONNECT_ATTEMPTS;
  private Duration keepAliveTimeout = DEFAULT_KEEP_ALIVE_TIMEOUT;
  private int maxConnections = DEFAULT_MAX_CONNECTIONS;
  private int maxPending = DEFAULT_MAX_PENDING;
  private int maxResponseBytes = DEFAULT_MAX_RESPONSE_BYTES;
  private boolean singleFlight = DEFAULT_SINGLE_FLIGHT;
  private boolean clusterGuard = DEFAULT_CLUSTER_GUARD;
  private WebClientOptions webClient = new WebClientOptions();

  /** Options with every default and no token. */
  public OtpResendOptions() {}

  /**
   * A copy.
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
    webClient = new WebClientOptions(other.webClient);
  }

  /**
   * Options from JSON, as in a verticle's configuration; what is absent has its default.
   *
   * @param json the settings, durations in milliseconds
   * @throws IllegalArgumentException for an unknown key, a value of the wrong JSON type, or one
   *     that its setter rejects
   */
  public OtpResendOptions(JsonObject json) {
    for (Map.Entry<String, Object> entry : json) {
      String key = entry.getKey();
      Object value = entry.getValue();
      switch (key) {
        case "baseUrl" -> setBaseUrl(text(key, value));
        case "token" -> setToken(text(key, value));
        case "allowPlaintext" -> setAllowPlaintext(bool(key, value));
        case "address" -> setAddress(text(key, value));
        case "timeout" -> setTimeout(Duration.ofMillis(whole(key, value)));
        case "connectTimeout" -> setConnectTimeout(Duration.ofMillis(whole(key, value)));
        case "connectAttempts" -> connectAttempts = inRange(key, whole(key, value));
        case "keepAliveTimeout" -> setKeepAliveTimeout(Duration.ofMillis(whole(key, value)));
        case "maxConnections" -> maxConnections = inRange(key, whole(key, value));
        case "maxPending" -> maxPending = inRange(key, whole(key, value));
        case "maxResponseBytes" -> maxResponseBytes = inRange(key, whole(key, value));
        case "singleFlight" -> setSingleFlight(bool(key, value));
        case "clusterGuard" -> setClusterGuard(bool(key, value));
        case "webClient" -> setWebClient(webClientOptions(key, value));
        default ->
            throw new IllegalArgumentException(
                "unknown key \""
                    + key
                    + "\"; allowed are "
                    + new OtpResendOptions().setToken("t").toJson().fieldNames());
      }
    }
  }

  /**
   * Returns every setting as JSON, which the JSON constructor reads back. It holds the token, and
   * the passwords of key stores: do not log it.
   *
   * @return the settings, durations in milliseconds
   */
  public JsonObject toJson() {
    JsonObject json = new JsonObject().put("baseUrl", baseUrl.text());
    if (token != null) {
      json.put("token", token);
    }
    return json.put("allowPlaintext", allowPlaintext)
        .put("address", address)
        .put("timeout", timeout.toMillis())
        .put("connectTimeout", connectTimeout.toMillis())
        .put("connectAttempts", connectAttempts)
        .put("keepAliveTimeout", keepAliveTimeout.toMillis())
        .put("maxConnections", maxConnections)
        .put("maxPending", maxPending)
        .put("maxResponseBytes", maxResponseBytes)
        .put("singleFlight", singleFlight)
        .put("clusterGuard", clusterGuard)
        .put("webClient", webClient.toJson());
  }

  /**
   * {@return the URL to which {@code /{requestId}/resend} is appended; {@value #DEFAULT_BASE_URL}
   * by default}
   */
  public String getBaseUrl() {
    return baseUrl.text();
  }

  /**
   * Sets the URL to which {@code /{requestId}/resend} is appended; a trailing slash is fine.
   *
   * @param baseUrl an {@code https} URL, or an {@code http} one if its host is loopback or {@link
   *     #setAllowPlaintext} allows it; with a host, and without user info, query and fragment
   * @return this
   * @throws IllegalArgumentException if it is not such a URL
   */
  public OtpResendOptions setBaseUrl(String baseUrl) {
    this.baseUrl = parse(text("baseUrl", baseUrl));
    return this;
  }

  /** {@return the bearer token; null by default} */
  public @Nullable String getToken() {
    return token;
  }

  /**
   * Sets the bearer token. A client needs either this or a {@link TokenProvider}.
   *
   * @param token 1 to 8192 printable ASCII characters without a space
   * @return this
   * @throws IllegalArgumentException if it is not such a text; the token is not in its message
   */
  public OtpResendOptions setToken(String token) {
    check(isToken(token), "token", "a text that is none", TOKENS_ALLOWED);
    this.token = token;
    return this;
  }

  /**
   * {@return whether {@code http://} to a host that is not loopback is allowed; false by default}
   */
  public boolean isAllowPlaintext() {
    return allowPlaintext;
  }

  /**
   * Allows {@code http://} to a host that is not loopback, or through a proxy, where everybody on
   * the way can read the token. Without it a client of such a base URL is not created.
   *
   * @param allowPlaintext true to allow it
   * @return this
   */
  public OtpResendOptions setAllowPlaintext(boolean allowPlaintext) {
    this.allowPlaintext = allowPlaintext;
    return this;
  }

  /** {@return the event-bus address; {@value #DEFAULT_ADDRESS} by default} */
  public String getAddress() {
    return address;
  }

  /**
   * Sets the event-bus address that is served, or asked.
   *
   * @param address a text that is not blank
   * @return this
   * @throws IllegalArgumentException if it is blank
   */
  public OtpResendOptions setAddress(String address) {
    check(
        !text("address", address).isBlank(),
        "address",
        quoted(address),
        "a text that is not blank");
    this.address = address;
    return this;
  }

  /** {@return the deadline of a whole call; 10 s by default} */
  public Duration getTimeout() {
    return timeout;
  }

  /**
   * Sets the deadline of a whole call: waiting, connecting, and the answer to its last byte.
   *
   * @param timeout 1 ms to 1 day, in whole milliseconds
   * @return this
   * @throws IllegalArgumentException if it is outside that range
   */
  public OtpResendOptions setTimeout(Duration timeout) {
    this.timeout = checkDuration("timeout", timeout, MILLISECOND);
    return this;
  }

  /**
   * {@return the time to get a connection; 3 s by default, or the {@link #getTimeout() timeout} if
   * that is shorter}
   */
  public Duration getConnectTimeout() {
    return usesDefaultConnectTimeout() && timeout.compareTo(connectTimeout) < 0
        ? timeout
        : connectTimeout;
  }

  /**
   * Sets the time that one attempt to get a connection may take: waiting for a free one, DNS, TCP
   * and TLS together.
   *
   * @param connectTimeout 1 ms to 1 day, in whole milliseconds, and at most the {@link #setTimeout
   *     timeout}, which is checked when the client is created
   * @return this
   * @throws IllegalArgumentException if it is outside that range
   */
  public OtpResendOptions setConnectTimeout(Duration connectTimeout) {
    this.connectTimeout = checkDuration("connectTimeout", connectTimeout, MILLISECOND);
    return this;
  }

  /** {@return how often a connection is tried for; 3 by default} */
  public int getConnectAttempts() {
    return connectAttempts;
  }

  /**
   * Sets how often a connection is tried for, within the deadline and with growing, jittered
   * pauses. It is only for failures before anything was transmitted.
   *
   * @param connectAttempts 1 to 100
   * @return this
   * @throws IllegalArgumentException if it is outside that range
   */
  public OtpResendOptions setConnectAttempts(int connectAttempts) {
    this.connectAttempts = inRange("connectAttempts", connectAttempts);
    return this;
  }

  /** {@return how long an idle connection is kept; 4 s by default} */
  public Duration getKeepAliveTimeout() {
    return keepAliveTimeout;
  }

  /**
   * Sets how long an idle connection is kept. It has to be shorter than the server's own limit, or
   * a request may race a closing connection and end as {@link ResendFailure#CONNECTION_LOST}. A
   * {@code Keep-Alive: timeout} header of the server overrides it, since Vert.x obeys that.
   *
   * @param keepAliveTimeout 1 s to 1 day, in whole seconds
   * @return this
   * @throws IllegalArgumentException if it is outside that range
   */
  public OtpResendOptions setKeepAliveTimeout(Duration keepAliveTimeout) {
    this.keepAliveTimeout = checkDuration("keepAliveTimeout", keepAliveTimeout, SECOND);
    return this;
  }

  /** {@return the number of connections to the service; 32 by default} */
  public int getMaxConnections() {
    return maxConnections;
  }

  /**
   * Sets the number of connections to the service, which is that of resends at work at once.
   *
   * @param maxConnections 1 to 65535
   * @return this
   * @throws IllegalArgumentException if it is outside that range
   */
  public OtpResendOptions setMaxConnections(int maxConnections) {
    this.maxConnections = inRange("maxConnections", maxConnections);
    return this;
  }

  /** {@return the number of calls that may wait for a connection; 1024 by default} */
  public int getMaxPending() {
    return maxPending;
  }

  /**
   * Sets the number of calls that may wait for a connection. When as many calls are in flight as
   * this and {@link #setMaxConnections maxConnections} allow together, whatever they wait for, one
   * more fails at once as {@link ResendFailure#OVERLOADED}.
   *
   * @param maxPending 0 to 10000000
   * @return this
   * @throws IllegalArgumentException if it is outside that range
   */
  public OtpResendOptions setMaxPending(int maxPending) {
    this.maxPending = inRange("maxPending", maxPending);
    return this;
  }

  /** {@return the size of the longest response body; 65536 bytes by default} */
  public int getMaxResponseBytes() {
    return maxResponseBytes;
  }

  /**
   * Sets the size of the longest response body. A longer one is {@link
   * ResendFailure#INVALID_RESPONSE}, and is not read on.
   *
   * @param maxResponseBytes 1 to 16777216 bytes
   * @return this
   * @throws IllegalArgumentException if it is outside that range
   */
  public OtpResendOptions setMaxResponseBytes(int maxResponseBytes) {
    this.maxResponseBytes = inRange("maxResponseBytes", maxResponseBytes);
    return this;
  }

  /** {@return whether calls for one request id share one resend; true by default} */
  public boolean isSingleFlight() {
    return singleFlight;
  }

  /**
   * Sets whether calls for a request id that is in flight share that call and its outcome, within
   * one {@code Vertx} and whichever client of the same base URL is called.
   *
   * @param singleFlight false to send a resend for every call; in a cluster {@link
   *     #setClusterGuard} still refuses the second one
   * @return this
   */
  public OtpResendOptions setSingleFlight(boolean singleFlight) {
    this.singleFlight = singleFlight;
    return this;
  }

  /**
   * {@return whether, in a cluster, a request id that another node has in flight is refused; true
   * by default}
   */
  public boolean isClusterGuard() {
    return clusterGuard;
  }

  /**
   * Sets whether, in a clustered Vert.x, a request id that another call has in flight is refused as
   * {@link ResendFailure#ALREADY_IN_PROGRESS}. The entry in a cluster-wide map is released with the
   * outcome. It stays until the deadline of the call, or a second or two longer, if that is {@link
   * ResendFailure#TIMEOUT} or {@link ResendFailure#CONNECTION_LOST}, or if the node dies. A map
   * that does not answer within {@link #getConnectTimeout()} is {@link
   * ResendFailure#GUARD_UNAVAILABLE}. Without a cluster it does nothing.
   *
   * @param clusterGuard false to look at this node only
   * @return this
   */
  public OtpResendOptions setClusterGuard(boolean clusterGuard) {
    this.clusterGuard = clusterGuard;
    return this;
  }

  /**
   * {@return the options of the Web Client beneath, to be changed in place or set; Vert.x's own
   * defaults by default}
   */
  public WebClientOptions getWebClient() {
    return webClient;
  }

  /**
   * Sets the options of the Web Client beneath: proxy, trust and key stores, metrics name and so
   * on. What the library itself has to fix (HTTP/1.1, no redirects, timeouts, the pool, the user
   * agent, no logging of the wire) it sets over them.
   *
   * @param webClient the options, copied
   * @return this
   * @throws IllegalArgumentException if it is null
   */
  public OtpResendOptions setWebClient(WebClientOptions webClient) {
    check(webClient != null, "webClient", "null", "WebClientOptions");
    this.webClient = new WebClientOptions(webClient);
    return this;
  }

  static final String TOKENS_ALLOWED = "1 to 8192 printable ASCII characters without a space";

  /** Whether it is what a header value can hold without a doubt. */
  static boolean isToken(@Nullable String token) {
    if (token == null || token.isEmpty() || token.length() > MAX_TOKEN_CHARACTERS) {
      return false;
    }
    for (int i = 0; i < token.length(); i++) {
      if (token.charAt(i) < '!' || token.charAt(i) > '~') {
        return false;
      }
    }
    return true;
  }

  /**
   * Checks the rules between settings, which setters cannot since they come in any order.
   *
   * @throws IllegalArgumentException if a rule is broken
   */
  void checkTogether() {
    check(
        connectTimeout.compareTo(timeout) <= 0 || usesDefaultConnectTimeout(),
        "connectTimeout",
        connectTimeout,
        "at most timeout, which is " + timeout);
    check(
        !isPlaintext() || allowPlaintext,
        "baseUrl",
        quoted(baseUrl.text()),
        "an https URL, or an http one to loopback and without a proxy, unless allowPlaintext is true: the token would travel in clear text");
  }

  /** Whether somebody on a network can read what is sent. */
  boolean isPlaintext() {
    return !baseUrl.ssl() && (!baseUrl.isLoopback() || webClient.getProxyOptions() != null);
  }

  BaseUrl baseUrl() {
    return baseUrl;
  }

  private static BaseUrl parse(String url) {
    BaseUrl parsed = BaseUrl.parse(url);
    if (parsed == null) {
      // what stands before an @ may be a password
      throw rejected(
          "baseUrl", url.contains("@") ? "a URL with an @" : quoted(url), BaseUrl.ALLOWED);
    }
    return parsed;
  }

  private boolean usesDefaultConnectTimeout() {
    return connectTimeout.equals(DEFAULT_CONNECT_TIMEOUT);
  }

  private static Duration checkDuration(String key, Duration value, Duration unit) {
    check(
        value != null
            && value.compareTo(unit) >= 0
            && value.compareTo(MAX_DURATION) <= 0
            && value.equals(unit.multipliedBy(value.dividedBy(unit))),
        key,
        value,
        unit
            + " to "
            + MAX_DURATION
            + " in whole "
            + (unit.equals(SECOND) ? "seconds" : "milliseconds"));
    return value;
  }

  private static int inRange(String key, long value) {
    int min = key.equals("maxPending") ? 0 : 1;
    int max =
        switch (key) {
          case "connectAttempts" -> 100;
          case "maxConnections" -> 65_535;
          case "maxPending" -> 10_000_000;
          default -> 16_777_216; // maxResponseBytes
        };
    check(value >= min && value <= max, key, value, min + " to " + max);
    return (int) value;
  }

  private static void check(boolean good, String key, @Nullable Object value, String allowed) {
    if (!good) {
      throw rejected(key, value, allowed);
    }
  }

  private static IllegalArgumentException rejected(
      String key, @Nullable Object value, String allowed) {
    return new IllegalArgumentException(key + " is " + value + "; allowed is " + allowed);
  }

  private static String quoted(@Nullable String value) {
    return value == null ? "null" : '"' + value + '"';
  }

  private static String text(String key, @Nullable Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw wrongType(key, value, "a text");
  }

  private static boolean bool(String key, @Nullable Object value) {
    if (value instanceof Boolean bool) {
      return bool;
    }
    throw wrongType(key, value, "true or false");
  }

  private static long whole(String key, @Nullable Object value) {
    if (value instanceof Integer || value instanceof Long) {
      return ((Number) value).longValue();
    }
    throw wrongType(key, value, "a whole number");
  }

  /** Vert.x skips what it does not know or cannot convert; such a key is missed afterwards. */
  private static WebClientOptions webClientOptions(String key, @Nullable Object value) {
    if (!(value instanceof JsonObject json)) {
      throw wrongType(key, value, "an object, the JSON of WebClientOptions");
    }
    WebClientOptions options;
    try {
      options = new WebClientOptions(json);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException(key + " is not the JSON of WebClientOptions: " + e, e);
    }
    checkKept(key, json, options.toJson());
    return options;
  }

  private static void checkKept(String key, JsonObject given, JsonObject kept) {
    for (Map.Entry<String, Object> entry : given) {
      String path = key + "." + entry.getKey();
      Object value = kept.getValue(entry.getKey());
      check(
          value != null && isSameType(value, entry.getValue()),
          path,
          "unknown, or of the wrong type",
          "what the JSON of WebClientOptions has");
      if (value instanceof JsonObject inner) {
        checkKept(path, (JsonObject) entry.getValue(), inner);
      }
    }
  }

  private static boolean isSameType(Object kept, @Nullable Object given) {
    return kept instanceof Number
        ? given instanceof Number
        : given != null && kept.getClass() == given.getClass();
  }

  private static IllegalArgumentException wrongType(
      String key, @Nullable Object value, String allowed) {
    // an object may be that of another key, with a password in it
    boolean isSecret = key.equals("token") || key.equals("webClient") || value instanceof Iterable;
    return rejected(key, isSecret ? "of the wrong type" : String.valueOf(value), allowed);
  }
}
