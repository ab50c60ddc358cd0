// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Vertx;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WindowType;
import org.openqa.selenium.interactions.Actions;

/** What a press does, and what the person learns of it. */
class PageTest extends PageScene {
  @Test
  void a_press_sends_a_code_and_starts_a_countdown() {
    Browser browser = open("en");
    browser.press();
    browser.awaitOutcome("SENT");
    browser.awaitText("heading", texts("en", "SENT").getString("heading"));
    browser.awaitText("countdown", "0:2");
    browser.awaitText("codes", "1");
    assertFalse(browser.isPressable());
    assertEquals(1, browser.find("requests").findElements(By.tagName("li")).size());
  }

  @Test
  void a_reload_keeps_the_countdown() {
    Browser browser = open("en");
    browser.press();
    browser.awaitOutcome("SENT");
    browser.driver.navigate().refresh();
    browser.awaitLoaded();
    browser.awaitOutcome("SENT");
    browser.awaitText("countdown", "0:2");
    assertFalse(browser.isPressable());
  }

  @Test
  void going_back_to_the_page_shows_the_true_state() {
    Browser browser = open("en");
    browser.press();
    browser.awaitOutcome("SENT");
    browser.driver.get("about:blank");
    browser.driver.navigate().back();
    browser.awaitOutcome("SENT");
    browser.awaitText("countdown", "0:2");
    assertFalse(browser.isPressable());
  }

  @Test
  void a_double_click_sends_one_code() {
    Browser browser = open("en");
    new Actions(browser.driver).doubleClick(browser.find("resend")).perform();
    browser.awaitOutcome("SENT");
    browser.awaitText("codes", "1");
    assertEquals(1, sandbox.requests("request-1"));
  }

  @Test
  void a_press_in_a_second_tab_during_the_cooldown_sends_nothing() {
    Browser browser = open("en");
    String first = browser.driver.getWindowHandle();
    browser.driver.switchTo().newWindow(WindowType.TAB);
    browser.open(port);
    browser.press();
    browser.awaitOutcome("SENT");
    browser.driver.close();
    browser.driver.switchTo().window(first);
    browser.driver.executeScript("show({}); press()"); // before the tab learns of the other press
    browser.awaitOutcome("WAIT");
    browser.awaitText("countdown", "0:");
    assertEquals(1, sandbox.requests("request-1"));
  }

  @Test
  void two_tabs_that_press_at_the_same_time_show_the_same_outcome() {
    Browser browser = open("en");
    answer(browser, "SLOW");
    String first = browser.driver.getWindowHandle();
    browser.driver.switchTo().newWindow(WindowType.TAB);
    browser.open(port);
    String second = browser.driver.getWindowHandle();
    browser.press();
    browser.driver.switchTo().window(first);
    browser.driver.executeScript("show({}); press()");
    browser.awaitOutcome("SENT");
    browser.driver.switchTo().window(second);
    browser.awaitOutcome("SENT");
    browser.driver.close();
    browser.driver.switchTo().window(first);
    assertEquals(1, sandbox.requests("request-2"));
  }

  @Test
  void a_lost_answer_says_that_a_code_may_come() {
    Browser browser = open("en");
    answer(browser, "LOST");
    browser.press();
    browser.awaitOutcome("AWAIT_CODE");
    browser.awaitText("countdown", "0:");
    browser.awaitText("codes", "1");
    assertFalse(browser.isPressable());
    browser.driver.navigate().refresh();
    browser.awaitLoaded();
    browser.awaitOutcome("AWAIT_CODE");
    assertFalse(browser.isPressable());
  }

  @Test
  void while_it_sends_the_button_shows_it_and_cannot_be_pressed() {
    Browser browser = open("en");
    answer(browser, "SLOW");
    browser.press();
    browser.awaitOutcome("SENDING");
    assertTrue(browser.find("resend").findElement(By.className("spinner")).isDisplayed());
    assertFalse(browser.isPressable());
    browser.press();
    browser.awaitOutcome("SENT");
    assertEquals(1, sandbox.requests("request-2"));
  }

  @ParameterizedTest
  @CsvSource({
    "en, OPEN, SENT, false",
    "en, RESEND_CHANNEL, RESEND, true",
    "en, RESTART_COOLDOWN_ACTIVE, WAIT, false",
    "en, RATE_LIMITED, WAIT, false",
    "en, SERVER_ERROR, AWAIT_CODE, false",
    "en, ATTEMPTS_EXPIRED, START_OVER, false",
    "en, SESSION_ALREADY_CONFIRMED, PROCEED, false",
    "en, FORBIDDEN, FIX_CREDENTIALS, false",
    "ru, OPEN, SENT, false",
    "ru, RESEND_CHANNEL, RESEND, true",
    "ru, RESTART_COOLDOWN_ACTIVE, WAIT, false",
    "ru, SERVER_ERROR, AWAIT_CODE, false",
    "ru, ATTEMPTS_EXPIRED, START_OVER, false",
    "ru, SESSION_ALREADY_CONFIRMED, PROCEED, false",
    "ru, FORBIDDEN, FIX_CREDENTIALS, false",
  })
  void an_answer_of_the_service_has_a_look_and_a_text(
      String language, String state, String outcome, boolean isPressable) {
    Browser browser = open(language);
    answer(browser, state);
    browser.press();
    browser.awaitOutcome(outcome);
    browser.awaitText("heading", texts(language, outcome).getString("heading"));
    browser.awaitText("sentence", texts(language, outcome).getString("sentence"));
    assertEquals(isPressable, browser.isPressable());
    assertEquals(language, browser.driver.executeScript("return document.documentElement.lang"));
  }

  @Test
  void a_person_can_begin_again() {
    Browser browser = open("en");
    answer(browser, "ATTEMPTS_EXPIRED");
    browser.press();
    browser.awaitOutcome("START_OVER");
    browser.find("way-on").findElement(By.tagName("a")).click();
    Browser.await(() -> browser.is("return !shown.outcome"), () -> "an old outcome");
    browser.press();
    browser.awaitOutcome("SENT");
    assertEquals(1, sandbox.requests("request-3"));
  }

  @Test
  void a_right_code_confirms_the_login_and_a_wrong_code_does_not() {
    Browser browser = open("en");
    browser.find("code").sendKeys("111111", Keys.ENTER);
    browser.awaitText("code-error", texts("en").getJsonObject("script").getString("wrongCode"));
    browser.find("code").clear();
    browser.find("code").sendKeys(SandboxPanel.CODE, Keys.ENTER);
    browser.awaitOutcome("PROCEED");
    assertEquals("", browser.text("code-error"));
    assertFalse(browser.isPressable());
    assertEquals(0, sandbox.requests("request-1"));
  }

  @Test
  void the_keyboard_is_enough_and_the_focus_stays() {
    Browser browser = open("en");
    browser.find("code").sendKeys(Keys.TAB, Keys.TAB);
    assertEquals("resend", focused(browser));
    browser.driver.switchTo().activeElement().sendKeys(Keys.SPACE);
    browser.awaitOutcome("SENT");
    assertEquals("resend", focused(browser));
    browser.find("answer").sendKeys("forb");
    browser.awaitText("codes", "0");
    browser.find("code").sendKeys(Keys.TAB, Keys.TAB, Keys.ENTER);
    browser.driver.switchTo().activeElement().sendKeys(Keys.ENTER);
    browser.awaitOutcome("FIX_CREDENTIALS");
    assertEquals("resend", focused(browser));
  }

  private static String focused(Browser browser) {
    return browser.driver.switchTo().activeElement().getDomProperty("id");
  }

  @Test
  void a_service_that_is_down_leaves_the_button_enabled() {
    Browser browser = open("en");
    sandbox.close();
    browser.press();
    browser.awaitOutcome("RETRY_LATER");
    assertTrue(browser.isPressable());
  }

  @Test
  void an_application_that_was_restarted_sends_nothing_for_an_old_page() throws Exception {
    Browser browser = open("en");
    vertx.close().await(30, TimeUnit.SECONDS);
    Vertx restarted = Vertx.vertx();
    try {
      new Example(restarted, port, null).withSandbox(sandbox).await(30, TimeUnit.SECONDS);
      browser.press();
      browser.awaitOutcome("EXPIRED");
      assertEquals(0, sandbox.requests("request-1"));
      assertFalse(browser.isPressable());
      open("en");
      browser.press();
      browser.awaitOutcome("SENT");
    } finally {
      restarted.close().await(30, TimeUnit.SECONDS);
    }
  }
}
