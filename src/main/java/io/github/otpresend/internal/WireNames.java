// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

/**
 * The names in the JSON of the service and of the event-bus messages.
 *
 * <p>A request message is {@code {"requestId": "…"}}, or the bare id as a string. Its optional
 * header {@code expires-at} is the last time to send it, in milliseconds since the epoch. A reply
 * is {@code {"success": true}}, with {@code retryAfterMs} if a cooldown is on. A failure is a
 * {@code ReplyException}: its code is the HTTP status, and its message is the JSON of {@code
 * ResendException.toJson()}. The service's own answers have similar JSON.
 */
public final class WireNames {
  public static final String REQUEST_ID = "requestId";
  public static final String EXPIRES_AT = "expires-at"; // a header
  public static final String SUCCESS = "success";
  public static final String TYPE = "type";
  public static final String MESSAGE = "message";
  public static final String HTTP_STATUS = "httpStatus";
  public static final String MAYBE_SENT = "maybeSent";
  public static final String RETRY_AFTER_MS = "retryAfterMs";
  public static final String PAYLOAD = "payload";

  /** The name of the kind, only if the other fields would give another kind. */
  public static final String KIND = "kind";

  private WireNames() {}
}
