// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

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

  private static Buffer coded(String coding) {
    return Buffer.buffer(Compression.of(coding, TEXT));
  }

  @Test
  void a_body_without_a_content_coding_is_unchanged() {
    Buffer body = Buffer.buffer(TEXT);
    assertSame(body, ContentCoding.decode(HttpHeaders.headers(), body, 1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "x-gzip", "deflate", "GZip", " gzip "})
  void a_body_is_decoded_whatever_the_case_of_its_content_coding(String coding) {
    assertEquals(TEXT, decode(coding, coded(coding.strip()), 1_000).toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"br", "zstd", "identity", "", "gzip, gzip"})
  void a_body_with_an_unknown_content_coding_is_unchanged(String coding) {
    Buffer body = coded("gzip");
    assertSame(body, decode(coding, body, 1_000));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate"})
  void a_corrupt_body_is_unchanged(String coding) {
    for (Buffer body :
        new Buffer[] {
          Buffer.buffer(),
          Buffer.buffer(TEXT),
          coded(coding).slice(0, 12),
          coded(coding).slice(2, 14)
        }) {
      assertSame(body, decode(coding, body, 1_000));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate"})
  void a_decoded_body_is_limited_to_the_maximum(String coding) {
    assertEquals(TEXT, decode(coding, coded(coding), TEXT.length()).toString());
    ResendException failure =
        assertThrows(ResendException.class, () -> decode(coding, coded(coding), TEXT.length() - 1));
    assertEquals(ResendFailure.INVALID_RESPONSE, failure.failure());
    assertEquals("The answer is longer than maxResponseBytes, 15", failure.getMessage());
  }
}
