// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.github.otpresend.internal.FailureFinder;
import io.github.otpresend.internal.Outcomes;
import io.github.otpresend.internal.StrictJson;
import io.github.otpresend.internal.WireNames;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.shareddata.Shareable;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A failure of a resend. It has no stack trace, since it reports an outcome and not a bug. If the
 * service sent a text, often in Russian, that text is the message. The library never puts the token
 * into it.
 *
 * <pre>{@code
 * client.resend(requestId).onFailure(cause -> {
 *   ResendException e = ResendException.from(cause);
 *   switch (e.nextStep()) {
 *     case RESEND -> askAgain();
 *     case WAIT -> letPersonAskAgainAfter(e.retryAfter().orElse(Duration.ofMinutes(1)));
 *     case AWAIT_CODE -> tellPersonToWaitForCode(); // this call or another may have sent one
 *     case START_OVER -> beginNewRequest();
 *     case PROCEED -> goOn();
 *     case FIX_REQUEST, FIX_CREDENTIALS -> callOperator(e);
 *     case RETRY_LATER -> askAgainLater(); // no code was sent
 *   }
 * });
 * }</pre>
 *
 * <p>Java serialization keeps every value except the cause and the suppressed exceptions.
 *
 * @serial exclude
 */
public final class ResendException extends RuntimeException {
  private static final long serialVersionUID = 2;

  private final ResendFailure failure;
  private final String type;
  private final int httpStatus;
  private final boolean maybeSent;
  private final @Nullable Duration retryAfter;
  private final transient @Nullable Object payload;

  /**
   * Creates a failure with the type, status and {@code maybeSent} of its kind. Use it for a fake
   * client in tests.
   *
   * @param failure the kind
   * @param message the text for a log
   */
  public ResendException(ResendFailure failure, String message) {
    this(
        failure,
        failure.type(),
        failure.httpStatus(),
        failure.maybeSent(),
        message,
        null,
        null,
        null);
  }

  /**
   * Creates a failure from all of its values.
   *
   * @param failure the kind
   * @param type the type that the service sent, or else the type of the kind
   * @param httpStatus the status that the service sent, or else the status of the kind
   * @param maybeSent whether the service may have sent a code
   * @param message the text of the service, or else a text for a log
   * @param retryAfter the time to wait, not negative; null if it is not known
   * @param payload the payload of the service: a {@link JsonObject}, a {@link JsonArray}, a text, a
   *     number or a boolean; null if there is none
   * @param cause the cause; null if there is none
   * @throws IllegalArgumentException if the time is negative, or the payload is anything else
   */
  public ResendException(
      ResendFailure failure,
      String type,
      int httpStatus,
      boolean maybeSent,
      String message,
      @Nullable Duration retryAfter,
      @Nullable Object payload,
      @Nullable Throwable cause) {
    super(Objects.requireNonNull(message, "message"), cause, true, false);
    this.failure = Objects.requireNonNull(failure, "failure");
    this.type = Objects.requireNonNull(type, "type");
    this.httpStatus = httpStatus;
    this.maybeSent = maybeSent;
    this.retryAfter = retryAfter;
    this.payload = copy(payload);
    if (retryAfter != null && retryAfter.isNegative()) {
      throw new IllegalArgumentException(
          "retryAfter is " + retryAfter + "; it must not be negative");
    } else if (payload != null && !isJson(payload)) {
      throw new IllegalArgumentException(
          "payload is a "
              + payload.getClass().getName()
              + "; it must be a JsonObject, a JsonArray, a text, a number, a boolean or null");
    }
  }

  /**
   * Returns the failure of the resend. A {@code ResendException} is returned as it is, and the
   * {@link ReplyException} of an event-bus request is decoded. The failure of the resend may be the
   * given exception, one of its causes, or else a suppressed exception. Of several suppressed
   * failures, a failure that is maybe sent is preferred. If there is no failure of a resend, the
   * result is {@link ResendFailure#UNRECOGNIZED} and maybe sent.
   *
   * @param failure the cause of a failed future
   * @return the failure of the resend
   */
  public static ResendException from(Throwable failure) {
    return FailureFinder.find(Objects.requireNonNull(failure, "failure"));
  }

  /** {@return the kind of this failure} */
  public ResendFailure failure() {
    return failure;
  }

  /**
   * {@return the next step that a caller can take: {@link NextStep#AWAIT_CODE} whenever a code may
   * have been sent, or else {@code failure().nextStep()}}
   */
  public NextStep nextStep() {
    return maybeSent ? NextStep.AWAIT_CODE : failure.nextStep();
  }

  /** {@return whether the service may have sent a code; false only if it certainly has not} */
  public boolean maybeSent() {
    return maybeSent;
  }

  /** {@return the HTTP status that the service sent, or else {@link ResendFailure#httpStatus()}} */
  public int httpStatus() {
    return httpStatus;
  }

  /**
   * {@return the type that the service sent, even if unknown, or else {@link ResendFailure#type()}}
   */
  public String type() {
    return type;
  }

  /**
   * {@return the time to wait} It comes from the {@code Retry-After} header. A date there counts
   * from the {@code Date} of the answer, or from the clock of this machine if the answer has none.
   * If the time has passed, it is zero. For {@link ResendFailure#COOLING_DOWN} it is the time left
   * of the {@link OtpResendOptions#setCooldown cooldown}, and for a failure that is maybe sent the
   * longer of the two times. For {@link ResendFailure#ALREADY_IN_PROGRESS} it is the time to the
   * deadline of the other call.
   */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /**
   * {@return a copy of the {@code payload} that the service adds to some failures} It is a {@link
   * JsonObject}, a {@code JsonArray}, a text, a number or a boolean.
   */
  public Optional<Object> payload() {
    return Optional.ofNullable(copy(payload));
  }

  /**
   * {@return the message of an event-bus failure: {@code {"type","message","httpStatus",
   * "maybeSent"}}, with {@code retryAfterMs} and {@code payload} if they are known, and with {@code
   * kind} if the other fields would give another kind}
   */
  public JsonObject toJson() {
    JsonObject json =
        new JsonObject()
            .put(WireNames.TYPE, type)
            .put(WireNames.MESSAGE, getMessage())
            .put(WireNames.HTTP_STATUS, httpStatus)
            .put(WireNames.MAYBE_SENT, maybeSent);
    retryAfter().ifPresent(wait -> json.put(WireNames.RETRY_AFTER_MS, wait.toMillis()));
    payload().ifPresent(copy -> json.put(WireNames.PAYLOAD, copy));
    if (Outcomes.kindOfMessage(type, httpStatus, maybeSent) != failure) {
      json.put(WireNames.KIND, failure.name());
    }
    return json;
  }

  /**
   * Returns the kind, the status, whether a code may have been sent, and the message, so that a log
   * line explains itself.
   *
   * @return for example {@code …ResendException: TIMEOUT (504, maybe sent): No complete answer …}
   */
  @Override
  public String toString() {
    String sent = maybeSent ? "maybe sent" : "not sent";
    return getClass().getName()
        + (": " + failure + " (" + httpStatus + ", " + sent + "): " + getMessage());
  }

  private static @Nullable Object copy(@Nullable Object payload) {
    return payload instanceof Shareable json ? json.copy() : payload;
  }

  private static boolean isJson(Object payload) {
    return payload instanceof JsonObject
        || payload instanceof JsonArray
        || payload instanceof String
        || payload instanceof Number
        || payload instanceof Boolean;
  }

  /** The serialized form. A JSON object is not serializable, so the payload is a text in it. */
  private record Form(
      ResendFailure failure,
      String type,
      int httpStatus,
      boolean maybeSent,
      String message,
      @Nullable Duration retryAfter,
      String json)
      implements Serializable {
    private Object readResolve() {
      JsonObject read = StrictJson.readObject(json);
      Object payload = read == null ? null : read.getValue(WireNames.PAYLOAD);
      return new ResendException(
          failure, type, httpStatus, maybeSent, message, retryAfter, payload, null);
    }
  }

  private Object writeReplace() {
    String json = StrictJson.write(new JsonObject().put(WireNames.PAYLOAD, payload));
    String message = Objects.requireNonNull(getMessage());
    return new Form(failure, type, httpStatus, maybeSent, message, retryAfter, json);
  }

  private void readObject(ObjectInputStream in) throws InvalidObjectException {
    throw new InvalidObjectException("an exception is read from its serialized form");
  }
}
