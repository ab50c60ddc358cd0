// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;

/** Answers of our own server that are missing, late or old, or that something else gave. */
class AnswersTest extends PageScene {
  /** Holds the answers to a path back until {@code release()} runs in the page. */
  private static void hold(Browser browser, String path) {
    browser.driver.executeScript(
        "const real = window.fetch; const gate = new Promise(open => window.release = open);"
            + "window.fetch = async (path, options) => {"
            + "  const answer = await real(path, options);"
            + "  if (path === arguments[0]) { window.held = true; await gate; }"
            + "  return answer; }",
        path);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "new Response('<html>', { headers: { 'Content-Type': 'text/html' } })",
        "new Response('<html>', { status: 403, headers: { 'Content-Type': 'text/html' } })",
        "new Response('{\"error\":1}', { headers: { 'Content-Type': 'application/json' } })",
        "new Response('{\"outcome\":\"X\"}', { headers: { 'Content-Type': 'application/json' } })",
        "new Response('{\"outc', { headers: { 'Content-Type': 'application/json' } })",
        "new Response(null, { status: 403 })",
        "new Response(null, { status: 502 })"
      })
  void an_answer_that_is_not_of_our_server_says_that_a_code_may_come(String response) {
    Browser browser = open("en");
    browser.driver.executeScript("window.fetch = async () => " + response);
    browser.press();
    browser.awaitOutcome("UNREACHABLE");
    assertFalse(browser.isPressable());
  }

  @Test
  void an_application_that_is_down_may_have_sent_a_code() throws Exception {
    Browser browser = open("en");
    vertx.close().await(30, TimeUnit.SECONDS);
    browser.press();
    browser.awaitOutcome("UNREACHABLE");
    assertFalse(browser.isPressable());
  }

  @Test
  void a_late_answer_about_the_last_outcome_does_not_hide_a_press() {
    Browser browser = open("en");
    answer(browser, "SLOW");
    hold(browser, "outcome");
    browser.driver.executeScript("dispatchEvent(new Event('online'))");
    Browser.await(() -> browser.is("return window.held === true"), () -> "nothing was asked");
    browser.press();
    browser.driver.executeScript("release()");
    browser.driver.executeAsyncScript("setTimeout(arguments[0])"); // the answer has been handled
    assertEquals("SENDING", browser.driver.executeScript("return shown.outcome"));
    assertFalse(browser.isPressable());
    browser.awaitOutcome("SENT");
    assertEquals(1, sandbox.requests("request-2"));
  }

  @Test
  void a_page_that_is_shown_again_without_a_network_keeps_its_countdown() {
    Browser browser = open("en");
    browser.press();
    browser.awaitOutcome("SENT");
    browser.driver.executeScript("window.fetch = async () => { throw new TypeError(); }");
    browser.driver.executeAsyncScript("refresh().then(arguments[0])");
    assertEquals("SENT", browser.driver.executeScript("return shown.outcome"));
    browser.awaitText("countdown", "0:2");
  }

  @Test
  void a_reload_after_beginning_again_keeps_the_request_and_the_countdown() {
    Browser browser = open("en");
    answer(browser, "ATTEMPTS_EXPIRED");
    browser.press();
    browser.awaitOutcome("START_OVER");
    browser.find("way-on").findElement(By.tagName("a")).click();
    Browser.await(() -> browser.is("return !shown.outcome"), () -> "an old outcome");
    browser.press();
    browser.awaitOutcome("SENT");
    browser.driver.navigate().refresh();
    browser.awaitLoaded();
    browser.awaitOutcome("SENT");
    browser.awaitText("countdown", "0:2");
    assertFalse(browser.isPressable());
  }

  @Test
  void an_outcome_of_an_old_request_is_not_that_of_a_new_one() {
    Browser browser = open("en");
    answer(browser, "SLOW");
    browser.driver.executeScript(
        "window.old = fetch('resend',"
            + " { method: 'POST', headers: { 'X-XSRF-TOKEN': csrfToken() } })");
    Browser.await(() -> sandbox.requests("request-2") == 1, () -> "nothing was sent");
    answer(browser, "OPEN"); // begins a new authentication request
    browser.driver.executeAsyncScript("old.then(arguments[0])");
    browser.driver.navigate().refresh();
    browser.awaitLoaded();
    assertTrue(browser.is("return !shown.outcome"), "the outcome of the old request");
  }

  @Test
  void a_code_that_could_not_be_checked_is_not_a_wrong_code() {
    Browser browser = open("en");
    browser.press();
    browser.awaitOutcome("SENT");
    browser.driver.executeScript("window.fetch = async () => { throw new TypeError(); }");
    browser.find("code").sendKeys("111111", Keys.ENTER);
    browser.awaitText("code-error", texts("en").getJsonObject("script").getString("notChecked"));
    assertEquals("SENT", browser.driver.executeScript("return shown.outcome"));
    assertEquals("false", browser.find("code").getDomAttribute("aria-invalid"));
  }
}
