// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;

/**
 * An input of a fuzz target: some lines, and the rest. Any bytes are an input, and people can read
 * and write a saved input.
 */
final class FuzzInput {
  /** The secret that must not appear in any text. */
  static final String CANARY = "canary-token-4711";

  private final byte[] bytes;
  private int at;

  FuzzInput(byte[] bytes) {
    this.bytes = bytes;
  }

  /** Returns the next line, in UTF-8, without its end. */
  String line() {
    int start = at;
    while (at < bytes.length && bytes[at] != '\n') {
      at++;
    }
    String line = new String(bytes, start, at - start, UTF_8);
    at = Math.min(at + 1, bytes.length);
    return line;
  }

  /** Returns the number in the next line. Any other text also gives a number. */
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

  /** Returns the rest as text. Bytes that are not UTF-8 become half a surrogate pair. */
  String restAsText() {
    return new String(rest(), UTF_8).replace('\ufffd', '\ud83d');
  }

  static void assertKept(Throwable failure) {
    StringWriter all = new StringWriter();
    failure.printStackTrace(new PrintWriter(all)); // with every cause and suppressed exception
    assertFalse(all.toString().contains(CANARY), "the secret is in an exception");
  }
}
