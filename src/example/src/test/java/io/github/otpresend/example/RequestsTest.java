// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.sandbox.OtpSandbox;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that no person makes with the page. */
class RequestsTest {
  private final Vertx vertx = Vertx.vertx();
  private final OtpSandbox sandbox = OtpSandbox.start();
  private int port;

  @BeforeEach
  void start() throws Exception {
    port = new Example(vertx, 0, null).withSandbox(sandbox).await(30, TimeUnit.SECONDS);
  }

  @AfterEach
  void stop() throws Exception {
    vertx.close().await(30, TimeUnit.SECONDS);
    sandbox.close();
  }

  /** Sends a request with these header lines, and returns the whole answer. */
  private String send(String requestLine, String... headers) {
    try (Socket socket = new Socket("localhost", port)) {
      String head = requestLine + " HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n";
      String request = head + String.join("\r\n", headers) + "\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int status(String answer) {
    return Integer.parseInt(answer.split(" ")[1]);
  }

  /** Returns the first cookies of an answer, as a header line. */
  private static String cookies(String answer) {
    List<String> cookies = new ArrayList<>();
    for (String line : answer.split("\r\n")) {
      if (line.toLowerCase().startsWith("set-cookie: ")) {
        cookies.add(line.substring("set-cookie: ".length()).split(";")[0]);
      }
    }
    return "Cookie: " + String.join("; ", cookies);
  }

  @ParameterizedTest
  @ValueSource(strings = {"evil.example", "evil.example:8080", "localhost.evil.example", "[::2]"})
  void a_foreign_host_is_refused(String host) {
    String page = send("GET /", "Host: localhost");
    assertEquals(200, status(page));
    String cookies = cookies(page);
    String token = cookies.replaceAll(".*csrf-0=([^;]*).*", "$1");
    String refused = send("POST /resend", "Host: " + host, cookies, "X-XSRF-TOKEN: " + token);
    assertEquals(421, status(refused));
    assertEquals(0, sandbox.requests("request-1"));
    String accepted = send("POST /resend", "Host: localhost", cookies, "X-XSRF-TOKEN: " + token);
    assertEquals(200, status(accepted), accepted);
    assertEquals(1, sandbox.requests("request-1"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "LocalHost:8080", "127.0.0.1", "[::1]:8080"})
  void a_host_of_this_machine_is_served(String host) {
    assertEquals(200, status(send("GET /", "Host: " + host)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ru | ru",
        "RU | ru",
        "ru-RU, en;q=0.5 | ru",
        "de, ru;q=0.3, en;q=0.2 | ru",
        "en;q=0.3, ru;q=0.9 | ru",
        "ru;q=0 | en",
        "ru;q=0, * | en",
        "*;q=0 | en",
        ";;;,-,q=x | en",
        ",,, | en",
        "- | en",
        "ru;q=x | ru",
        "'' | en"
      })
  void the_language_follows_the_rules_of_the_header(String header, String language) {
    String answer = send("GET /", "Host: localhost", "Accept-Language: " + header);
    assertEquals(200, status(answer), answer);
    assertTrue(answer.toLowerCase().contains("content-language: " + language), answer);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/robots.txt",
        "/static/page.css",
        "/outcome",
        "/sandbox",
        "/favicon.ico",
        "/again"
      })
  void only_the_page_begins_an_authentication_request(String path) {
    send("GET " + path, "Host: localhost");
    String page = send("GET /", "Host: localhost");
    String seen = send("GET /sandbox", "Host: localhost", cookies(page));
    assertEquals(200, status(seen));
    sandbox.session("request-1");
    assertEquals(404, status(send("GET /robots.txt", "Host: localhost", cookies(page))));
    String token = cookies(page).replaceAll(".*csrf-0=([^;]*).*", "$1");
    send("POST /resend", "Host: localhost", cookies(page), "X-XSRF-TOKEN: " + token);
    assertEquals(1, sandbox.requests("request-1"), "the page's request is not the first");
  }

  @Test
  void a_forged_request_sends_nothing_and_is_one_line_of_the_log() {
    List<String> logged = new ArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord entry) {
            if (entry.getLevel().intValue() > java.util.logging.Level.INFO.intValue()) {
              logged.add(entry.getMessage() + (entry.getThrown() == null ? "" : " and a trace"));
            }
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger.getLogger("").addHandler(handler);
    try {
      assertEquals(403, status(send("POST /resend", "Host: localhost")));
      String page = send("GET /", "Host: localhost");
      assertEquals(403, status(send("POST /resend", "Host: localhost", cookies(page))));
    } finally {
      Logger.getLogger("").removeHandler(handler);
    }
    String line = "Refused a POST without a valid token against forged requests";
    assertEquals(List.of(line, line), logged);
    assertEquals(0, sandbox.requests("request-1"));
  }

  @Test
  void nothing_about_a_person_is_cached() {
    String page = send("GET /", "Host: localhost");
    String outcome = send("GET /outcome", "Host: localhost", cookies(page));
    assertEquals(200, status(outcome));
    for (String answer : List.of(page, outcome)) {
      assertTrue(answer.toLowerCase().contains("cache-control: no-store"), answer);
    }
  }
}
