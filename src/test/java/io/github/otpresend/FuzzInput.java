// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;

/**
 * An input of a fuzz target: a line for each small part of it, and the rest. Any bytes are one, and
 * a saved input can be read and written by hand.
 */
final class FuzzInput {
  /** Stands for a secret; what is looked for wherever it must not be. */
  static final String CANARY = "canary-token-4711";

  private final byte[] bytes;
  private int at;

  FuzzInput(byte[] bytes) {
    this.bytes = bytes;
  }

  /** The next line, in UTF-8, without its end. */
  String line() {
    int start = at;
    while (at < bytes.length && bytes[at] != '\n') {
      at++;
    }
    String line = new String(bytes, start, at - start, UTF_8);
    at = Math.min(at + 1, bytes.length);
    return line;
  }

  /** The number in the next line; any other text stands for some number, too. */
  int number() {
    String line = line();
    try {
      return Integer.parseInt(line);
    } catch (NumberFormatException e) {
      return line.hashCode();
    }
  }

  byte[] rest() {
    return Arrays.copyOfRange(bytes, at, bytes.length);
  }

  /** The rest as text, in which bytes that are no UTF-8 stand for half a surrogate pair. */
  String restAsText() {
    return new String(rest(), UTF_8).replace('\ufffd', '\ud83d');
  }

  static void assertKept(Throwable failure) {
    StringWriter all = new StringWriter();
    failure.printStackTrace(new PrintWriter(all)); // with every cause and suppressed exception
    assertFalse(all.toString().contains(CANARY), "the secret is in an exception");
  }
}
