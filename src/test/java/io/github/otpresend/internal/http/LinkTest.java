// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.client.HttpResponse;
import java.lang.reflect.Proxy;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The effect of the headers of an answer on whether and how long a connection is kept. */
class LinkTest {
  private static final Duration MAX_KEEP_ALIVE = Duration.ofSeconds(10);

  private final Link link =
      new Link(
          proxy(HttpClientConnection.class, null, null), MAX_KEEP_ALIVE.toNanos(), null, l -> {});

  /** Passes an answer to the link. Each header is a line such as {@code Connection: close}. */
  private void receive(HttpVersion version, String... headers) {
    MultiMap map = MultiMap.caseInsensitiveMultiMap();
    for (String header : headers) {
      map.add(header.split(": ", 2)[0], header.split(": ", 2)[1]);
    }
    link.received(proxy(HttpResponse.class, version, map));
  }

  private long secondsLeft() {
    link.markIdle();
    return Duration.ofNanos(link.idleNanosLeft()).plusMillis(500).toSeconds();
  }

  @Test
  void an_answer_without_connection_headers_keeps_the_connection_for_the_longest_time() {
    receive(HttpVersion.HTTP_1_1, "Content-Type: application/json");
    assertTrue(link.isReusable());
    assertEquals(10, secondsLeft());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "close",
        "Close",
        "CLOSE",
        "Upgrade, close",
        "close, Upgrade",
        "upgrade,close",
        "keep-alive , close",
        " close "
      })
  void a_connection_with_the_option_close_is_not_used_again(String value) {
    receive(HttpVersion.HTTP_1_1, "Connection: " + value);
    assertFalse(link.isReusable());
  }

  @Test
  void the_option_close_is_found_in_any_header_line() {
    receive(HttpVersion.HTTP_1_1, "Connection: Upgrade", "connection: close");
    assertFalse(link.isReusable());
  }

  @ParameterizedTest
  @ValueSource(strings = {"keep-alive", "Upgrade", "closed", "not-close", "close-later", ""})
  void another_option_keeps_the_connection(String value) {
    receive(HttpVersion.HTTP_1_1, "Connection: " + value);
    assertTrue(link.isReusable());
  }

  @Test
  void an_http_1_0_connection_is_kept_only_with_the_option_keep_alive() {
    receive(HttpVersion.HTTP_1_0);
    assertFalse(link.isReusable());
    receive(HttpVersion.HTTP_1_0, "Connection: Keep-Alive");
    assertTrue(link.isReusable());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "timeout=5; 4",
        "timeout=2; 1",
        "timeout=11; 10",
        "timeout=12; 10",
        "timeout=60; 10",
        "timeout=999999; 10",
        "timeout=5, max=100; 4",
        "max=100, timeout=5; 4",
        "max=100,timeout=5; 4",
        "Timeout=5; 4",
        "timeout = 5; 4",
        "timeout=\"5\"; 4",
        "max=5; 10",
        "my-timeout=5; 10",
        "timeout=; 10",
        "timeout=soon; 10",
        "timeout=-5; 10",
        "timeout=12345678901234567890; 10"
      })
  void a_keep_alive_timeout_shortens_the_idle_time_and_never_lengthens_it(
      String value, long seconds) {
    receive(HttpVersion.HTTP_1_1, "Keep-Alive: " + value);
    assertTrue(link.isReusable());
    assertEquals(seconds, secondsLeft());
  }

  @ParameterizedTest
  @ValueSource(strings = {"timeout=0", "timeout=1", "timeout=00", "timeout=0, max=10"})
  void a_keep_alive_timeout_of_a_second_or_less_closes_the_connection(String value) {
    receive(HttpVersion.HTTP_1_1, "Keep-Alive: " + value);
    assertFalse(link.isReusable());
  }

  @Test
  void the_shortest_of_several_keep_alive_timeouts_is_used() {
    receive(HttpVersion.HTTP_1_1, "Keep-Alive: timeout=8", "Keep-Alive: timeout=4");
    assertEquals(3, secondsLeft());
  }

  @Test
  void the_headers_of_the_last_answer_replace_those_of_earlier_answers() {
    receive(HttpVersion.HTTP_1_1, "Keep-Alive: timeout=3");
    receive(HttpVersion.HTTP_1_1);
    assertEquals(10, secondsLeft());
  }

  private static <T> T proxy(Class<T> type, HttpVersion version, MultiMap headers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, args) ->
                switch (method.getName()) {
                  case "version" -> version;
                  case "headers" -> headers;
                  default -> null;
                }));
  }
}
