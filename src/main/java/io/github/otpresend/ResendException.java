// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.github.otpresend.internal.bus.ResendMessage;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonObject;
import io.vertx.core.shareddata.Shareable;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A failure of a resend. It has no stack trace, since it reports an outcome and not a bug. If the
 * service sent a text, often in Russian, that text is the message. The exception never holds the
 * token.
 *
 * <pre>{@code
 * client.resend(requestId).onFailure(cause -> {
 *   ResendException e = ResendException.from(cause);
 *   switch (e.nextStep()) {
 *     case RESEND -> askAgain();
 *     case WAIT -> askAgainAfter(e.retryAfter().orElse(Duration.ofMinutes(1)));
 *     case AWAIT_CODE -> tellPersonToWaitForCode(); // e.maybeSent() is true
 *     case START_OVER -> beginNewRequest();
 *     case PROCEED -> goOn();
 *     case FIX_REQUEST, FIX_CREDENTIALS -> callOperator(e);
 *     case RETRY_LATER -> askAgainLater(e.maybeSent());
 *   }
 * });
 * }</pre>
 *
 * @serial exclude
 */
public final class ResendException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final ResendFailure failure;
  private final String type;
  private final int httpStatus;
  private final boolean maybeSent;
  private final @Nullable Duration retryAfter;
  private final transient @Nullable Object payload;

  public ResendException(ResendFailure failure, String message) {
    this(failure, message, null);
  }

  public ResendException(ResendFailure failure, String message, @Nullable Throwable cause) {
    super(message, cause, true, false);
    this.failure = failure;
    this.type = failure.type();
    this.httpStatus = failure.httpStatus();
    this.maybeSent = failure.maybeSent();
    this.retryAfter = null;
    this.payload = null;
  }

  public ResendException(
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
    Objects.requireNonNull(failure, "failure");
    Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Deque<Throwable> suppressed = new ArrayDeque<>();
    ResendException found = find(failure, seen, suppressed);
    if (found != null) {
      return found;
    }
    while (!suppressed.isEmpty() && (found == null || !found.maybeSent)) {
      ResendException other = find(suppressed.remove(), seen, suppressed);
      found = found == null || (other != null && other.maybeSent) ? other : found;
    }
    return found == null
        ? new ResendException(
            ResendFailure.UNRECOGNIZED, "Not a failure of a resend: " + failure, failure)
        : found;
  }

  /** Returns the failure of a resend among an exception and its causes, or null. */
  private static @Nullable ResendException find(
      Throwable failure, Set<Throwable> seen, Deque<Throwable> suppressed) {
    for (Throwable inside = failure; inside != null && seen.add(inside); ) {
      if (inside instanceof ResendException resendException) {
        return resendException;
      } else if (inside instanceof ReplyException replyException) {
        return ResendMessage.decodeFailure(replyException);
      }
      suppressed.addAll(List.of(inside.getSuppressed()));
      inside = inside.getCause();
    }
    return null;
  }

  /** {@return the kind of this failure} */
  public ResendFailure failure() {
    return failure;
  }

  /** {@return the next step that a caller can take, which is {@code failure().nextStep()}} */
  public NextStep nextStep() {
    return failure.nextStep();
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
   * {@return the time to wait: from the {@code Retry-After} header, or zero if that time has
   * passed; for {@link ResendFailure#COOLING_DOWN}, the time left of the cooldown}
   */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /**
   * {@return a copy of the {@code payload} that the service adds to some failures} It is a {@link
   * JsonObject}, a {@code JsonArray}, a text, a number or a boolean.
   */
  public Optional<Object> payload() {
    return Optional.ofNullable(payload instanceof Shareable json ? json.copy() : payload);
  }

  /**
   * {@return the message of an event-bus failure: {@code {"type","message","httpStatus",
   * "maybeSent"}}, with {@code retryAfterMs} and {@code payload} if they are known}
   */
  public JsonObject toJson() {
    return ResendMessage.encodeFailure(this);
  }

  /** Returns the kind, the status and whether a code may have been sent, for a log line. */
  public String summary() {
    return failure + " (" + httpStatus + (maybeSent ? ", maybe sent)" : ", not sent)");
  }

  /** Returns this failure, without the texts of the service if they repeat the secret. */
  public ResendException without(String secret) {
    if (secret.isEmpty() || !repeats(secret)) {
      return this;
    }
    String kept = failure == ResendFailure.UNRECOGNIZED ? failure.type() : type;
    String message =
        "The service answered "
            + httpStatus
            + "; its text is left out, because it contains the token";
    return new ResendException(kept, httpStatus, maybeSent, message, retryAfter, null);
  }

  private boolean repeats(String secret) {
    if (String.valueOf(getMessage()).contains(secret)
        || (failure == ResendFailure.UNRECOGNIZED && type.contains(secret))) {
      return true;
    } else if (payload == null) {
      return false;
    }
    String quoted = Json.encode(secret); // the form that the secret has in JSON
    return Json.encode(payload).contains(quoted.substring(1, quoted.length() - 1));
  }
}
