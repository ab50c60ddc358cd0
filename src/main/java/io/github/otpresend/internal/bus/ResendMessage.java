// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.bus;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.StrictJson;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The encoding of the event-bus messages, for both ends. Vert.x's built-in codecs can carry them.
 *
 * <p>A request is {@code {"requestId": "…"}} or the bare id as a string. Its optional header {@code
 * expires-at} is the last time to send it, in milliseconds since the epoch. A reply is {@code
 * {"success": true}}, with {@code retryAfterMs} if a cooldown is on. A failure is a {@link
 * ReplyException}. Its code is the HTTP status. Its message is the JSON of {@link
 * ResendException#toJson()}. The errors of the service have a similar form.
 */
public final class ResendMessage {
  static final String REQUEST_ID = "requestId";
  public static final String EXPIRES_AT = "expires-at"; // a header
  public static final String SUCCESS = "success";
  public static final String TYPE = "type";
  public static final String MESSAGE = "message";
  static final String HTTP_STATUS = "httpStatus";
  static final String MAYBE_SENT = "maybeSent";
  public static final String RETRY_AFTER_MS = "retryAfterMs";
  public static final String PAYLOAD = "payload";

  /**
   * The start of Vert.x's text for a message that its consumer never took, because the consumer was
   * unregistered first. Only this text distinguishes such a message from a timeout.
   */
  private static final String DISCARDED = "Discarded the request";

  private ResendMessage() {}

  public static JsonObject encodeRequest(String requestId) {
    return new JsonObject().put(REQUEST_ID, requestId);
  }

  /** Returns the request id in a message body, unchecked, or throws INVALID_REQUEST. */
  public static String decodeRequest(@Nullable Object body) {
    if (body instanceof String requestId) {
      return requestId;
    } else if (body instanceof JsonObject json
        && json.getValue(REQUEST_ID) instanceof String requestId) {
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

  /** Returns the response in a reply body, or throws INVALID_RESPONSE. */
  public static ResendResponse decodeReply(@Nullable Object body) {
    if (body instanceof JsonObject json && json.getValue(SUCCESS) instanceof Boolean success) {
      return new ResendResponse(success, Optional.ofNullable(retryAfter(json)));
    }
    throw new ResendException(
        ResendFailure.INVALID_RESPONSE, "The reply is not {\"success\": true|false}");
  }

  public static JsonObject encodeFailure(ResendException failure) {
    JsonObject json = new JsonObject().put(TYPE, failure.type()).put(MESSAGE, failure.getMessage());
    json.put(HTTP_STATUS, failure.httpStatus()).put(MAYBE_SENT, failure.maybeSent());
    failure.retryAfter().ifPresent(wait -> json.put(RETRY_AFTER_MS, wait.toMillis()));
    failure.payload().ifPresent(payload -> json.put(PAYLOAD, payload));
    return json;
  }

  public static ResendException decodeFailure(ReplyException reply) {
    return switch (reply.failureType()) {
      case RECIPIENT_FAILURE -> decodeFailure(reply.getMessage(), reply.failureCode());
      case NO_HANDLERS ->
          new ResendException(
              ResendFailure.CONNECTION_FAILED, "No consumer serves the event-bus address", reply);
      case TIMEOUT ->
          String.valueOf(reply.getMessage()).startsWith(DISCARDED)
              ? new ResendException(
                  ResendFailure.CONNECTION_FAILED,
                  "The consumer of the event-bus address was unregistered before it took the message",
                  reply)
              : new ResendException(
                  ResendFailure.TIMEOUT, "No reply came over the event bus in time", reply);
      case ERROR ->
          new ResendException(
              ResendFailure.CONNECTION_LOST, "The event bus lost the message or its reply", reply);
    };
  }

  /**
   * Decodes a failure. A message of another shape counts as maybe sent. A {@code maybeSent} of
   * false counts only if a serving end of this library can send it.
   */
  public static ResendException decodeFailure(@Nullable String message, int failureCode) {
    JsonObject json;
    try {
      json = message == null ? null : StrictJson.readObject(message);
    } catch (Error e) { // for example, a class of Jackson is missing
      return new ResendException(
          ResendFailure.INVALID_RESPONSE, "The failure could not be decoded: " + e.getClass(), e);
    }
    if (json == null
        || !(json.getValue(TYPE) instanceof String type)
        || !(json.getValue(MESSAGE) instanceof String text)
        || !(json.getValue(MAYBE_SENT) instanceof Boolean saysMaybeSent)) {
      String wrong = "The event-bus failure is not a failure of a resend";
      String unrecognized = ResendFailure.UNRECOGNIZED.type();
      return new ResendException(unrecognized, failureCode, true, wrong, null, null);
    }
    boolean maybeSent = saysMaybeSent || !ResendFailure.canBeUnsent(type, failureCode);
    return new ResendException(
        type, failureCode, maybeSent, text, retryAfter(json), json.getValue(PAYLOAD));
  }

  private static @Nullable Duration retryAfter(JsonObject json) {
    return json.getValue(RETRY_AFTER_MS) instanceof Number millis && millis.longValue() >= 0
        ? Duration.ofMillis(millis.longValue())
        : null;
  }
}
