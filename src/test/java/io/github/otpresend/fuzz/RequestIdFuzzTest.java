// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.RequestId;
import io.vertx.core.internal.net.RFC3986;
import java.net.URI;
import org.junit.jupiter.api.Timeout;

/** A fuzz test of request ids. The input is any text. */
@Timeout(10) // seconds for each input
class RequestIdFuzzTest {
  @FuzzTest
  void a_server_decodes_any_accepted_request_id_exactly(byte[] bytes) {
    String id = new FuzzInput(bytes).restAsText();
    String segment;
    try {
      segment = RequestId.toSegment(id);
    } catch (ResendException refusal) {
      assertEquals(ResendFailure.INVALID_REQUEST, refusal.failure());
      assertFalse(refusal.maybeSent());
      return;
    }
    assertTrue(segment.replaceAll("%[0-9A-F]{2}", "").matches("[A-Za-z0-9._~-]*"), segment);

    String path = "/api/" + segment + "/resend";
    URI uri = URI.create("https://example.org" + path).normalize(); // removes . and ..
    assertEquals(path, uri.getRawPath());
    assertEquals("/api/" + id + "/resend", uri.getPath());
    assertEquals(path, RFC3986.normalizePath(path));
    assertEquals(id, RFC3986.decodeURIComponent(segment, false));
  }
}
