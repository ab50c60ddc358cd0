// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.Handler;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.LanguageHeader;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Sends the page in the language that the browser prefers. */
final class PageHandler implements Handler<RoutingContext> {
  private static final List<String> LANGUAGES = List.of("en", "ru");

  private final Map<String, String> pages = new HashMap<>();

  PageHandler(boolean sandbox) {
    String page = read("page.html");
    for (String language : LANGUAGES) {
      JsonObject texts = new JsonObject(read(language + ".json"));
      String translated = page.replace("{{lang}}", language);
      for (String key : texts.fieldNames()) {
        translated = translated.replace("{{" + key + "}}", texts.getString(key));
      }
      pages.put(language, translated.replace("{{mode}}", sandbox ? "sandbox" : "real"));
    }
  }

  private static String read(String name) {
    try (InputStream resource =
        Objects.requireNonNull(PageHandler.class.getResourceAsStream("/page/" + name), name)) {
      return new String(resource.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void handle(RoutingContext context) {
    String language =
        context.acceptableLanguages().stream()
            .map(LanguageHeader::tag)
            .filter(LANGUAGES::contains)
            .findFirst()
            .orElse("en");
    context
        .response()
        .putHeader("Content-Type", "text/html; charset=utf-8")
        .putHeader("Content-Language", language)
        .putHeader("Vary", "Accept-Language")
        .putHeader("Cache-Control", "no-store")
        .putHeader("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
        .end(pages.get(language));
  }
}
