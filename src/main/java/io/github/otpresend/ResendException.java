// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.shareddata.Shareable;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One failure of a resend, and all that is known of it.
 *
 * <p>It has no stack trace, being an answer and not a bug. Its message is the service's own text
 * where there is one, often in Russian. The token never stands in it.
 *
 * <pre>{@code
 * client.resend(requestId)
 *     .onFailure(cause -> {
 *       ResendException e = ResendException.from(cause);
 *       switch (e.nextStep()) {
 *         case RESEND -> askAgain();
 *         case WAIT -> askAgainAfter(e.retryAfter().orElse(Duration.ofMinutes(1)));
 *         case AWAIT_CODE -> tellPersonToWaitForCode(); // e.maybeSent() is true
 *         case START_OVER -> beginNewRequest();
 *         case PROCEED -> goOn();
 *         case FIX_REQUEST, FIX_CREDENTIALS -> callOperator(e);
 *         case RETRY_LATER -> askAgainLater(e.maybeSent());
 *       }
 *     });
 * }</pre>
 */
public final class ResendException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** The kind. */
  private final ResendFailure failure;

  /** The text as it came, or the kind's. */
  private final String type;

  /** The status as it came, or the kind's. */
  private final int httpStatus;

  /** Whether the service may have acted. */
  private final boolean maybeSent;

  /** From a Retry-After header, if there was one. */
  private final @Nullable Duration retryAfter;

  private final transient @Nullable Object payload;

  ResendException(ResendFailure failure, String message) {
    this(failure, message, null);
  }

  ResendException(ResendFailure failure, String message, @Nullable Throwable cause) {
    super(message, cause, true, false);
    this.failure = failure;
    this.type = failure.type();
    this.httpStatus = failure.httpStatus();
    this.maybeSent = failure.maybeSent();
    this.retryAfter = null;
    this.payload = null;
  }

  ResendException(
      @Nullable String type,
      int httpStatus,
      boolean maybeSent,
      String message,
      @Nullable Duration retryAfter,
      @Nullable Object payload) {
    super(message, null, true, false);
    this.failure = ResendFailure.of(type, httpStatus, maybeSent);
    this.type = type == null ? failure.type() : type;
    this.httpStatus = httpStatus;
    this.maybeSent = maybeSent;
    this.retryAfter = retryAfter;
    this.payload = payload;
  }

  /**
   * Returns the failure of a resend, whichever way it came: a {@code ResendException} as it is, and
   * the {@link ReplyException} of an event-bus request turned back into the exception that the
   * answering end had. Anything else is {@link ResendFailure#UNRECOGNIZED}, with itself as the
   * cause, and may have been sent.
   *
   * @param failure the cause of a failed future
   * @return what is known of it
   */
  public static ResendException from(Throwable failure) {
    Objects.requireNonNull(failure, "failure");
    if (failure instanceof ResendException resendException) {
      return resendException;
    } else if (failure instanceof ReplyException replyException) {
      return ResendMessage.decodeFailure(replyException);
    }
    return new ResendException(
        ResendFailure.UNRECOGNIZED, "Not a failure of a resend: " + failure, failure);
  }

  /**
   * Returns the kind of this failure.
   *
   * @return the kind
   */
  public ResendFailure failure() {
    return failure;
  }

  /**
   * Returns what a caller can do about it.
   *
   * @return {@code failure().nextStep()}
   */
  public NextStep nextStep() {
    return failure.nextStep();
  }

  /**
   * Returns whether the service may have acted: if true, another resend may reach the person as a
   * second code; if false, no code has gone out on account of this call.
   *
   * @return true unless it is certain that nothing was sent
   */
  public boolean maybeSent() {
    return maybeSent;
  }

  /**
   * Returns the service's HTTP status, or the gateway-like one of {@link ResendFailure#httpStatus}
   * where the failure is the library's own.
   *
   * @return the status, such as 409
   */
  public int httpStatus() {
    return httpStatus;
  }

  /**
   * Returns the service's own type text, kept even when it is unknown, or {@link
   * ResendFailure#type()} where it gave none.
   *
   * @return the type
   */
  public String type() {
    return type;
  }

  /**
   * Returns how long to wait before the next call, from a {@code Retry-After} header, be it in
   * seconds or a date; a date that has passed is zero.
   *
   * @return the time to wait, if the service said so
   */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /**
   * Returns the service's {@code payload}, which it adds to some failures, as Vert.x JSON: a {@link
   * JsonObject}, a {@link JsonArray}, a text, a number or a boolean.
   *
   * @return a copy of the payload, if there is one
   */
  public Optional<Object> payload() {
    return Optional.ofNullable(payload instanceof Shareable json ? json.copy() : payload);
  }

  /**
   * Returns the JSON form, which has the service's own error shape and is the message of an
   * event-bus failure.
   *
   * @return {@code {"type","message","httpStatus","maybeSent"}}, and {@code retryAfterMs} and
   *     {@code payload} where they are known
   */
  public JsonObject toJson() {
    return ResendMessage.encodeFailure(this);
  }

  /** This failure with every occurrence of a secret, such as a token, struck out of its texts. */
  ResendException without(String secret) {
    // a type that is known is no secret, even if the secret is a part of it
    boolean isDocumented = type.equals(failure.type()) || failure != ResendFailure.UNRECOGNIZED;
    String struckType = isDocumented ? type : strike(secret, type);
    String struckMessage = strike(secret, String.valueOf(getMessage()));
    Object struckPayload = strikeJson(secret, payload);
    return struckType.equals(type)
            && struckMessage.equals(getMessage())
            && Objects.equals(struckPayload, payload)
        ? this
        : new ResendException(
            struckType, httpStatus, maybeSent, struckMessage, retryAfter, struckPayload);
  }

  private static String strike(String secret, String text) {
    return secret.isEmpty() ? text : text.replace(secret, "[redacted]");
  }

  private static @Nullable Object strikeJson(String secret, @Nullable Object json) {
    if (json instanceof String text) {
      return strike(secret, text);
    } else if (json instanceof JsonObject object) {
      JsonObject struck = new JsonObject();
      object.forEach(
          field ->
              struck.put(strike(secret, field.getKey()), strikeJson(secret, field.getValue())));
      return struck;
    } else if (json instanceof JsonArray array) {
      JsonArray struck = new JsonArray();
      array.forEach(item -> struck.add(strikeJson(secret, item)));
      return struck;
    } else if (json instanceof Number number) { // a token may be digits alone
      String struck = strike(secret, number.toString());
      return struck.equals(number.toString()) ? number : struck;
    }
    return json;
  }
}
