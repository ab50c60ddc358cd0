// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.testing.Compression;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContentCodingTest {
  private static final String TEXT = "{\"success\":true}";

  private static Buffer decode(String coding, Buffer body, int maxBytes) {
    MultiMap headers = HttpHeaders.headers().set("Content-Encoding", coding);
    return ContentCoding.decode(headers, body, maxBytes);
  }

  private static Buffer encoded(String coding) {
    return Buffer.buffer(Compression.of(coding, TEXT));
  }

  @Test
  void a_body_without_a_coding_is_returned_unchanged() {
    Buffer body = Buffer.buffer(TEXT);
    assertSame(body, ContentCoding.decode(HttpHeaders.headers(), body, 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "x-gzip", "deflate", "GZip", " gzip "})
  void a_known_coding_is_decoded_in_any_letter_case(String coding) {
    assertEquals(TEXT, decode(coding, encoded(coding.strip()), 1_000).toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"br", "zstd", "identity", "", "gzip, gzip"})
  void a_body_with_an_unknown_coding_is_returned_unchanged(String coding) {
    Buffer body = encoded("gzip");
    assertSame(body, decode(coding, body, 1_000));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate"})
  void a_corrupt_body_is_returned_unchanged(String coding) {
    for (Buffer body :
        new Buffer[] {
          Buffer.buffer(),
          Buffer.buffer(TEXT),
          encoded(coding).slice(0, 12),
          encoded(coding).slice(2, 14)
        }) {
      assertSame(body, decode(coding, body, 1_000));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate"})
  void a_decoded_body_may_be_as_long_as_the_limit_but_not_longer(String coding) {
    assertEquals(TEXT, decode(coding, encoded(coding), TEXT.length()).toString());
    ResendException failure =
        assertThrows(
            ResendException.class, () -> decode(coding, encoded(coding), TEXT.length() - 1));
    assertEquals(ResendFailure.INVALID_RESPONSE, failure.failure());
    assertEquals("The answer is longer than maxResponseBytes, 15", failure.getMessage());
  }
}
