// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import static java.time.temporal.ChronoUnit.SECONDS;

import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.WebClientOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Methods that read and check the value of one setting. An error names the key and what is allowed.
 */
public final class Setting {
  public static final String TOKENS_ALLOWED =
      "1 to 8192 printable ASCII characters without a space";

  public static final String REDIS_ALLOWED =
      "redis://[[user]:password@]host[:port][/database], or rediss:// for TLS: one server, no"
          + " Sentinel and no Redis Cluster";

  private static final Pattern TOKEN = Pattern.compile("[!-~]{1,8192}");
  private static final Pattern DATABASE = Pattern.compile("(/\\d{0,9})?");
  private static final Duration MAX_DURATION = Duration.ofDays(1);

  /** The keys whose values may hold a secret. */
  private static final Set<String> SECRET = Set.of("token", "redis", "webClient");

  private Setting() {}

  public static String text(String key, @Nullable Object value) {
    return typed(key, value, String.class, "a text");
  }

  public static boolean bool(String key, @Nullable Object value) {
    return typed(key, value, Boolean.class, "true or false");
  }

  public static int whole(String key, @Nullable Object value, int min, int max) {
    long whole = whole(key, value);
    check(whole >= min && whole <= max, key, value, min + " to " + max);
    return (int) whole;
  }

  private static long whole(String key, @Nullable Object value) {
    return value instanceof Integer i ? i : typed(key, value, Long.class, "a whole number");
  }

  public static Duration millis(String key, @Nullable Object value) {
    return Duration.ofMillis(whole(key, value));
  }

  /** Checks that a duration is within its bounds, and a multiple of the unit. */
  public static Duration duration(
      String key, @Nullable Duration value, Duration min, ChronoUnit unit) {
    if (value == null
        || value.compareTo(min) < 0
        || value.compareTo(MAX_DURATION) > 0
        || !value.equals(value.truncatedTo(unit))) {
      String units = unit == SECONDS ? "seconds" : "milliseconds";
      throw rejected(key, value, min + " to " + MAX_DURATION + " in whole " + units);
    }
    return value;
  }

  /** Returns whether a header can carry the token. */
  public static boolean isToken(@Nullable String token) {
    return token != null && TOKEN.matcher(token).matches();
  }

  /** Returns whether this is the connection string of one Redis server. */
  public static boolean isRedis(@Nullable String connectionString) {
    if (connectionString == null) {
      return false;
    }
    try {
      URI uri = new URI(connectionString);
      return ("redis".equals(uri.getScheme()) || "rediss".equals(uri.getScheme()))
          && uri.getHost() != null
          && uri.getPort() != 0
          && uri.getPort() <= 65_535
          && DATABASE.matcher(uri.getRawPath()).matches()
          && uri.getRawQuery() == null
          && uri.getRawFragment() == null;
    } catch (URISyntaxException e) {
      return false;
    }
  }

  public static BaseUrl url(String key, @Nullable Object value) {
    String text = text(key, value);
    try {
      return BaseUrl.parse(text);
    } catch (IllegalArgumentException e) {
      // the part before an @ may be a password
      String shown = text.contains("@") ? "a URL with an @" : '"' + text + "\", " + e.getMessage();
      throw rejected(key, shown, BaseUrl.ALLOWED);
    }
  }

  /**
   * Reads the JSON of the Web Client's options. Rejects the keys that Vert.x would skip silently.
   */
  public static WebClientOptions webClient(String key, @Nullable Object value) {
    JsonObject json =
        typed(key, value, JsonObject.class, "an object, the JSON of WebClientOptions");
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
          "a key and a value type that the JSON of WebClientOptions has");
      if (value instanceof JsonObject inner) {
        checkKept(path, (JsonObject) entry.getValue(), inner);
      }
    }
  }

  private static boolean isSameType(Object kept, @Nullable Object given) {
    return kept instanceof Number ? given instanceof Number : kept.getClass().isInstance(given);
  }

  public static void check(boolean good, String key, @Nullable Object value, String allowed) {
    if (!good) {
      throw rejected(key, value, allowed);
    }
  }

  public static IllegalArgumentException unknown(String key, Set<String> allowed) {
    return new IllegalArgumentException("unknown key \"" + key + "\"; allowed are " + allowed);
  }

  private static <T> T typed(String key, @Nullable Object value, Class<T> type, String allowed) {
    if (type.isInstance(value)) {
      return type.cast(value);
    }
    // an object may belong to another key and hold a password
    boolean isSecret = SECRET.contains(key) || value instanceof Iterable;
    throw rejected(key, isSecret ? "of the wrong type" : described(value), allowed);
  }

  /** Returns the value with its type, since {@code "10"} and 10 look alike without it. */
  private static Object described(@Nullable Object value) {
    return value instanceof CharSequence
        ? "the text \"" + value + '"'
        : value instanceof Number ? "the number " + value : String.valueOf(value);
  }

  private static IllegalArgumentException rejected(
      String key, @Nullable Object value, String allowed) {
    return new IllegalArgumentException(key + " is " + value + "; allowed is " + allowed);
  }
}
