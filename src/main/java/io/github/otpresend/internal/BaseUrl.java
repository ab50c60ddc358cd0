// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a base URL. {@link #ALLOWED} says what a base URL may be.
 *
 * @param ssl whether it is https
 * @param host the host as {@link Host} writes it
 * @param port the port of the URL, or else the default port of the scheme
 * @param path the path in ASCII, without a slash at its end
 */
public record BaseUrl(boolean ssl, String host, int port, String path) {
  static final String ALLOWED =
      "an http or https URL with a host, with a port of 1 to 65535 or none, and without user info,"
          + " query and fragment";

  private static final Pattern AUTHORITY = Pattern.compile("(\\[[^]]*]|[^:]*)(?::(\\d{0,5}))?");

  /**
   * Returns the parts of a URL.
   *
   * @throws IllegalArgumentException if the URL is not {@link #ALLOWED}; the message is a clause
   *     that says what is wrong, for example "which has no host"
   */
  static BaseUrl parse(String text) {
    check(UTF_8.newEncoder().canEncode(text), "which has half a surrogate pair");
    URI uri;
    String path;
    try {
      uri = new URI(text);
      path = new URI(uri.toASCIIString()).getRawPath();
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException("which is not a URL", e);
    }
    boolean ssl = "https".equalsIgnoreCase(uri.getScheme());
    check(ssl || "http".equalsIgnoreCase(uri.getScheme()), "whose scheme is not http or https");
    check(uri.getRawAuthority() != null, "which has no host");
    check(uri.getRawAuthority().indexOf('@') < 0, "which has user info");
    check(uri.getRawQuery() == null, "which has a query");
    check(uri.getRawFragment() == null, "which has a fragment");
    Matcher authority = AUTHORITY.matcher(uri.getRawAuthority());
    check(authority.matches(), "whose host is not followed by a port of 1 to 65535 or by the path");
    String host = Host.toAscii(authority.group(1));
    if (ssl) { // Java's TLS refuses both
      check(host.indexOf('_') < 0, "whose host has a _, which TLS does not allow");
      host = host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
    }
    return new BaseUrl(
        ssl, host, port(authority.group(2), ssl ? 443 : 80), path.replaceAll("(?<!/)/+$", ""));
  }

  private static int port(@Nullable String digits, int defaultPort) {
    if (digits == null || digits.isEmpty()) {
      return defaultPort;
    }
    int port = Integer.parseInt(digits);
    check(port >= 1 && port <= 65_535, "whose port is " + port);
    return port;
  }

  private static void check(boolean good, String wrong) {
    if (!good) {
      throw new IllegalArgumentException(wrong);
    }
  }

  /** Returns whether what is sent to the host stays on this machine. Looks up no name. */
  public boolean isLoopback() {
    return Host.isLoopback(host);
  }
}
