// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** What a request id may be, and how it stands in a path. */
final class RequestId {
  static final int MAX_CHARACTERS = 256;

  private static final String ALLOWED =
      "; a request id is 1 to "
          + MAX_CHARACTERS
          + " characters, not blank, not . or .., and has no control characters";
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
    int characters = id.codePointCount(0, id.length());
    if (characters > MAX_CHARACTERS) {
      return "has " + characters + " characters";
    } else if (id.isEmpty()) {
      return "is empty";
    } else if (id.isBlank()) {
      return "is blank";
    } else if (id.equals(".") || id.equals("..")) {
      return "is " + id;
    } else if (id.codePoints().anyMatch(Character::isISOControl)) {
      return "has a control character";
    } else if (id.codePoints().anyMatch(c -> Character.getType(c) == Character.SURROGATE)) {
      return "has half a surrogate pair, which is no character";
    }
    return null;
  }

  /** The id as one path segment: all but RFC 3986's unreserved characters percent-encoded. */
  static String encode(String id) {
    StringBuilder segment = new StringBuilder(id.length() + 16);
    for (byte b : id.getBytes(UTF_8)) {
      if (isUnreserved(b)) {
        segment.append((char) b);
      } else {
        HEX.toHexDigits(segment.append('%'), b);
      }
    }
    return segment.toString();
  }

  private static boolean isUnreserved(byte b) {
    return (b >= 'a' && b <= 'z')
        || (b >= 'A' && b <= 'Z')
        || (b >= '0' && b <= '9')
        || b == '-'
        || b == '.'
        || b == '_'
        || b == '~';
  }
}
