// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.InflaterInputStream;

/**
 * Undoes the content coding of an answer: RFC 9110, section 8.4.1. The library asks for none, but
 * some servers and proxies compress all the same.
 */
final class ContentCoding {
  private ContentCoding() {}

  /**
   * Returns the body without its coding. If the coding is unknown or the data is corrupt, returns
   * the body unchanged; it cannot be read as JSON then.
   *
   * @param maxBytes how long the decoded body may be
   * @throws ResendException if it is longer
   */
  static Buffer decode(MultiMap headers, Buffer body, int maxBytes) {
    String coding = headers.get(HttpHeaders.CONTENT_ENCODING);
    if (coding == null) {
      return body;
    }
    InputStream coded = new ByteArrayInputStream(body.getBytes());
    return switch (coding.strip().toLowerCase(Locale.ROOT)) {
      case "gzip", "x-gzip" -> read(() -> new GZIPInputStream(coded), body, maxBytes);
      case "deflate" -> read(() -> new InflaterInputStream(coded), body, maxBytes);
      default -> body;
    };
  }

  /** Opens a stream. Opening one of gzip already reads from it, and so can fail. */
  private interface Opener {
    InputStream open() throws IOException;
  }

  private static Buffer read(Opener opener, Buffer body, int maxBytes) {
    byte[] decoded;
    try (InputStream in = opener.open()) {
      decoded = in.readNBytes(maxBytes);
      if (in.read() >= 0) {
        throw ResponseDecoder.tooLong(maxBytes);
      }
    } catch (IOException e) {
      return body;
    }
    return Buffer.buffer(decoded);
  }
}
