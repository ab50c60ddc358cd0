// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A base URL and its parts. {@link #ALLOWED} says what a base URL may be.
 *
 * @param ssl whether it is https
 * @param host the host in lower case; an IPv6 address is in its brackets
 * @param port the port of the URL, or else the default port of the scheme
 * @param path the path in ASCII, without a slash at its end
 */
public record BaseUrl(boolean ssl, String host, int port, String path) {
  static final String ALLOWED =
      "an http or https URL with a host, with a port of 1 to 65535 or none, and without user info,"
          + " query and fragment";

  private static final Pattern LOOPBACK_V4 =
      Pattern.compile("127(\\.(25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}");

  /** Returns the parts of a URL, or null if the URL is not {@link #ALLOWED}. */
  static @Nullable BaseUrl parse(String text) {
    if (!UTF_8.newEncoder().canEncode(text)) {
      return null; // half a surrogate pair, for which URI throws a NullPointerException
    }
    URI uri;
    try {
      uri = new URI(new URI(text).toASCIIString());
    } catch (URISyntaxException e) {
      return null;
    }
    boolean ssl = "https".equalsIgnoreCase(uri.getScheme());
    String host = uri.getHost();
    int port = uri.getPort();
    if ((!ssl && !"http".equalsIgnoreCase(uri.getScheme()))
        || host == null
        || port == 0
        || port > 65_535
        || uri.getRawUserInfo() != null
        || uri.getRawQuery() != null
        || uri.getRawFragment() != null) {
      return null;
    }
    return new BaseUrl(
        ssl,
        host.toLowerCase(Locale.ROOT),
        port > 0 ? port : ssl ? 443 : 80,
        uri.getRawPath().replaceAll("(?<!/)/+$", ""));
  }

  /** Returns whether what is sent to the host stays on this machine. Looks up no name. */
  public boolean isLoopback() {
    if (host.startsWith("[")) {
      try {
        return InetAddress.getByName(host).isLoopbackAddress();
      } catch (UnknownHostException e) {
        return false;
      }
    }
    return host.equals("localhost") || LOOPBACK_V4.matcher(host).matches();
  }
}
