// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendOptions;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.By;

/** Unusual answers, networks and times. */
class SituationsTest extends PageScene {
  private final Vertx other = Vertx.vertx(); // a page with another service

  @AfterEach
  void close() throws Exception {
    other.close().await(30, TimeUnit.SECONDS);
  }

  private static void setOnline(Browser browser, boolean isOnline) {
    browser.driver.executeCdpCommand(
        "Network.emulateNetworkConditions",
        Map.of(
            "offline", !isOnline, "latency", 0, "downloadThroughput", -1, "uploadThroughput", -1));
  }

  /** Opens a page whose service always answers the same. */
  private Browser openWithAnswer(int status, String body, String... headers) throws Exception {
    HttpServer service =
        vertx
            .createHttpServer()
            .requestHandler(
                request -> {
                  HttpServerResponse response = request.response().setStatusCode(status);
                  for (int i = 0; i < headers.length; i += 2) {
                    response.putHeader(headers[i], headers[i + 1]);
                  }
                  response.putHeader("Content-Type", "application/json").end(body);
                })
            .listen(0, "localhost")
            .await(30, TimeUnit.SECONDS);
    OtpResendOptions options =
        new OtpResendOptions()
            .setBaseUrl("http://localhost:" + service.actualPort() + "/api")
            .setToken("example");
    port = new Example(other, 0, null).withService(options, "id").await(30, TimeUnit.SECONDS);
    return open("en");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "503; {\"type\":\"SomethingNewException\"}; AWAIT_CODE",
        "408; {}; AWAIT_CODE",
        "200; {\"success\":false}; NOT_ACCEPTED"
      })
  void an_answer_that_vouches_for_nothing_says_that_a_code_may_come(
      int status, String body, String outcome) throws Exception {
    Browser browser = openWithAnswer(status, body);
    browser.press();
    browser.awaitOutcome(outcome);
    assertFalse(browser.isPressable());
    assertTrue(browser.text("countdown").contains("0:"), browser.text("countdown"));
    assertTrue(browser.find("title").isDisplayed());
    assertFalse(browser.find("sandbox").isDisplayed());
  }

  @Test
  void a_page_without_an_answer_of_its_own_server_ends_and_shows_a_way_on() throws Exception {
    int application = port;
    HttpClient client = vertx.createHttpClient();
    HttpServer proxy =
        vertx
            .createHttpServer()
            .requestHandler(
                request -> {
                  if (!request.path().equals("/resend")) {
                    pass(client, application, request);
                  } // else the answer never comes
                })
            .listen(0, "localhost")
            .await(30, TimeUnit.SECONDS);
    port = proxy.actualPort();
    Browser browser = open("en");
    browser.driver.executeScript("document.body.dataset.patienceMs = 500");
    browser.press();
    browser.awaitOutcome("UNREACHABLE");
    assertFalse(browser.isPressable());
    browser.find("way-on").findElement(By.tagName("button")).click();
    Browser.await(browser::isPressable, () -> "no way on");
    Browser.await(
        () -> browser.is("return document.activeElement.id === 'resend'"), () -> "no focus");
  }

  private static void pass(HttpClient client, int port, HttpServerRequest request) {
    request.pause();
    client
        .request(request.method(), port, "localhost", request.uri())
        .compose(
            onward -> {
              request.headers().remove("Host").forEach(onward::putHeader);
              return onward.send(request);
            })
        .onSuccess(
            response -> {
              request.response().setStatusCode(response.statusCode());
              request.response().headers().setAll(response.headers());
              response.pipeTo(request.response());
            });
  }

  @Test
  void a_person_who_is_offline_sends_nothing_and_can_go_on_afterwards() {
    Browser browser = open("en");
    setOnline(browser, false);
    try {
      browser.press();
      browser.awaitOutcome("OFFLINE");
    } finally {
      setOnline(browser, true);
    }
    Browser.await(() -> browser.is("return !shown.outcome"), () -> "still offline");
    browser.press();
    browser.awaitOutcome("SENT");
    assertEquals(1, sandbox.requests("request-1"));
  }

  @Test
  void the_wait_and_its_end_are_announced_and_no_second_of_it() {
    Browser browser = open("en");
    browser.driver.executeScript(
        "window.said = [];"
            + "new MutationObserver(() => said.push(announcement.textContent))"
            + ".observe(announcement, { childList: true });"
            + "show({ outcome: 'SENT', retryAfterMs: 2000 })");
    browser.awaitOutcome("READY");
    String sent =
        texts("en", "SENT").getString("heading")
            + " "
            + texts("en", "SENT").getString("sentence")
            + " You can ask for it again in 2 seconds";
    Browser.await(() -> browser.is("return said.length === 2"), () -> "not announced");
    assertEquals(
        List.of(sent, texts("en", "READY").getString("sentence")),
        browser.driver.executeScript("return said"));
    assertEquals("status", browser.find("announcement").getAriaRole());
  }

  @Test
  void after_the_countdown_text_and_button_agree() {
    Browser browser = open("en");
    browser.driver.executeScript("show({ outcome: 'WAIT', retryAfterMs: 500 })");
    browser.awaitOutcome("READY");
    assertEquals(texts("en", "READY").getString("heading"), browser.text("heading"));
    assertEquals("", browser.text("countdown"));
    assertTrue(browser.isPressable());
  }

  @Test
  void a_wait_counts_by_the_wall_clock() {
    Browser browser = open("en");
    browser.driver.executeScript(
        "show({ outcome: 'WAIT', retryAfterMs: 12000 });"
            + "const now = Date.now; Date.now = () => now() + 13000"); // the laptop has slept
    browser.awaitOutcome("READY");
    assertTrue(browser.isPressable());
  }

  @Test
  void a_service_that_asks_for_a_day_of_patience_gets_it() throws Exception {
    Browser browser = openWithAnswer(429, "{}", "Retry-After", "86400");
    browser.press();
    browser.awaitOutcome("WAIT");
    browser.awaitText("countdown", "in 24 hours");
    assertFalse(browser.isPressable());
  }

  @ParameterizedTest
  @CsvSource({
    "en, 86400000, 24 hours",
    "en, 5400000, '1 hour, 30 minutes'",
    "ru, 86400000, 24 часа",
    "en, 90000, 1:30"
  })
  void a_long_wait_is_in_words(String language, int millis, String text) {
    Browser browser = open(language);
    browser.driver.executeScript("show({ outcome: 'WAIT', retryAfterMs: arguments[0] })", millis);
    browser.awaitText("countdown", text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"123 456", " 123456 ", "123-456", "code: 123456.", "１２３４５６", "1234567"})
  void a_pasted_code_may_have_more_than_digits(String pasted) {
    Browser browser = open("en");
    browser.driver.executeScript(
        "code.focus(); document.execCommand('insertText', 0, arguments[0])", pasted);
    assertEquals("123456", browser.find("code").getDomProperty("value"));
  }

  @Test
  void without_javascript_the_page_says_so() {
    Browser browser = Browser.of("en");
    browser.driver.executeCdpCommand("Emulation.setScriptExecutionDisabled", Map.of("value", true));
    try {
      browser.driver.get("http://localhost:" + port + "/");
      String sentence = texts("en").getJsonObject("page").getString("noScript");
      assertTrue(browser.find("title").isDisplayed());
      for (String id : List.of("resend", "confirm", "sandbox")) {
        assertFalse(browser.find(id).isDisplayed(), id + " does nothing");
      }
      assertEquals(sentence, browser.driver.findElement(By.tagName("noscript")).getText());
    } finally {
      browser.driver.executeCdpCommand(
          "Emulation.setScriptExecutionDisabled", Map.of("value", false));
    }
  }
}
