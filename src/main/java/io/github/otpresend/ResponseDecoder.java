// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.json.JsonObject;
import java.time.InstantSource;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** From the service's answer to its meaning. */
final class ResponseDecoder {
  private static final ResendResponse SUCCESS = new ResendResponse(true);

  /** What the service answers to nearly every resend; any other JSON of it is read as JSON. */
  private static final byte[] USUAL = SUCCESS.toJson().encode().getBytes(UTF_8);

  private ResponseDecoder() {}

  /**
   * Decodes a whole answer. No other exception leaves it, whatever the answer is.
   *
   * @param clock the time from which a date in {@code Retry-After} is counted
   * @throws ResendException unless the status is a 2xx and the body a success object
   */
  static ResendResponse decode(int status, MultiMap headers, Buffer body, InstantSource clock) {
    boolean isSuccess = status / 100 == 2;
    byte[] bytes = body.getBytes();
    if (isSuccess && Arrays.equals(bytes, USUAL)) {
      return SUCCESS;
    }
    JsonObject json = StrictJson.readObject(bytes);
    if (isSuccess) {
      if (json != null && json.getValue(ResendMessage.SUCCESS) instanceof Boolean success) {
        return new ResendResponse(success);
      }
      throw invalid("The service answered " + status + ", but not {\"success\": true|false}");
    } else if (status < 400) {
      throw invalid("The service answered " + status + ", which a resend has no use for");
    }
    String type = text(json, ResendMessage.TYPE);
    String message = text(json, ResendMessage.MESSAGE);
    // only a refusal of the request itself, a 4xx, is known to come before any work
    boolean maybeSent =
        status / 100 != 4 || ResendFailure.of(type, status, false) == ResendFailure.SERVER_ERROR;
    throw new ResendException(
        type,
        status,
        maybeSent,
        message == null ? "The service answered " + status : message,
        RetryAfter.parse(headers.get(HttpHeaders.RETRY_AFTER), clock.instant()),
        json == null ? null : payload(json));
  }

  /** As the event bus would carry it, so that it is the same there; null if it cannot. */
  private static @Nullable Object payload(JsonObject json) {
    Object payload = json.getValue(ResendMessage.PAYLOAD);
    if (payload == null) {
      return null;
    }
    JsonObject carried =
        StrictJson.readObject(
            new JsonObject().put(ResendMessage.PAYLOAD, payload).encode().getBytes(UTF_8));
    return carried == null ? null : carried.getValue(ResendMessage.PAYLOAD);
  }

  /** Also as the event bus would carry it: without half a surrogate pair. */
  private static @Nullable String text(@Nullable JsonObject json, String field) {
    return json != null && json.getValue(field) instanceof String text
        ? new String(text.getBytes(UTF_8), UTF_8)
        : null;
  }

  private static ResendException invalid(String message) {
    return new ResendException(ResendFailure.INVALID_RESPONSE, message);
  }
}
