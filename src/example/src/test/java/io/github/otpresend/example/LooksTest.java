// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.deque.html.axecore.results.Results;
import com.deque.html.axecore.results.Rule;
import com.deque.html.axecore.selenium.AxeBuilder;
import io.github.otpresend.NextStep;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.Keys;

/** How the page looks. Screenshots of every state are in {@code target/screenshots}. */
class LooksTest extends PageScene {
  private static final Path SCREENSHOTS = Path.of("target", "screenshots");

  /** Returns every outcome that the page can show. */
  static Set<String> outcomes() {
    return new LinkedHashSet<>(
        texts("en").getJsonObject("script").getJsonObject("outcomes").fieldNames());
  }

  @AfterEach
  void reset() {
    for (String language : List.of("en", "ru")) {
      Browser browser = Browser.of(language);
      command(browser, "Emulation.clearDeviceMetricsOverride", Map.of());
      emulate(browser, Map.of());
    }
  }

  private static void command(Browser browser, String command, Map<String, Object> parameters) {
    browser.driver.executeCdpCommand(command, parameters);
  }

  private static void setSize(Browser browser, int width, int height) {
    setSize(browser, width, height, 1);
  }

  private static void setSize(Browser browser, int width, int height, int density) {
    command(
        browser,
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", density, "mobile", false));
  }

  private static void emulate(Browser browser, Map<String, String> media) {
    List<Map<String, String>> features =
        media.entrySet().stream()
            .map(feature -> Map.of("name", feature.getKey(), "value", feature.getValue()))
            .toList();
    command(browser, "Emulation.setEmulatedMedia", Map.of("features", features));
  }

  /** Shows an outcome, which no answer of the server replaces. */
  private static void show(Browser browser, String outcome) {
    browser.driver.executeScript("window.fetch = () => new Promise(() => {})");
    int wait = outcome.matches("SENT|NOT_ACCEPTED|WAIT|AWAIT_CODE") ? 24_000 : 0;
    browser.driver.executeScript(
        "resend.setAttribute('aria-busy', String(arguments[0] === 'SENDING'));"
            + "show({ outcome: arguments[0], retryAfterMs: arguments[1] })",
        outcome,
        wait);
    assertEquals(
        texts(browser.language, outcome).getString("heading"), browser.text("heading"), outcome);
  }

  private static void assertNoFault(Browser browser, String state) {
    Results results = new AxeBuilder().analyze(browser.driver);
    assertEquals(
        List.of(), results.getViolations().stream().map(LooksTest::description).toList(), state);
  }

  private static void screenshot(Browser browser, String name) throws IOException {
    Files.createDirectories(SCREENSHOTS);
    Files.copy(
        browser.screenshot().toPath(),
        SCREENSHOTS.resolve(name + ".png"),
        StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void each_next_step_has_a_look_and_all_texts_are_in_both_languages() {
    Set<String> outcomes = outcomes();
    Browser browser = open("en");
    for (NextStep nextStep : NextStep.values()) {
      assertTrue(outcomes.contains(nextStep.name()), nextStep.name());
    }
    assertEquals(
        outcomes,
        Set.copyOf((List<?>) browser.driver.executeScript("return Object.keys(OUTCOMES)")));
    assertEquals(
        (long) outcomes.size(),
        browser.driver.executeScript(
            "return new Set(Object.values(OUTCOMES).map(o => o.icon + o.look)).size"),
        "two outcomes look alike");
    for (String part : List.of("page", "script")) {
      assertEquals(
          texts("en").getJsonObject(part).fieldNames(),
          texts("ru").getJsonObject(part).fieldNames());
    }
    for (String outcome : outcomes) {
      assertEquals(texts("en", outcome).fieldNames(), texts("ru", outcome).fieldNames(), outcome);
    }
  }

  @ParameterizedTest
  @CsvSource({"en, light", "en, dark", "ru, light"})
  void no_state_has_a_fault_that_axe_finds(String language, String scheme) throws IOException {
    Browser browser = open(language);
    emulate(browser, Map.of("prefers-color-scheme", scheme));
    setSize(browser, 1_000, 760);
    for (String outcome : outcomes()) {
      show(browser, outcome);
      screenshot(browser, String.join("-", outcome, language, scheme, "wide"));
      assertNoFault(browser, outcome);
      assertEquals(
          outcome, browser.driver.executeScript("return shown.outcome"), "another state was seen");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"light", "dark"})
  void other_states_have_no_fault_that_axe_finds(String scheme) throws IOException {
    Browser browser = open("en");
    emulate(browser, Map.of("prefers-color-scheme", scheme));
    browser.find("code").sendKeys("111111", Keys.ENTER);
    browser.awaitText("code-error", texts("en").getJsonObject("script").getString("wrongCode"));
    screenshot(browser, "wrong-code-en-" + scheme + "-wide");
    assertNoFault(browser, "a wrong code");
    browser.driver.executeScript("document.body.dataset.mode = 'real'");
    screenshot(browser, "real-service-en-" + scheme + "-wide");
    assertNoFault(browser, "the real service");
  }

  private static String description(Rule rule) {
    return rule.getHelp()
        + rule.getNodes().stream().map(node -> node.getHtml()).collect(Collectors.joining(", "));
  }

  @ParameterizedTest
  @CsvSource({
    "320, en, ltr, light",
    "320, ru, ltr, dark",
    "320, en, rtl, light",
    "256, ru, ltr, light" // a window of 1,024 pixels at 400 %
  })
  void every_state_fits_a_narrow_screen(int width, String language, String direction, String scheme)
      throws IOException {
    Browser browser = open(language);
    setSize(browser, width, 900);
    emulate(browser, Map.of("prefers-color-scheme", scheme));
    browser.driver.executeScript("document.documentElement.dir = arguments[0]", direction);
    for (String outcome : outcomes()) {
      show(browser, outcome);
      screenshot(browser, String.join("-", outcome, language, direction, scheme, "" + width));
      assertTrue(
          browser.is("const e = document.documentElement; return e.scrollWidth <= e.clientWidth"),
          outcome);
      assertTrue(
          browser.is(
              "return [outcome, again, confirm]"
                  + ".every(e => !e || !e.scrollWidth || e.scrollWidth <= e.clientWidth + 1)"),
          outcome + " is cut");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"light", "dark"})
  void the_edges_of_controls_have_a_contrast_of_three(String scheme) {
    Browser browser = open("en");
    emulate(browser, Map.of("prefers-color-scheme", scheme));
    for (String id : List.of("code", "answer", "resend")) {
      double edge = luminance(browser, id, "borderTopColor");
      double panel = luminance(browser, "sandbox", "backgroundColor");
      double contrast = (Math.max(edge, panel) + 0.05) / (Math.min(edge, panel) + 0.05);
      assertTrue(contrast >= 3, id + " has " + contrast);
    }
  }

  /** Returns the relative luminance of a colour, as WCAG 2 defines it. */
  private static double luminance(Browser browser, String id, String property) {
    String color =
        (String)
            browser.driver.executeScript(
                "return getComputedStyle(document.getElementById(arguments[0]))[arguments[1]]",
                id,
                property);
    double[] linear =
        Arrays.stream(color.replaceAll("[^0-9,]", "").split(","))
            .mapToDouble(part -> Integer.parseInt(part) / 255.0)
            .map(part -> part <= 0.04045 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4))
            .toArray();
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  }

  @ParameterizedTest
  @MethodSource("media")
  void the_page_follows_the_settings_of_the_system(
      String feature, String value, String script, String expected) throws IOException {
    Browser browser = open("en");
    emulate(browser, Map.of(feature, value));
    show(browser, "SENDING");
    screenshot(browser, "SENDING-" + feature + "-" + value);
    assertEquals(expected, browser.driver.executeScript(script));
  }

  static List<String[]> media() {
    String spinner = "return getComputedStyle(document.querySelector('.spinner')).animationName";
    String button = "return getComputedStyle(document.getElementById('resend')).borderTopStyle";
    return List.of(
        new String[] {"prefers-reduced-motion", "no-preference", spinner, "turn"},
        new String[] {"prefers-reduced-motion", "reduce", spinner, "none"},
        new String[] {"forced-colors", "active", button, "dashed"});
  }

  @Test
  void the_picture_of_the_page_is_made() throws IOException {
    Browser browser = open("en");
    setSize(browser, 1_000, 470, 2); // sharp on every screen
    browser.press();
    browser.awaitOutcome("SENT");
    browser.awaitText("codes", "1");
    Files.copy(
        browser.screenshot().toPath(),
        Path.of("target", "page.png"),
        StandardCopyOption.REPLACE_EXISTING);
  }
}
