// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The event-bus contract, shared by both ends: every name on the wire, encode and decode. An error
 * of the service has the same shape as a failure on the bus.
 *
 * <p>Request: {@code {"requestId": "…"}}, or the bare id as a string; optionally with a header
 * {@code expires-at}, the milliseconds since the epoch after which it is not to be sent. Reply:
 * {@code {"success": true}}. Failure: a {@link ReplyException} whose code is the HTTP status and
 * whose message is the JSON of {@link ResendException#toJson()}. Vert.x's built-in codecs carry all
 * of it.
 */
final class ResendMessage {
  // request
  static final String REQUEST_ID = "requestId";
  static final String EXPIRES_AT = "expires-at"; // a header

  // reply
  static final String SUCCESS = "success";

  // failure
  static final String TYPE = "type";
  static final String MESSAGE = "message";
  static final String HTTP_STATUS = "httpStatus";
  static final String MAYBE_SENT = "maybeSent";
  static final String RETRY_AFTER_MS = "retryAfterMs";
  static final String PAYLOAD = "payload";

  private ResendMessage() {}

  static JsonObject encodeRequest(String requestId) {
    return new JsonObject().put(REQUEST_ID, requestId);
  }

  /**
   * The request id in the body of a message; whether it is a good one is not looked at.
   *
   * @throws ResendException INVALID_REQUEST, if there is none
   */
  static String decodeRequest(@Nullable Object body) {
    if (body instanceof String requestId) {
      return requestId;
    } else if (body instanceof JsonObject json
        && json.getValue(REQUEST_ID) instanceof String requestId) {
      return requestId;
    }
    throw new ResendException(
        ResendFailure.INVALID_REQUEST,
        "The message body is not {\"requestId\": \"…\"} nor a bare id as a string, but "
            + (body == null
                ? "null"
                : body instanceof JsonObject
                    ? "a JSON object without a text of that name"
                    : "a " + body.getClass().getName()));
  }

  /**
   * Looks whether a message has not expired.
   *
   * @param expiresAt the header of that name, or null if there is none
   * @throws ResendException EXPIRED if it has, INVALID_REQUEST if the header is no number
   */
  static void checkExpiry(@Nullable String expiresAt, Instant now) {
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

  /**
   * The response in the body of a reply.
   *
   * @throws ResendException INVALID_RESPONSE, if it is none
   */
  static ResendResponse decodeReply(@Nullable Object body) {
    if (body instanceof JsonObject json && json.getValue(SUCCESS) instanceof Boolean success) {
      return new ResendResponse(success);
    }
    throw new ResendException(
        ResendFailure.INVALID_RESPONSE, "The reply is not {\"success\": true|false}");
  }

  static JsonObject encodeFailure(ResendException failure) {
    JsonObject json =
        new JsonObject()
            .put(TYPE, failure.type())
            .put(MESSAGE, failure.getMessage())
            .put(HTTP_STATUS, failure.httpStatus())
            .put(MAYBE_SENT, failure.maybeSent());
    failure.retryAfter().ifPresent(wait -> json.put(RETRY_AFTER_MS, wait.toMillis()));
    failure.payload().ifPresent(payload -> json.put(PAYLOAD, payload));
    return json;
  }

  static ResendException decodeFailure(ReplyException reply) {
    return switch (reply.failureType()) {
      case RECIPIENT_FAILURE -> decodeFailure(reply.getMessage(), reply.failureCode());
      case NO_HANDLERS ->
          new ResendException(
              ResendFailure.CONNECTION_FAILED, "Nobody serves the event-bus address", reply);
      case TIMEOUT ->
          new ResendException(
              ResendFailure.TIMEOUT, "No reply came over the event bus in time", reply);
      case ERROR ->
          new ResendException(
              ResendFailure.CONNECTION_LOST, "The event bus lost the message or its reply", reply);
    };
  }

  /**
   * What does not have the shape of {@link #encodeFailure} may have been sent, and so may what says
   * that it was not where no serving end of this library would say so.
   */
  static ResendException decodeFailure(@Nullable String message, int failureCode) {
    JsonObject json = message == null ? null : StrictJson.readObject(message);
    if (json == null
        || !(json.getValue(TYPE) instanceof String type)
        || !(json.getValue(MESSAGE) instanceof String text)
        || !(json.getValue(MAYBE_SENT) instanceof Boolean saysMaybeSent)) {
      return new ResendException(
          ResendFailure.UNRECOGNIZED.type(),
          failureCode,
          true,
          "The event-bus failure is not one of a resend",
          null,
          null);
    }
    boolean maybeSent =
        saysMaybeSent || !ResendFailure.of(type, failureCode, false).canBeUnsent(failureCode);
    Duration retryAfter =
        json.getValue(RETRY_AFTER_MS) instanceof Number millis && millis.longValue() >= 0
            ? Duration.ofMillis(millis.longValue())
            : null;
    return new ResendException(
        type, failureCode, maybeSent, text, retryAfter, json.getValue(PAYLOAD));
  }
}
