// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import io.github.otpresend.ResendException;
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
 * A decoder of the content coding of an answer (RFC 9110, section 8.4.1). The library does not ask
 * for any coding, but some servers and proxies compress anyway.
 */
final class ContentCoding {
  private ContentCoding() {}

  /**
   * Returns the body without its coding. If the coding is unknown or the data is corrupt, returns
   * the body unchanged. Then it cannot be read as JSON.
   *
   * @param maxBytes the maximum length of the decoded body
   * @throws ResendException INVALID_RESPONSE if the decoded body is longer
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

  /** An opener of a stream. Opening a gzip stream already reads from it, so it can fail. */
  private interface Opener {
    InputStream open() throws IOException;
  }

  private static Buffer read(Opener opener, Buffer body, int maxBytes) {
    byte[] decoded;
    try (InputStream in = opener.open()) {
      decoded = in.readNBytes(maxBytes);
      if (in.read() >= 0) {
        throw BoundedBody.tooLong(maxBytes);
      }
    } catch (IOException e) {
      return body;
    }
    return Buffer.buffer(decoded);
  }
}
