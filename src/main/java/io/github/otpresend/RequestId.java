// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a request id may be, and how it stands in a path. */
final class RequestId {
  static final int MAX_CHARACTERS = 256;

  private static final String ALLOWED =
      "; a request id is 1 to "
          + MAX_CHARACTERS
          + " characters, not blank, not . or .., and has no control characters";
  private static final boolean[] UNRESERVED = unreserved();
  private static final HexFormat HEX = HexFormat.of().withUpperCase();

  private RequestId() {}

  /**
   * Checks that this is one.
   *
   * @throws ResendException INVALID_REQUEST, saying what is wrong and what is allowed
   */
  static void check(@Nullable String id) {
    String wrong = id == null ? "is null" : whatIsWrong(id);
    if (wrong != null) {
      throw new ResendException(ResendFailure.INVALID_REQUEST, "The request id " + wrong + ALLOWED);
    }
  }

  private static @Nullable String whatIsWrong(String id) {
    if (isPlain(id)) {
      return null;
    }
    int characters = id.codePointCount(0, id.length());
    if (characters > MAX_CHARACTERS) {
      return "has " + characters + " characters";
    } else if (id.isEmpty()) {
      return "is empty";
    } else if (id.isBlank()) {
      return "is blank";
    } else if (id.equals(".") || id.equals("..")) {
      return "is " + id;
    }
    for (int i = 0, c; i < id.length(); i += Character.charCount(c)) {
      c = id.codePointAt(i);
      if (Character.isISOControl(c)) {
        return "has a control character";
      } else if (Character.getType(c) == Character.SURROGATE) {
        return "has half a surrogate pair, which is no character";
      }
    }
    return null;
  }

  /**
   * The id as one path segment.
   *
   * @throws ResendException INVALID_REQUEST, as {@link #check} does
   */
  static String toSegment(@Nullable String id) {
    if (id != null && isPlain(id)) {
      return id;
    }
    check(id);
    return encode(Objects.requireNonNull(id));
  }

  /** Nothing to check further and to encode, as in nearly all ids. */
  private static boolean isPlain(String id) {
    return id.length() <= MAX_CHARACTERS && id.length() > 2 && isUnreserved(id);
  }

  /** All but RFC 3986's unreserved characters percent-encoded. */
  static String encode(String id) {
    return isUnreserved(id) ? id : percentEncode(id);
  }

  private static String percentEncode(String id) {
    StringBuilder segment = new StringBuilder(id.length() + 16);
    for (byte b : id.getBytes(UTF_8)) {
      if (isUnreserved((char) b)) { // a byte of another character is negative, and no such char
        segment.append((char) b);
      } else {
        HEX.toHexDigits(segment.append('%'), b);
      }
    }
    return segment.toString();
  }

  private static boolean isUnreserved(String id) {
    for (int i = 0; i < id.length(); i++) {
      if (!isUnreserved(id.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isUnreserved(char c) {
    return c < UNRESERVED.length && UNRESERVED[c];
  }

  private static boolean[] unreserved() {
    boolean[] unreserved = new boolean[128];
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
        .chars()
        .forEach(c -> unreserved[c] = true);
    return unreserved;
  }
}
