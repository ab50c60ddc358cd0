// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import org.openqa.selenium.By;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** Debian's Chromium without a window, in one language. It ends with this JVM. */
final class Browser {
  private static final Map<String, Browser> BROWSERS = new ConcurrentHashMap<>();
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
  private static final Path DRIVER = Path.of("/usr/bin/chromedriver");

  final String language;
  final ChromeDriver driver;

  /** Returns the browser of a person who reads this language. */
  static Browser of(String language) {
    return BROWSERS.computeIfAbsent(language, Browser::new);
  }

  private Browser(String language) {
    this.language = language;
    assertTrue(
        Files.isExecutable(CHROMIUM) && Files.isExecutable(DRIVER),
        "Install Debian's packages chromium and chromium-driver");
    LoggingPreferences logs = new LoggingPreferences();
    logs.enable(LogType.BROWSER, Level.ALL);
    ChromeOptions options = new ChromeOptions();
    options
        .setBinary(CHROMIUM.toFile())
        .addArguments(
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1000,760",
            "--lang=" + language)
        .setExperimentalOption("prefs", Map.of("intl.accept_languages", language + ",en"));
    options.setCapability("goog:loggingPrefs", logs);
    driver =
        new ChromeDriver(
            new ChromeDriverService.Builder()
                .usingDriverExecutable(DRIVER.toFile())
                .withLogOutput(java.io.OutputStream.nullOutputStream())
                .build(),
            options);
    Runtime.getRuntime().addShutdownHook(new Thread(driver::quit));
  }

  /** Opens the page, and waits until it shows the last outcome. */
  void open(int port) {
    driver.get("http://localhost:" + port + "/");
    awaitLoaded();
  }

  void awaitLoaded() {
    await(() -> is("return shown.outcome !== 'SENDING'"), () -> "the page knows no outcome");
  }

  boolean is(String script) {
    return (Boolean) driver.executeScript(script);
  }

  void press() {
    find("resend").click();
  }

  boolean isPressable() {
    return find("resend").getDomAttribute("aria-disabled").equals("false");
  }

  /** Waits until the page shows an outcome. */
  void awaitOutcome(String outcome) {
    await(
        () -> outcome.equals(driver.executeScript("return shown.outcome")),
        () -> "the outcome is " + driver.executeScript("return shown.outcome"));
  }

  WebElement find(String id) {
    return driver.findElement(By.id(id));
  }

  String text(String id) {
    return find(id).getText();
  }

  /** Waits until the text of an element contains a text. */
  void awaitText(String id, String expected) {
    await(() -> text(id).contains(expected), () -> id + " is \"" + text(id) + '"');
  }

  static void await(BooleanSupplier condition, java.util.function.Supplier<String> state) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, state);
      Thread.onSpinWait();
    }
  }

  /** Returns the errors of the console, except the statuses that the server answers on purpose. */
  List<String> consoleErrors() {
    return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
        .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
        .map(LogEntry::getMessage)
        .filter(message -> !message.contains("Failed to load resource"))
        .toList();
  }

  File screenshot() {
    return driver.getScreenshotAs(OutputType.FILE);
  }
}
