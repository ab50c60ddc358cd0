// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.NextStep;
import io.github.otpresend.sandbox.OtpSandbox;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.VertxExtension;
import io.vertx.junit5.VertxTestContext;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WindowType;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.support.ui.Select;

/** The page in a real browser. */
@ExtendWith(VertxExtension.class)
class PageTest {
  private static final Map<String, Browser> BROWSERS = new java.util.HashMap<>();

  private OtpSandbox sandbox;
  private int port;

  @BeforeAll
  static void openBrowsers(@TempDir Path english, @TempDir Path russian) {
    BROWSERS.put("en", new Browser("en", english));
    BROWSERS.put("ru", new Browser("ru,en", russian));
  }

  @AfterAll
  static void closeBrowsers() {
    BROWSERS.values().forEach(Browser::close);
  }

  @BeforeEach
  void start(Vertx vertx) throws Exception {
    sandbox = OtpSandbox.start();
    port = Example.withSandbox(vertx, 0, sandbox).await(30, TimeUnit.SECONDS);
  }

  @AfterEach
  void stop() {
    sandbox.close();
    for (Browser browser : BROWSERS.values()) {
      assertEquals(List.of(), browser.consoleErrors());
      browser.driver.manage().deleteAllCookies();
    }
  }

  private Browser open(String language) {
    Browser browser = BROWSERS.get(language);
    browser.open(port);
    browser.awaitButton(true);
    return browser;
  }

  private static JsonObject texts(String language) throws Exception {
    try (InputStream file = PageTest.class.getResourceAsStream("/page/" + language + ".json")) {
      return new JsonObject(new String(file.readAllBytes(), "UTF-8"));
    }
  }

  private static void answer(Browser browser, String value) {
    new Select(browser.find("answer")).selectByValue(value);
    browser.awaitText("codes", "0");
    browser.awaitButton(true);
  }

  private static void press(Browser browser) {
    browser.find("resend").click();
  }

  @Test
  void a_press_sends_a_code_and_starts_a_countdown() throws Exception {
    Browser browser = open("en");
    press(browser);
    browser.awaitText("outcome", texts("en").getString("SENT"));
    browser.awaitText("countdown", "0:2");
    browser.awaitText("codes", "1");
    assertFalse(browser.find("resend").isEnabled());
    Files.copy(
        browser.screenshot().toPath(),
        Path.of("target", "page.png"),
        StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void a_reload_keeps_the_countdown() throws Exception {
    Browser browser = open("en");
    press(browser);
    browser.awaitText("countdown", "0:2");
    browser.driver.navigate().refresh();
    browser.awaitText("outcome", texts("en").getString("SENT"));
    browser.awaitText("countdown", "0:2");
    assertFalse(browser.find("resend").isEnabled());
  }

  @Test
  void a_double_click_sends_one_code() throws Exception {
    Browser browser = open("en");
    new Actions(browser.driver).doubleClick(browser.find("resend")).perform();
    browser.awaitText("outcome", texts("en").getString("SENT"));
    browser.awaitText("codes", "1");
    assertEquals(1, sandbox.requests("request-1"));
  }

  @Test
  void a_press_in_each_of_two_tabs_sends_one_code() throws Exception {
    Browser browser = open("en");
    String first = browser.driver.getWindowHandle();
    browser.driver.switchTo().newWindow(WindowType.TAB);
    browser.open(port);
    browser.awaitButton(true);
    press(browser);
    browser.awaitText("outcome", texts("en").getString("SENT"));
    browser.driver.close();

    browser.driver.switchTo().window(first);
    press(browser);
    browser.awaitText("outcome", texts("en").getString("WAIT"));
    browser.awaitText("countdown", "0:");
    browser.awaitText("codes", "1");
    assertEquals(1, sandbox.requests("request-1"));
  }

  @Test
  void a_lost_answer_says_that_a_code_may_come_and_disables_the_button() throws Exception {
    Browser browser = open("en");
    answer(browser, "LOST");
    press(browser);
    browser.awaitText("outcome", texts("en").getString("AWAIT_CODE"));
    browser.awaitText("countdown", "0:");
    browser.awaitText("codes", "1");
    assertFalse(browser.find("resend").isEnabled());
    browser.driver.navigate().refresh();
    browser.awaitText("outcome", texts("en").getString("AWAIT_CODE"));
    assertFalse(browser.find("resend").isEnabled());
  }

  @Test
  void the_button_is_disabled_while_the_service_is_slow() throws Exception {
    Browser browser = open("en");
    answer(browser, "SLOW");
    press(browser);
    browser.awaitText("outcome", texts("en").getString("sending"));
    assertFalse(browser.find("resend").isEnabled());
    browser.awaitText("outcome", texts("en").getString("SENT"));
  }

  @ParameterizedTest
  @CsvSource({
    "en, OPEN, SENT, false",
    "en, RESEND_CHANNEL, RESEND, true",
    "en, RESTART_COOLDOWN_ACTIVE, WAIT, false",
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
  void an_answer_of_the_service_has_a_text(
      String language, String state, String outcome, boolean canPress) throws Exception {
    Browser browser = open(language);
    answer(browser, state);
    press(browser);
    browser.awaitText("outcome", texts(language).getString(outcome));
    assertEquals(canPress, browser.find("resend").isEnabled());
    assertEquals(language, browser.driver.executeScript("return document.documentElement.lang"));
  }

  @ParameterizedTest
  @EnumSource(NextStep.class)
  void each_next_step_has_a_text_in_each_language(NextStep nextStep) throws Exception {
    for (String language : BROWSERS.keySet()) {
      Browser browser = open(language);
      browser.driver.executeScript("show({outcome: arguments[0]})", nextStep.name());
      browser.awaitText("outcome", texts(language).getString(nextStep.name()));
    }
    assertEquals(texts("en").fieldNames(), texts("ru").fieldNames());
  }

  @Test
  void the_keyboard_is_enough() throws Exception {
    Browser browser = open("en");
    browser.find("code").sendKeys("123456", Keys.TAB);
    assertEquals("resend", browser.driver.switchTo().activeElement().getDomProperty("id"));
    browser.driver.switchTo().activeElement().sendKeys(Keys.SPACE);
    browser.awaitText("outcome", texts("en").getString("SENT"));

    browser.find("answer").sendKeys("FORB");
    browser.awaitText("codes", "0");
    browser.find("code").sendKeys(Keys.TAB);
    browser.driver.switchTo().activeElement().sendKeys(Keys.ENTER);
    browser.awaitText("outcome", texts("en").getString("FIX_CREDENTIALS"));
  }

  @Test
  void the_outcome_is_announced_to_screen_readers() {
    Browser browser = open("en");
    assertEquals("polite", browser.find("outcome").getDomAttribute("aria-live"));
    assertEquals("Send the code again", browser.find("resend").getAccessibleName());
    assertEquals("Code from the message", browser.find("code").getAccessibleName());
    assertEquals("The service answers", browser.find("answer").getAccessibleName());
  }

  @Test
  void the_page_fits_a_small_screen() {
    Browser browser = open("ru");
    Dimension before = browser.driver.manage().window().getSize();
    browser.driver.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", 320, "height", 640, "deviceScaleFactor", 2, "mobile", true));
    try {
      assertEquals(
          320L, browser.driver.executeScript("return document.documentElement.scrollWidth"));
    } finally {
      browser.driver.executeCdpCommand("Emulation.clearDeviceMetricsOverride", Map.of());
      browser.driver.manage().window().setSize(before);
    }
  }

  @Test
  void the_page_has_a_light_and_a_dark_scheme() {
    Browser browser = open("en");
    String script = "return getComputedStyle(document.body).backgroundColor";
    for (String[] scheme : new String[][] {{"light", "246"}, {"dark", "20"}}) {
      browser.driver.executeCdpCommand(
          "Emulation.setEmulatedMedia",
          Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme[0]))));
      String color = (String) browser.driver.executeScript(script);
      assertTrue(color.startsWith("rgb(" + scheme[1] + ","), color);
    }
    browser.driver.executeCdpCommand("Emulation.setEmulatedMedia", Map.of("features", List.of()));
  }

  @Test
  void a_service_that_is_down_leaves_the_button_enabled() throws Exception {
    Browser browser = open("en");
    sandbox.close();
    press(browser);
    browser.awaitText("outcome", texts("en").getString("RETRY_LATER"));
    browser.awaitButton(true);
  }

  @Test
  void an_application_that_was_restarted_sends_nothing_for_an_old_page(Vertx vertx)
      throws Exception {
    Browser browser = open("en");
    vertx.close().await(30, TimeUnit.SECONDS);
    Vertx restarted = Vertx.vertx();
    try {
      Example.withSandbox(restarted, port, sandbox).await(30, TimeUnit.SECONDS);

      press(browser);
      browser.awaitText("outcome", texts("en").getString("EXPIRED"));
      assertEquals(0, sandbox.requests("request-1"));
      assertFalse(browser.find("resend").isEnabled());

      open("en");
      press(browser);
      browser.awaitText("outcome", texts("en").getString("SENT"));
    } finally {
      restarted.close().await(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void an_application_that_is_down_may_have_sent_a_code(Vertx vertx) throws Exception {
    Browser browser = open("en");
    vertx.close().await(30, TimeUnit.SECONDS);
    press(browser);
    browser.awaitText("outcome", texts("en").getString("UNREACHABLE"));
    assertFalse(browser.find("resend").isEnabled());
  }

  @Test
  void a_forged_request_sends_nothing(Vertx vertx, VertxTestContext test) {
    vertx
        .createHttpClient()
        .request(HttpMethod.POST, port, "localhost", "/resend")
        .compose(request -> request.send())
        .onComplete(
            test.succeeding(
                response ->
                    test.verify(
                        () -> {
                          assertEquals(403, response.statusCode());
                          assertEquals(0, sandbox.requests("request-1"));
                          test.completeNow();
                        })));
  }
}
