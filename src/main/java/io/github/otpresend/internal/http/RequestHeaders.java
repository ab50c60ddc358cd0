// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.internal.BaseUrl;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger.Level;

/**
 * The headers of the request that is being sent. They are read-only, so that requests share them
 * instead of copying them. This class is used on one event loop only.
 */
final class RequestHeaders {
  private static final System.Logger LOG = System.getLogger(OtpResendClient.class.getName());
  private static final CharSequence USER_AGENT = HttpHeaders.createOptimized(userAgent());
  private static final CharSequence JSON = HttpHeaders.createOptimized("application/json");
  private static final CharSequence ZERO = HttpHeaders.createOptimized("0");

  private final CharSequence host;
  private String token = "";
  private MultiMap headers = HttpHeaders.headers();

  RequestHeaders(BaseUrl baseUrl) {
    boolean isDefaultPort = baseUrl.port() == (baseUrl.ssl() ? 443 : 80);
    host =
        HttpHeaders.createOptimized(
            isDefaultPort ? baseUrl.host() : baseUrl.host() + ':' + baseUrl.port());
  }

  /** Sets the token, most often the same as before. */
  void use(String token) {
    if (!token.equals(this.token)) {
      headers =
          HttpHeaders.headers()
              .set(HttpHeaders.HOST, host)
              .set(HttpHeaders.USER_AGENT, USER_AGENT)
              .set(HttpHeaders.ACCEPT, JSON)
              .set(HttpHeaders.AUTHORIZATION, HttpHeaders.createOptimized("Bearer " + token))
              .set(HttpHeaders.CONTENT_LENGTH, ZERO)
              .copy(false);
      this.token = token;
    }
  }

  MultiMap all() {
    return headers;
  }

  /** Returns the name and version, or only the name if the resource is missing from the package. */
  private static String userAgent() {
    try (InputStream resource = RequestHeaders.class.getResourceAsStream("user-agent.txt")) {
      if (resource != null) {
        return new String(resource.readAllBytes(), UTF_8).strip();
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "user-agent.txt cannot be read", e);
    }
    return "vertx-otp-resend";
  }
}
