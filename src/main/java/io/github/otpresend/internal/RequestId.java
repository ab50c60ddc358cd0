// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** The check of a request id, and its encoding for a path. */
public final class RequestId {
  static final int MAX_CHARACTERS = 256;

  private static final String ALLOWED =
      "; a request id is 1 to "
          + MAX_CHARACTERS
          + " characters, not blank, not . or .., and has no control characters";
  private static final HexFormat HEX = HexFormat.of().withUpperCase();

  private RequestId() {}

  /** Checks an id and throws as {@link #toSegment} does. */
  public static void check(@Nullable String id) {
    toSegment(id);
  }

  /**
   * Returns the id as one path segment.
   *
   * @throws ResendException INVALID_REQUEST, which says what is wrong and what is allowed
   */
  public static String toSegment(@Nullable String id) {
    if (id == null) {
      throw invalid("is null");
    }
    int characters = id.codePointCount(0, id.length());
    if (characters > MAX_CHARACTERS) {
      throw invalid("has " + characters + " characters");
    } else if (id.isBlank()) {
      throw invalid(id.isEmpty() ? "is empty" : "is blank");
    } else if (id.equals(".") || id.equals("..")) {
      throw invalid("is " + id);
    }
    boolean isPlain = true;
    for (int i = 0, c; i < id.length(); i += Character.charCount(c)) {
      c = id.codePointAt(i);
      if (isUnreserved(c)) {
        continue;
      } else if (Character.isISOControl(c)) {
        throw invalid("has a control character");
      } else if (Character.getType(c) == Character.SURROGATE) {
        throw invalid("has half a surrogate pair, which is not a character");
      }
      isPlain = false;
    }
    return isPlain ? id : encode(id);
  }

  private static ResendException invalid(String what) {
    return new ResendException(ResendFailure.INVALID_REQUEST, "The request id " + what + ALLOWED);
  }

  /** Percent-encodes every character that RFC 3986 does not call unreserved. */
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

  private static boolean isUnreserved(int c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || "-._~".indexOf(c) >= 0;
  }
}
