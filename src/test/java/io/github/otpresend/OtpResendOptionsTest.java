// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.internal.BaseUrl;
import io.github.otpresend.internal.Setting;
import io.github.otpresend.internal.call.OptionRules;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.JksOptions;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.core.net.ProxyOptions;
import io.vertx.ext.web.client.WebClientOptions;
import java.lang.reflect.AnnotatedType;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class OtpResendOptionsTest {
  private static final Set<String> KEYS =
      Set.of(
          "baseUrl",
          "token",
          "allowPlaintext",
          "address",
          "timeout",
          "connectTimeout",
          "connectAttempts",
          "keepAliveTimeout",
          "maxConnections",
          "maxPending",
          "maxResponseBytes",
          "singleFlight",
          "clusterGuard",
          "redis",
          "cooldown",
          "webClient");

  private final OtpResendOptions options = new OtpResendOptions();

  // defaults

  @Test
  void the_defaults_match_the_documented_table() {
    assertEquals("https://online.sigmasms.ru/api/n/otp-handler", options.getBaseUrl());
    assertNull(options.getToken());
    assertFalse(options.isAllowPlaintext());
    assertEquals("otp.resend", options.getAddress());
    assertEquals(Duration.ofSeconds(10), options.getTimeout());
    assertEquals(Duration.ofSeconds(3), options.getConnectTimeout());
    assertEquals(3, options.getConnectAttempts());
    assertEquals(Duration.ofSeconds(4), options.getKeepAliveTimeout());
    assertEquals(32, options.getMaxConnections());
    assertEquals(1024, options.getMaxPending());
    assertEquals(65_536, options.getMaxResponseBytes());
    assertTrue(options.isSingleFlight());
    assertTrue(options.isClusterGuard());
    assertNull(options.getRedis());
    assertEquals(Duration.ZERO, options.getCooldown());
    assertEquals(new WebClientOptions().toJson(), options.getWebClient().toJson());
  }

  @Test
  void the_constants_are_the_defaults() {
    assertEquals(OtpResendOptions.DEFAULT_BASE_URL, options.getBaseUrl());
    assertEquals(OtpResendOptions.DEFAULT_ALLOW_PLAINTEXT, options.isAllowPlaintext());
    assertEquals(OtpResendOptions.DEFAULT_ADDRESS, options.getAddress());
    assertEquals(OtpResendOptions.DEFAULT_TIMEOUT, options.getTimeout());
    assertEquals(OtpResendOptions.DEFAULT_CONNECT_TIMEOUT, options.getConnectTimeout());
    assertEquals(OtpResendOptions.DEFAULT_CONNECT_ATTEMPTS, options.getConnectAttempts());
    assertEquals(OtpResendOptions.DEFAULT_KEEP_ALIVE_TIMEOUT, options.getKeepAliveTimeout());
    assertEquals(OtpResendOptions.DEFAULT_MAX_CONNECTIONS, options.getMaxConnections());
    assertEquals(OtpResendOptions.DEFAULT_MAX_PENDING, options.getMaxPending());
    assertEquals(OtpResendOptions.DEFAULT_MAX_RESPONSE_BYTES, options.getMaxResponseBytes());
    assertEquals(OtpResendOptions.DEFAULT_SINGLE_FLIGHT, options.isSingleFlight());
    assertEquals(OtpResendOptions.DEFAULT_CLUSTER_GUARD, options.isClusterGuard());
    assertEquals(OtpResendOptions.DEFAULT_COOLDOWN, options.getCooldown());
  }

  @Test
  void the_defaults_are_valid_together() {
    assertDoesNotThrow(() -> OptionRules.check(options));
  }

  @Test
  void empty_json_gives_the_defaults() {
    assertEquals(options.toJson(), new OtpResendOptions(new JsonObject()).toJson());
  }

  @Test
  void to_string_does_not_show_the_token() {
    assertFalse(options.setToken("geheim").toString().contains("geheim"));
  }

  // numbers

  @ParameterizedTest
  @CsvSource({
    "connectAttempts, 1",
    "connectAttempts, 100",
    "maxConnections, 1",
    "maxConnections, 65535",
    "maxPending, 0",
    "maxPending, 10000000",
    "maxResponseBytes, 1",
    "maxResponseBytes, 16777216",
  })
  void a_number_at_the_edge_of_its_range_is_accepted(String key, int value) {
    assertEquals(value, setNumber(key, value).toJson().getValue(key));
    assertEquals(value, fromJson(key, value).toJson().getValue(key));
  }

  @ParameterizedTest
  @CsvSource({
    "connectAttempts, 0, 1 to 100",
    "connectAttempts, -1, 1 to 100",
    "connectAttempts, 101, 1 to 100",
    "maxConnections, 0, 1 to 65535",
    "maxConnections, -2147483648, 1 to 65535",
    "maxConnections, 65536, 1 to 65535",
    "maxPending, -1, 0 to 10000000",
    "maxPending, 10000001, 0 to 10000000",
    "maxPending, 2147483647, 0 to 10000000",
    "maxResponseBytes, 0, 1 to 16777216",
    "maxResponseBytes, 16777217, 1 to 16777216",
  })
  void a_number_outside_its_range_is_rejected(String key, int value, String allowed) {
    assertNames(rejection(() -> setNumber(key, value)), key, Integer.toString(value), allowed);
    assertNames(rejection(() -> fromJson(key, value)), key, Integer.toString(value), allowed);
  }

  @ParameterizedTest
  @CsvSource({
    "connectAttempts, 1 to 100",
    "maxConnections, 1 to 65535",
    "maxPending, 0 to 10000000",
    "maxResponseBytes, 1 to 16777216",
  })
  void a_whole_number_too_large_for_an_int_is_rejected_with_the_range(String key, String allowed) {
    assertNames(rejection(() -> fromJson(key, 3_000_000_000L)), key, "3000000000", allowed);
  }

  @ParameterizedTest
  @ValueSource(strings = {"connectAttempts", "maxConnections", "maxPending", "maxResponseBytes"})
  void a_whole_number_in_json_may_be_a_long(String key) {
    assertEquals(7, fromJson(key, 7L).toJson().getValue(key));
  }

  private static OtpResendOptions setNumber(String key, int value) {
    OtpResendOptions options = new OtpResendOptions();
    return switch (key) {
      case "connectAttempts" -> options.setConnectAttempts(value);
      case "maxConnections" -> options.setMaxConnections(value);
      case "maxPending" -> options.setMaxPending(value);
      case "maxResponseBytes" -> options.setMaxResponseBytes(value);
      default -> throw new AssertionError(key);
    };
  }

  // durations

  @ParameterizedTest
  @CsvSource({
    "timeout, PT0.001S",
    "timeout, PT1.234S",
    "timeout, PT24H",
    "connectTimeout, PT0.001S",
    "connectTimeout, PT24H",
    "keepAliveTimeout, PT1S",
    "keepAliveTimeout, PT24H",
  })
  void a_duration_at_the_edge_of_its_range_is_accepted(String key, Duration value) {
    assertEquals(value.toMillis(), setDuration(key, value).toJson().getLong(key));
    assertEquals(value.toMillis(), fromJson(key, value.toMillis()).toJson().getLong(key));
  }

  @ParameterizedTest
  @CsvSource({
    "timeout, PT0S",
    "timeout, PT-0.001S",
    "timeout, PT24H0.001S",
    "timeout, PT2562047788015215H",
    "connectTimeout, PT0S",
    "connectTimeout, PT-1S",
    "connectTimeout, PT24H0.001S",
    "keepAliveTimeout, PT0S",
    "keepAliveTimeout, PT0.999S",
    "keepAliveTimeout, PT1.5S",
    "keepAliveTimeout, PT-1S",
    "keepAliveTimeout, PT24H1S",
  })
  void a_duration_outside_its_range_is_rejected(String key, Duration value) {
    assertNames(rejection(() -> setDuration(key, value)), key, value.toString(), "to PT24H");
  }

  @ParameterizedTest
  @CsvSource({
    "timeout, PT0.0000001S, milliseconds",
    "timeout, PT1.0005S, milliseconds",
    "connectTimeout, PT0.0015S, milliseconds",
    "keepAliveTimeout, PT1.000000001S, seconds"
  })
  void a_duration_that_json_cannot_represent_is_rejected(String key, Duration value, String unit) {
    assertNames(
        rejection(() -> setDuration(key, value)), key, value.toString(), "in whole " + unit);
  }

  @ParameterizedTest
  @CsvSource({
    "timeout, 0",
    "timeout, -1",
    "timeout, 86400001",
    "timeout, 9223372036854775807",
    "timeout, -9223372036854775808",
    "connectTimeout, 0",
    "keepAliveTimeout, 999",
    "keepAliveTimeout, 1500",
    "keepAliveTimeout, 86401000",
  })
  void milliseconds_outside_their_range_are_rejected(String key, long millis) {
    assertNames(rejection(() -> fromJson(key, millis)), key, "to PT24H");
  }

  @ParameterizedTest
  @ValueSource(strings = {"timeout", "connectTimeout", "keepAliveTimeout"})
  void a_duration_of_null_is_rejected(String key) {
    assertNames(rejection(() -> setDuration(key, null)), key, "null", "to PT24H");
  }

  @ParameterizedTest
  @ValueSource(strings = {"timeout", "connectTimeout", "keepAliveTimeout"})
  void milliseconds_may_be_an_int_or_a_long(String key) {
    assertEquals(5_000L, fromJson(key, 5_000).toJson().getLong(key));
    assertEquals(5_000L, fromJson(key, 5_000L).toJson().getLong(key));
  }

  private static OtpResendOptions setDuration(String key, Duration value) {
    OtpResendOptions options = new OtpResendOptions();
    return switch (key) {
      case "timeout" -> options.setTimeout(value);
      case "connectTimeout" -> options.setConnectTimeout(value);
      case "keepAliveTimeout" -> options.setKeepAliveTimeout(value);
      default -> throw new AssertionError(key);
    };
  }

  // token

  @Test
  void a_token_of_printable_ascii_is_accepted() {
    String token =
        "!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    assertEquals(token, options.setToken(token).getToken());
  }

  @Test
  void a_token_of_8192_characters_is_accepted() {
    String token = "t".repeat(8_192);
    assertEquals(token, options.setToken(token).getToken());
  }

  @Test
  void a_token_of_every_printable_character_is_accepted() {
    StringBuilder token = new StringBuilder();
    for (char c = '!'; c <= '~'; c++) {
      token.append(c);
    }
    assertEquals(token.toString(), options.setToken(token.toString()).getToken());
  }

  static Stream<String> invalidTokens() {
    return Stream.of(
        "",
        " ",
        "geheim ",
        " geheim",
        "ge heim",
        "geheim\n",
        "geheim\r\nX-Evil: 1",
        "geheim\u0000",
        "geheim\u007F",
        "geheimний",
        "geheim\u00E9",
        "geheim\uD83D\uDE00",
        "geheim".repeat(1_366));
  }

  @ParameterizedTest
  @MethodSource("invalidTokens")
  void an_invalid_token_is_rejected_and_not_shown(String token) {
    for (IllegalArgumentException rejection :
        List.of(
            rejection(() -> options.setToken(token)), rejection(() -> fromJson("token", token)))) {
      assertNames(rejection, "token", "1 to 8192 printable ASCII characters");
      assertFalse(rejection.toString().contains("geheim"), rejection.toString());
      assertNull(rejection.getCause());
    }
  }

  /** Otherwise Kotlin sees a getter and no property that can be set. */
  @Test
  void every_setter_takes_the_type_that_its_getter_returns() throws NoSuchMethodException {
    for (Method setter : OtpResendOptions.class.getMethods()) {
      if (setter.getName().startsWith("set")) {
        AnnotatedType given = setter.getAnnotatedParameterTypes()[0];
        String prefix = given.getType() == boolean.class ? "is" : "get";
        Method getter = OtpResendOptions.class.getMethod(prefix + setter.getName().substring(3));
        assertEquals(getter.getAnnotatedReturnType().toString(), given.toString());
      }
    }
  }

  @Test
  void a_token_of_null_is_rejected() {
    assertNames(rejection(() -> options.setToken(null)), "token", "printable ASCII");
  }

  @Test
  void a_token_of_the_wrong_json_type_is_not_shown() {
    for (Object token :
        List.of(4071, new JsonObject().put("4071", "4071"), new JsonArray().add("4071"))) {
      IllegalArgumentException rejection = rejection(() -> fromJson("token", token));
      assertNames(rejection, "token", "text");
      assertFalse(rejection.toString().contains("4071"), rejection.toString());
    }
  }

  // address

  @ParameterizedTest
  @ValueSource(strings = {"a", "otp.resend.eu", "адрес", " a "})
  void an_address_that_is_not_blank_is_accepted(String address) {
    assertEquals(address, options.setAddress(address).getAddress());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "\t\n"})
  void a_blank_address_is_rejected(String address) {
    assertNames(
        rejection(() -> options.setAddress(address)), "address", '"' + address + '"', "not blank");
  }

  @Test
  void an_address_of_null_is_rejected() {
    assertNames(rejection(() -> options.setAddress(null)), "address", "null", "text");
  }

  // baseUrl

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://example.org",
        "https://example.org/",
        "https://example.org/api/n/otp-handler",
        "https://example.org/api/",
        "https://example.org:1",
        "https://example.org:65535/api",
        "HTTPS://EXAMPLE.ORG",
        "https://192.0.2.1",
        "https://[2001:db8::1]:8443/api",
        "https://xn--e1afmkfd.xn--p1ai/",
        "https://example.org/a%20b",
        "http://example.org",
        "http://localhost:8080",
      })
  void a_base_url_with_a_host_is_accepted_unchanged(String url) {
    assertEquals(url, options.setBaseUrl(url).getBaseUrl());
    assertEquals(url, fromJson("baseUrl", url).getBaseUrl());
  }

  @Test
  @Timeout(10)
  void a_base_url_with_many_slashes_is_parsed_quickly() {
    String url = "https://example.org" + "/".repeat(200_000) + "api//";
    options.setBaseUrl(url);
    assertTrue(Setting.url("baseUrl", url).path().endsWith("/api"));
  }

  @Test
  void a_base_url_is_split_into_its_parts() {
    assertEquals(
        new BaseUrl(true, "example.org", 443, "/api"),
        Setting.url("baseUrl", "HTTPS://Example.org/api/"));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "``, http or https",
        "` `, http or https",
        "example.org, http or https",
        "/api, http or https",
        "//example.org/api, http or https",
        "ftp://example.org, http or https",
        "ws://example.org, http or https",
        "file:///tmp, http or https",
        "https, http or https",
        "https://exa mple.org, http or https",
        "https://example.org/a b, http or https",
        "https://example.org/%zz, http or https",
        "https://, http or https",
        "https:///api, host",
        "https:example.org, host",
        "https://my host.example.org, not a URL",
        "https://пример..рф, host",
        "https://127.1, host",
        "https://example.org:port, host",
        "https://example.org:-1, host",
        "https://example.org:99999999999, host",
        "https://example.org:0, port",
        "https://example.org:65536, port",
        "https://example.org/?, query",
        "https://example.org/api?a=b, query",
        "https://example.org/#, fragment",
        "https://example.org/api#a, fragment",
      })
  void an_invalid_base_url_is_rejected(String url, String allowed) {
    assertNames(rejection(() -> options.setBaseUrl(url)), "baseUrl", '"' + url + '"', allowed);
    assertNames(rejection(() -> fromJson("baseUrl", url)), "baseUrl", '"' + url + '"', allowed);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://example.org/\ud83d",
        "https://example.org/\ude00a",
        "https://user:geheim@\ud83d.org",
      })
  void a_base_url_with_half_a_surrogate_pair_is_rejected(String url) {
    IllegalArgumentException rejection = rejection(() -> options.setBaseUrl(url));
    assertNames(rejection, "baseUrl", "allowed is");
    assertFalse(rejection.toString().contains("geheim"), rejection.toString());
  }

  @Test
  void a_base_url_of_null_is_rejected() {
    assertNames(rejection(() -> options.setBaseUrl(null)), "baseUrl", "null", "text");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://user@example.org",
        "https://user:geheim@example.org",
        "https://:geheim@example.org/api",
        "https://@example.org",
        "https://user:geheim@example.org:0",
        "https://user:geheim@example.org?a",
        "https://user:geheim@my_host",
        "https://user:gehe im@example.org",
        "https://user:geheim@exa mple.org",
        "https://user:geheim%@example.org",
        "ftp://user:geheim@example.org",
        "user:geheim@example.org",
        "http://localhost:geheim@example.org",
      })
  void a_base_url_with_user_info_is_rejected_and_not_shown(String url) {
    IllegalArgumentException rejection = rejection(() -> options.setBaseUrl(url));
    assertNames(rejection, "baseUrl", "allowed is");
    assertFalse(rejection.toString().contains("gehe"), rejection.toString());
    assertNull(rejection.getCause());
  }

  @Test
  void a_rejected_base_url_does_not_replace_the_old_base_url() {
    rejection(() -> options.setBaseUrl("ftp://example.org"));
    assertEquals(OtpResendOptions.DEFAULT_BASE_URL, options.getBaseUrl());
  }

  // rules that apply to several options together

  private static final String[] LOOPBACK = {
    "localhost",
    "LOCALHOST",
    "LocalHost",
    "127.0.0.1",
    "127.255.1.2",
    "127.0.0.0",
    "127.255.255.255",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
  };

  static Stream<String> loopback() {
    return Stream.of(LOOPBACK);
  }

  static Stream<String> notLoopback() {
    return Stream.of(
        "example.org",
        "localhost.example.org",
        "localhost.",
        "mylocalhost",
        "local-host",
        "127.0.0.1.example.org",
        "a127.0.0.1.nip.io",
        "128.0.0.1",
        "126.255.255.255",
        "10.0.0.1",
        "0.0.0.0",
        "192.168.127.1",
        "[::2]",
        "[::]",
        "[::1:1]",
        "[1::1]",
        "[fe80::1]",
        "[::ffff:10.0.0.1]");
  }

  @ParameterizedTest
  @MethodSource("loopback")
  void plaintext_to_loopback_is_allowed(String host) {
    assertDoesNotThrow(() -> OptionRules.check(options.setBaseUrl("http://" + host + ":8080/api")));
    assertFalse(OptionRules.isPlaintext(options));
  }

  @ParameterizedTest
  @MethodSource("notLoopback")
  void plaintext_to_any_other_host_is_refused(String host) {
    for (String scheme : List.of("http", "HTTP")) {
      String url = scheme + "://" + host + ":8080/api";
      options.setBaseUrl(url);
      assertNames(rejection(() -> OptionRules.check(options)), "baseUrl", url, "allowPlaintext");
    }
  }

  @ParameterizedTest
  @MethodSource("notLoopback")
  void plaintext_to_any_other_host_is_allowed_with_allow_plaintext(String host) {
    options.setBaseUrl("http://" + host).setAllowPlaintext(true);
    assertDoesNotThrow(() -> OptionRules.check(options));
    assertTrue(OptionRules.isPlaintext(options));
  }

  @ParameterizedTest
  @MethodSource("notLoopback")
  void https_to_any_host_is_not_plaintext(String host) {
    assertDoesNotThrow(() -> OptionRules.check(options.setBaseUrl("https://" + host)));
    assertFalse(OptionRules.isPlaintext(options));
  }

  @ParameterizedTest
  @MethodSource("loopback")
  void plaintext_to_loopback_through_a_proxy_is_refused(String host) {
    options.setBaseUrl("http://" + host);
    options.getWebClient().setProxyOptions(new ProxyOptions().setHost("proxy.example.org"));
    assertNames(rejection(() -> OptionRules.check(options)), "baseUrl", "proxy", "allowPlaintext");
  }

  @Test
  void plaintext_through_a_proxy_is_allowed_with_allow_plaintext() {
    options.setBaseUrl("http://localhost").setAllowPlaintext(true);
    options.getWebClient().setProxyOptions(new ProxyOptions());
    assertDoesNotThrow(() -> OptionRules.check(options));
  }

  @Test
  void https_through_a_proxy_is_allowed() {
    options.getWebClient().setProxyOptions(new ProxyOptions());
    assertDoesNotThrow(() -> OptionRules.check(options));
  }

  @Test
  void a_connect_timeout_longer_than_the_timeout_is_refused() {
    options.setTimeout(Duration.ofSeconds(2)).setConnectTimeout(Duration.ofMillis(2_001));
    assertNames(
        rejection(() -> OptionRules.check(options)),
        "connectTimeout",
        "PT2.001S",
        "at most timeout",
        "PT2S");
  }

  @Test
  void a_connect_timeout_as_long_as_the_timeout_is_accepted() {
    options.setTimeout(Duration.ofSeconds(2)).setConnectTimeout(Duration.ofSeconds(2));
    assertDoesNotThrow(() -> OptionRules.check(options));
  }

  @Test
  void the_default_connect_timeout_is_reduced_to_a_shorter_timeout() {
    options.setTimeout(Duration.ofMillis(500));
    assertDoesNotThrow(() -> OptionRules.check(options));
    assertEquals(Duration.ofMillis(500), options.getConnectTimeout());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void a_connect_timeout_that_was_set_is_never_reduced(boolean isJson) {
    options.setTimeout(Duration.ofSeconds(1));
    options.setConnectTimeout(OtpResendOptions.DEFAULT_CONNECT_TIMEOUT);
    OtpResendOptions read = isJson ? new OtpResendOptions(options.toJson()) : options;
    assertNames(
        rejection(() -> OptionRules.check(new OtpResendOptions(read))),
        "connectTimeout",
        "PT3S",
        "at most timeout",
        "PT1S");
  }

  @Test
  void the_default_connect_timeout_is_restored_by_a_longer_timeout() {
    options.setTimeout(Duration.ofMillis(500)).setTimeout(Duration.ofSeconds(20));
    assertEquals(Duration.ofSeconds(3), options.getConnectTimeout());
  }

  @Test
  void the_default_connect_timeout_is_reduced_after_a_json_round_trip_too() {
    OtpResendOptions copy =
        new OtpResendOptions(options.setTimeout(Duration.ofMillis(500)).toJson());
    assertDoesNotThrow(() -> OptionRules.check(copy));
    assertEquals(Duration.ofMillis(500), copy.getConnectTimeout());
  }

  // redis

  @ParameterizedTest
  @ValueSource(
      strings = {
        "redis://localhost",
        "redis://localhost:6379",
        "redis://:geheim@127.0.0.1:6379/0",
        "redis://user:ge%20heim@[::1]:1/15",
        "rediss://redis.example.org:65535"
      })
  void a_connection_string_of_one_redis_is_accepted(String redis) {
    assertEquals(redis, options.setRedis(redis).getRedis());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "localhost:6379",
        "http://geheim@localhost",
        "redis://",
        "redis://:geheim@",
        "redis://:geheim@one,two",
        "redis://:geheim@host:0",
        "redis://:geheim@host:65536",
        "redis://:geheim@host:x",
        "redis://:ge heim@host",
        "redis://:geheim@host/name",
        "redis://host?password=geheim",
        "redis://:geheim@host#fragment",
        "redis+sentinel://:geheim@host:26379/master",
        "redis-sentinel://:geheim@host",
        "unix:///tmp/geheim"
      })
  void another_connection_string_is_rejected_and_not_shown(String redis) {
    for (IllegalArgumentException rejection :
        List.of(
            rejection(() -> options.setRedis(redis)), rejection(() -> fromJson("redis", redis)))) {
      assertNames(rejection, "redis", "redis://[[user]:password@]host[:port][/database]");
      assertFalse(rejection.toString().contains("geheim"), "the password is shown");
    }
  }

  @Test
  void a_redis_of_null_is_rejected() {
    assertNames(rejection(() -> options.setRedis(null)), "redis", "redis://");
  }

  // JSON

  /** Returns a value for each property. Each value differs from the default. */
  static Stream<Arguments> nonDefaults() {
    return Stream.of(
        Arguments.of("baseUrl", "https://example.org/api/"),
        Arguments.of("token", "geheim"),
        Arguments.of("allowPlaintext", true),
        Arguments.of("address", "otp.other"),
        Arguments.of("timeout", 10_001L),
        Arguments.of("connectTimeout", 3_001L),
        Arguments.of("connectAttempts", 4),
        Arguments.of("keepAliveTimeout", 5_000L),
        Arguments.of("maxConnections", 33),
        Arguments.of("maxPending", 1_025),
        Arguments.of("maxResponseBytes", 65_537),
        Arguments.of("singleFlight", false),
        Arguments.of("clusterGuard", false),
        Arguments.of("redis", "rediss://user:geheim@redis.example.org:6380/1"),
        Arguments.of("cooldown", 60_000L),
        Arguments.of("webClient", webClientJson()));
  }

  private static JsonObject webClientJson() {
    WebClientOptions webClient = new WebClientOptions().setUserAgent("other");
    return webClient
        .setMetricsName("otp")
        .setTrustOptions(new JksOptions().setPath("trust.jks").setPassword("geheim"))
        .setProxyOptions(new ProxyOptions().setHost("proxy.example.org").setPort(3129))
        .toJson();
  }

  @Test
  void the_test_values_cover_every_property() {
    Set<Object> keys = new TreeSet<>();
    nonDefaults().forEach(row -> keys.add(row.get()[0]));
    assertEquals(new TreeSet<>(KEYS), keys);
    options.setToken("t").setRedis("redis://h").setConnectTimeout(Duration.ofSeconds(1));
    assertEquals(KEYS, options.toJson().fieldNames());
  }

  @ParameterizedTest
  @MethodSource("nonDefaults")
  void a_property_is_written_to_json_unchanged(String key, Object value) {
    JsonObject json = fromJson(key, value).toJson();
    assertEquals(value, json.getValue(key));
    assertNotEquals(value, new OtpResendOptions().toJson().getValue(key));
  }

  @ParameterizedTest
  @MethodSource("nonDefaults")
  void a_property_does_not_change_another_property(String key, Object value) {
    JsonObject json = fromJson(key, value).toJson();
    json.remove(key);
    JsonObject defaults = new OtpResendOptions().toJson();
    defaults.remove(key);
    assertEquals(defaults, json);
  }

  @ParameterizedTest
  @MethodSource("nonDefaults")
  void a_property_survives_a_json_round_trip(String key, Object value) {
    String text = fromJson(key, value).toJson().encode();
    assertEquals(text, new OtpResendOptions(new JsonObject(text)).toJson().encode());
  }

  @ParameterizedTest
  @MethodSource("nonDefaults")
  void a_property_is_copied(String key, Object value) {
    OtpResendOptions original = fromJson(key, value);
    assertEquals(original.toJson(), new OtpResendOptions(original).toJson());
  }

  @Test
  void json_contains_the_values_that_the_setters_set() {
    JsonObject json = new JsonObject();
    nonDefaults().forEach(row -> json.put((String) row.get()[0], row.get()[1]));
    options
        .setBaseUrl("https://example.org/api/")
        .setToken("geheim")
        .setAllowPlaintext(true)
        .setAddress("otp.other")
        .setTimeout(Duration.ofMillis(10_001))
        .setConnectTimeout(Duration.ofMillis(3_001))
        .setConnectAttempts(4)
        .setKeepAliveTimeout(Duration.ofSeconds(5))
        .setMaxConnections(33)
        .setMaxPending(1_025)
        .setMaxResponseBytes(65_537)
        .setSingleFlight(false)
        .setClusterGuard(false)
        .setRedis("rediss://user:geheim@redis.example.org:6380/1")
        .setCooldown(Duration.ofMinutes(1))
        .setWebClient(new WebClientOptions(webClientJson()));
    assertEquals(json, options.toJson());
  }

  @Test
  void the_getters_return_the_values_of_the_json() {
    JsonObject json = new JsonObject();
    nonDefaults().forEach(row -> json.put((String) row.get()[0], row.get()[1]));
    OtpResendOptions read = new OtpResendOptions(json);
    assertEquals("https://example.org/api/", read.getBaseUrl());
    assertEquals("geheim", read.getToken());
    assertTrue(read.isAllowPlaintext());
    assertEquals("otp.other", read.getAddress());
    assertEquals(Duration.ofMillis(10_001), read.getTimeout());
    assertEquals(Duration.ofMillis(3_001), read.getConnectTimeout());
    assertEquals(4, read.getConnectAttempts());
    assertEquals(Duration.ofSeconds(5), read.getKeepAliveTimeout());
    assertEquals(33, read.getMaxConnections());
    assertEquals(1_025, read.getMaxPending());
    assertEquals(65_537, read.getMaxResponseBytes());
    assertFalse(read.isSingleFlight());
    assertFalse(read.isClusterGuard());
    assertEquals(Duration.ofMinutes(1), read.getCooldown());
    assertEquals("other", read.getWebClient().getUserAgent());
    assertEquals(3129, read.getWebClient().getProxyOptions().getPort());
  }

  @Test
  void a_token_or_redis_that_is_not_set_is_not_in_json() {
    assertFalse(options.toJson().containsKey("token"));
    assertFalse(options.toJson().containsKey("redis"));
  }

  static Stream<Arguments> wrongTypes() {
    Map<String, List<Object>> values =
        Map.of(
            "text", List.of(1, true, new JsonObject(), new JsonArray()),
            "boolean", List.of("true", 1, 0, new JsonObject(), new JsonArray()),
            "number", List.of("5000", 5000.0, 5000.5, true, new JsonObject(), new JsonArray()),
            "object", List.of("{}", 1, true, new JsonArray()));
    return KEYS.stream()
        .flatMap(
            key ->
                values
                    .get(
                        switch (key) {
                          case "baseUrl", "token", "address", "redis" -> "text";
                          case "allowPlaintext", "singleFlight", "clusterGuard" -> "boolean";
                          case "webClient" -> "object";
                          default -> "number";
                        })
                    .stream()
                    .map(value -> Arguments.of(key, value)));
  }

  @ParameterizedTest
  @MethodSource("wrongTypes")
  void a_value_of_the_wrong_json_type_is_rejected(String key, Object value) {
    assertNames(rejection(() -> fromJson(key, value)), key, "allowed is");
  }

  @Test
  void a_password_in_an_object_at_the_wrong_key_is_not_shown() {
    for (String key : List.of("timeout", "singleFlight", "address", "webClient")) {
      JsonObject object = new JsonObject().put("password", "geheim");
      Object misplaced = key.equals("webClient") ? new JsonArray().add(object) : object;
      IllegalArgumentException rejection = rejection(() -> fromJson(key, misplaced));
      assertNames(rejection, key, "allowed is");
      assertFalse(rejection.toString().contains("geheim"), rejection.toString());
    }
  }

  static Set<String> keys() {
    return KEYS;
  }

  @ParameterizedTest
  @MethodSource("keys")
  void a_value_of_null_is_rejected(String key) {
    assertNames(
        rejection(() -> new OtpResendOptions(new JsonObject().putNull(key))), key, "allowed is");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokn", "Token", "baseURL", "", "timeoutMs", "host"})
  void an_unknown_key_is_rejected_with_all_known_keys_and_its_value_is_not_shown(String key) {
    IllegalArgumentException rejection = rejection(() -> fromJson(key, "geheim"));
    assertNames(rejection, '"' + key + '"');
    for (String known : KEYS) {
      assertTrue(rejection.getMessage().contains(known), rejection.getMessage());
    }
    assertFalse(rejection.getMessage().contains("geheim"), rejection.getMessage());
  }

  // webClient

  @Test
  void the_web_client_options_can_be_changed_in_place() {
    options.getWebClient().setMetricsName("otp");
    assertEquals("otp", options.toJson().getJsonObject("webClient").getString("metricsName"));
  }

  @Test
  void the_web_client_options_that_are_set_are_copied() {
    WebClientOptions given = new WebClientOptions().setUserAgent("before");
    options.setWebClient(given);
    given.setUserAgent("after");
    assertEquals("before", options.getWebClient().getUserAgent());
  }

  @Test
  void web_client_options_of_null_are_rejected() {
    assertNames(rejection(() -> options.setWebClient(null)), "webClient", "null");
  }

  @Test
  void a_copy_has_separate_web_client_options() {
    options
        .getWebClient()
        .setProxyOptions(new ProxyOptions().setHost("before"))
        .setTrustOptions(new PemTrustOptions().addCertPath("before.pem"));
    OtpResendOptions copy = new OtpResendOptions(options);
    JsonObject before = copy.toJson();
    assertNotSame(options.getWebClient(), copy.getWebClient());
    options.getWebClient().setMetricsName("after").getProxyOptions().setHost("after");
    ((PemTrustOptions) options.getWebClient().getTrustOptions()).addCertPath("after.pem");
    assertEquals(before, copy.toJson());
  }

  @Test
  void setters_return_the_options() {
    assertSame(options, options.setWebClient(new WebClientOptions()).setToken("t"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"metricsName\":\"otp\"}",
        "{\"verifyHost\":false,\"trustAll\":true}",
        "{\"localAddress\":\"127.0.0.1\"}",
        "{\"nonProxyHosts\":[\"example.org\"]}",
        "{\"proxyOptions\":{\"host\":\"p\",\"port\":3129,\"type\":\"SOCKS5\",\"username\":\"u\",\"password\":\"p\"}}",
        "{\"trustStoreOptions\":{\"path\":\"trust.jks\",\"password\":\"p\"}}",
        "{\"pemTrustOptions\":{\"certPaths\":[\"ca.pem\"]}}",
        "{\"pfxTrustOptions\":{\"path\":\"trust.p12\",\"password\":\"p\"}}",
        "{\"keyStoreOptions\":{\"path\":\"key.jks\",\"password\":\"p\",\"alias\":\"a\"}}",
        "{\"pemKeyCertOptions\":{\"keyPaths\":[\"key.pem\"],\"certPaths\":[\"cert.pem\"]}}",
        "{\"pfxKeyCertOptions\":{\"path\":\"key.p12\",\"password\":\"p\"}}",
        "{\"enabledSecureTransportProtocols\":[\"TLSv1.3\"]}",
        "{\"tracingPolicy\":\"ALWAYS\"}",
        "{\"initialSettings\":{\"maxFrameSize\":16384}}",
      })
  void the_json_of_web_client_options_is_read_and_kept(String webClient) {
    JsonObject given = new JsonObject(webClient);
    JsonObject json = fromJson("webClient", given).toJson();
    assertContains(given, json.getJsonObject("webClient"));
    assertEquals(json, new OtpResendOptions(new JsonObject(json.encode())).toJson());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"bogus\":1}; bogus",
        "{\"trustStore\":{\"path\":\"geheim\"}}; trustStore",
        "{\"proxy\":{\"host\":\"geheim\"}}; proxy",
        "{\"trustAll\":\"true\"}; trustAll",
        "{\"trustAll\":1}; trustAll",
        "{\"connectTimeout\":\"1\"}; connectTimeout",
        "{\"metricsName\":1}; metricsName",
        "{\"metricsName\":null}; metricsName",
        "{\"proxyOptions\":\"geheim\"}; proxyOptions",
        "{\"proxyOptions\":null}; proxyOptions",
        "{\"nonProxyHosts\":\"geheim\"}; nonProxyHosts",
      })
  void an_invalid_web_client_option_is_rejected_with_its_key(String webClient, String key) {
    IllegalArgumentException rejection =
        rejection(() -> fromJson("webClient", new JsonObject(webClient)));
    assertNames(rejection, "webClient." + key);
    assertFalse(rejection.getMessage().contains("geheim"), rejection.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{\"proxyOptions\":{\"hos\":\"p\"}}; hos",
        "{\"proxyOptions\":{\"host\":\"p\",\"port\":\"3129\"}}; port",
        "{\"proxyOptions\":{\"host\":7}}; host",
        "{\"trustStoreOptions\":{\"pth\":\"trust.jks\"}}; pth",
        "{\"trustStoreOptions\":{\"path\":\"trust.jks\",\"password\":7}}; password",
        "{\"pemTrustOptions\":{\"certPath\":\"ca.pem\"}}; certPath",
      })
  void an_invalid_nested_option_is_rejected_with_its_key(String webClient, String key) {
    assertNames(
        rejection(() -> fromJson("webClient", new JsonObject(webClient))), "webClient", key);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"protocolVersion\":\"HTTP_9\"}",
        "{\"connectTimeout\":-1}",
        "{\"trustStoreOptions\":[]}",
        "{\"proxyOptions\":{\"type\":\"NOPE\"}}",
        "{\"proxyOptions\":{\"port\":70000}}",
        "{\"trustStoreOptions\":{\"value\":\"?\"}}",
      })
  void a_value_that_web_client_options_reject_is_rejected(String webClient) {
    assertNames(rejection(() -> fromJson("webClient", new JsonObject(webClient))), "webClient");
  }

  @Test
  void a_password_in_the_json_of_web_client_options_is_not_shown() {
    for (String webClient :
        List.of(
            "{\"trustStoreOptions\":{\"password\":\"geheim\"},\"bogus\":1}",
            "{\"proxyOptions\":{\"password\":\"geheim\",\"port\":70000}}",
            "{\"keyStoreOptions\":{\"password\":\"geheim\",\"value\":\"?\"}}",
            "{\"keyStoreOptions\":{\"password\":{\"geheim\":\"geheim\"},\"value\":\"?\"}}")) {
      IllegalArgumentException rejection =
          rejection(() -> fromJson("webClient", new JsonObject(webClient)));
      for (Throwable t = rejection; t != null; t = t.getCause()) {
        assertFalse(t.toString().contains("geheim"), t.toString());
      }
    }
  }

  private static void assertContains(JsonObject expected, JsonObject actual) {
    for (String key : expected.fieldNames()) {
      if (expected.getValue(key) instanceof JsonObject nested) {
        assertContains(nested, actual.getJsonObject(key));
      } else {
        assertEquals(expected.getValue(key), actual.getValue(key), key);
      }
    }
  }

  private static OtpResendOptions fromJson(String key, Object value) {
    return new OtpResendOptions(new JsonObject().put(key, value));
  }

  private static IllegalArgumentException rejection(Runnable setting) {
    return assertThrows(IllegalArgumentException.class, setting::run);
  }

  private static void assertNames(IllegalArgumentException rejection, String... parts) {
    for (String part : parts) {
      assertTrue(
          rejection.getMessage().contains(part), () -> part + " in: " + rejection.getMessage());
    }
  }
}
