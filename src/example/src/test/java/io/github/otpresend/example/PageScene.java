// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.otpresend.sandbox.OtpSandbox;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.openqa.selenium.support.ui.Select;

/** The example with its sandbox, and browsers in two languages. */
abstract class PageScene {
  final Vertx vertx = Vertx.vertx();
  final OtpSandbox sandbox = OtpSandbox.start();
  int port;

  @BeforeEach
  void start() throws Exception {
    port = new Example(vertx, 0, null).withSandbox(sandbox).await(30, TimeUnit.SECONDS);
  }

  @AfterEach
  void stop() throws Exception {
    vertx.close().await(30, TimeUnit.SECONDS);
    sandbox.close();
    for (String language : List.of("en", "ru")) {
      Browser browser = Browser.of(language);
      assertEquals(List.of(), browser.consoleErrors());
      browser.driver.manage().deleteAllCookies();
      browser.driver.get("about:blank");
    }
  }

  Browser open(String language) {
    Browser browser = Browser.of(language);
    browser.open(port);
    return browser;
  }

  static JsonObject texts(String language) {
    String name = "/page/" + language + ".json";
    try (InputStream file = Objects.requireNonNull(PageScene.class.getResourceAsStream(name))) {
      return new JsonObject(new String(file.readAllBytes(), "UTF-8"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns the texts of an outcome. */
  static JsonObject texts(String language, String outcome) {
    return texts(language).getJsonObject("script").getJsonObject("outcomes").getJsonObject(outcome);
  }

  /** Sets how the sandbox answers, and begins a new authentication request. */
  static void answer(Browser browser, String value) {
    new Select(browser.find("answer")).selectByValue(value);
    browser.awaitText("codes", "0");
    Browser.await(browser::isPressable, () -> "the button cannot be pressed");
  }
}
