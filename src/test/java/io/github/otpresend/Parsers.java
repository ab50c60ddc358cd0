// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.github.otpresend.internal.RequestId;
import io.github.otpresend.internal.bus.ResendMessage;
import io.github.otpresend.internal.http.ResponseDecoder;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Public access to the parsers of this package, for the fuzz tests in another package. */
public final class Parsers {
  private Parsers() {}

  public static void checkTogether(OtpResendOptions options) {
    options.checkTogether();
  }

  public static String toSegment(String requestId) {
    return RequestId.toSegment(requestId);
  }

  public static JsonObject encodeRequest(String requestId) {
    return ResendMessage.encodeRequest(requestId);
  }

  public static String decodeRequest(@Nullable String expiresAt, Object body, Instant now) {
    ResendMessage.checkExpiry(expiresAt, now);
    return ResendMessage.decodeRequest(body);
  }

  public static ResendResponse decodeReply(Object body) {
    return ResendMessage.decodeReply(body);
  }

  public static ResendResponse decode(int status, MultiMap headers, Buffer body, Instant now) {
    return ResponseDecoder.decode(status, headers, body, () -> now);
  }

  public static ResendException without(String secret, ResendException failure) {
    return failure.without(secret);
  }
}
