// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import java.net.IDN;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.regex.Pattern;

/** The host of a URL: a name or an address. No method looks up a name. */
final class Host {
  private static final String LABEL = "(?!-)[a-z0-9_-]{1,63}(?<!-)";
  private static final Pattern NAME = Pattern.compile(LABEL + "(\\." + LABEL + ")*\\.?");
  private static final int MAX_NAME = 253;

  private static final String OCTET = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";
  private static final Pattern V4 = Pattern.compile(OCTET + "(\\." + OCTET + "){3}");

  /** A name that ends in a number is an IPv4 address or an error: WHATWG URL, section 3.5. */
  private static final Pattern ENDS_IN_NUMBER = Pattern.compile("(.*\\.)?(\\d+|0x[0-9a-f]*)\\.?");

  /** Letters that IDNA 2003 and IDNA 2008 encode differently: UTS 46, section 4. */
  private static final Pattern DISPUTED = Pattern.compile("[\u00df\u03c2\u200c\u200d]");

  private Host() {}

  /**
   * Returns the host in ASCII and lower case. An international name is in its {@code xn--} form,
   * and an IPv6 address in its brackets. An IPv6 address that contains an IPv4 address, for example
   * {@code [::ffff:192.0.2.1]}, is returned as the IPv4 address.
   *
   * @throws IllegalArgumentException if it is not a host; the message is a clause
   */
  static String toAscii(String host) {
    if (host.startsWith("[")) {
      return literal(host);
    } else if (DISPUTED.matcher(host).find()) {
      throw new IllegalArgumentException(
          "whose host has a letter with two possible names; write the host in its xn-- form");
    }
    String name;
    try {
      name = IDN.toASCII(host).toLowerCase(Locale.ROOT);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("whose host is not a valid name: " + e.getMessage(), e);
    }
    if (name.length() > MAX_NAME || !NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          host.isEmpty()
              ? "which has no host"
              : "whose host is not a name; a name has 1 to 63 letters, digits, - or _ between its"
                  + " dots, 253 in all, and no - at the ends of a part");
    } else if (ENDS_IN_NUMBER.matcher(name).matches() && !V4.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "whose host ends in a number, but is not an IPv4 address such as 192.0.2.1");
    }
    return name;
  }

  private static String literal(String host) {
    if (host.indexOf('%') >= 0) {
      throw new IllegalArgumentException(
          "whose host has a zone id; use an address that needs no zone id");
    }
    InetAddress address;
    try {
      address = InetAddress.getByName(host);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("whose host is not an IPv6 address", e);
    }
    if (address instanceof Inet4Address) {
      return address.getHostAddress();
    }
    // Vert.x does not parse the form that ends in an IPv4 address
    return host.indexOf('.') < 0
        ? host.toLowerCase(Locale.ROOT)
        : '[' + address.getHostAddress() + ']';
  }

  static boolean isLoopback(String host) {
    if (host.startsWith("[")) {
      try {
        return InetAddress.getByName(host).isLoopbackAddress();
      } catch (UnknownHostException e) {
        return false;
      }
    }
    return host.equals("localhost") || (host.startsWith("127.") && V4.matcher(host).matches());
  }
}
