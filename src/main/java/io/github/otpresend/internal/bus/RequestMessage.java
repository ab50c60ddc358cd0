// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.bus;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.WireNames;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** The codec of the event-bus requests, for both ends. {@link WireNames} describes the message. */
public final class RequestMessage {
  private RequestMessage() {}

  public static JsonObject encode(String requestId) {
    return new JsonObject().put(WireNames.REQUEST_ID, requestId);
  }

  /** Returns the request id in a message body, unchecked, or throws INVALID_REQUEST. */
  public static String decode(@Nullable Object body) {
    if (body instanceof String requestId) {
      return requestId;
    } else if (body instanceof JsonObject json
        && json.getValue(WireNames.REQUEST_ID) instanceof String requestId) {
      return requestId;
    }
    throw new ResendException(
        ResendFailure.INVALID_REQUEST,
        "The message body is neither {\"requestId\": \"…\"} nor a bare id as a string, but "
            + (body == null
                ? "null"
                : body instanceof JsonObject
                    ? "a JSON object without a string requestId"
                    : "a " + body.getClass().getName()));
  }

  /** Checks the {@code expires-at} header, if any, and throws EXPIRED or INVALID_REQUEST. */
  public static void checkExpiry(@Nullable String expiresAt, Instant now) {
    if (expiresAt == null) {
      return;
    }
    long millis;
    try {
      millis = Long.parseLong(expiresAt);
    } catch (NumberFormatException e) {
      throw new ResendException(
          ResendFailure.INVALID_REQUEST,
          "The header expires-at is not a whole number of milliseconds since the epoch");
    }
    if (now.toEpochMilli() > millis) {
      throw new ResendException(
          ResendFailure.EXPIRED, "The message came after the time that its expires-at allows");
    }
  }
}
