// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;

/**
 * The input of a fuzz test. It has a line for each small value, and then the rest. Any bytes are a
 * valid input. A person can read and write a saved input.
 */
final class FuzzInput {
  /** The secret of the saved inputs. It must not appear in exceptions and their JSON. */
  static final String CANARY = "canary-token-4711";

  private final byte[] bytes;
  private int position;

  FuzzInput(byte[] bytes) {
    this.bytes = bytes;
  }

  /** Reads the next line in UTF-8, and returns it without its end. */
  String line() {
    int start = position;
    while (position < bytes.length && bytes[position] != '\n') {
      position++;
    }
    String line = new String(bytes, start, position - start, UTF_8);
    position = Math.min(position + 1, bytes.length);
    return line;
  }

  /** Reads the next line, and returns its number; its hash code if it is not a number. */
  int number() {
    String line = line();
    try {
      return Integer.parseInt(line);
    } catch (NumberFormatException e) {
      return line.hashCode();
    }
  }

  byte[] rest() {
    return Arrays.copyOfRange(bytes, position, bytes.length);
  }

  /** Returns the rest as text, with half a surrogate pair for all bytes that are not UTF-8. */
  String restAsText() {
    return new String(rest(), UTF_8).replace('\ufffd', '\ud83d');
  }

  /** Asserts that an exception and its causes do not contain the secret. */
  static void assertNoSecretIn(Throwable failure) {
    StringWriter all = new StringWriter();
    failure.printStackTrace(new PrintWriter(all)); // with every cause and suppressed exception
    assertFalse(all.toString().contains(CANARY), "the secret is in an exception");
  }
}
