// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.Handler;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** Sends the page in the language that the browser prefers. */
final class PageHandler implements Handler<RoutingContext> {
  private static final List<String> LANGUAGES = List.of("en", "ru");

  private final Map<String, String> pages = new HashMap<>();

  /**
   * @param mode what the page shows: the sandbox, a sandbox of another process, or the real service
   * @param csrfCookie the cookie with the token against forged requests
   */
  PageHandler(String mode, String csrfCookie) {
    String page = read("page.html").replace("{{mode}}", mode).replace("{{csrfCookie}}", csrfCookie);
    for (String language : LANGUAGES) {
      JsonObject texts = new JsonObject(read(language + ".json"));
      String translated = page.replace("{{lang}}", language);
      for (String key : texts.getJsonObject("page").fieldNames()) {
        translated =
            translated.replace("{{" + key + "}}", texts.getJsonObject("page").getString(key));
      }
      String script = texts.getJsonObject("script").encode().replace("<", "\\u003c");
      pages.put(language, translated.replace("{{script}}", script));
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

  /** Vert.x sorts the languages of the header, the most wanted first. */
  private static String language(RoutingContext context) {
    return context.acceptableLanguages().stream()
        .filter(wanted -> wanted.subtagCount() > 0 && wanted.weight() > 0) // 0 is "not this one"
        .map(wanted -> wanted.tag().toLowerCase(Locale.ROOT))
        .filter(LANGUAGES::contains)
        .findFirst()
        .orElse("en");
  }

  @Override
  public void handle(RoutingContext context) {
    String language = language(context);
    context
        .response()
        .putHeader("Content-Type", "text/html; charset=utf-8")
        .putHeader("Content-Language", language)
        .putHeader("Vary", "Accept-Language")
        .putHeader("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
        .end(pages.get(language));
  }
}
