// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The decoder of outcomes in the form in which the event bus carries them. */
public final class ReplyDecoder {
  /**
   * The start of Vert.x's text for a message that its consumer never took, because the consumer was
   * unregistered first. Only this text distinguishes such a message from a timeout.
   */
  private static final String DISCARDED = "Discarded the request";

  private ReplyDecoder() {}

  /** Decodes a sample failure, so that a broken class path is detected before the first call. */
  public static void warmUp() {
    JsonObject payload = new JsonObject().put("n", 1);
    ResendFailure kind = ResendFailure.UNRECOGNIZED;
    ResendException sample = new ResendException(kind, "", 400, true, "", null, payload, null);
    String message = StrictJson.write(sample.toJson());
    StrictJson.readObject(message); // throws the errors that failure() would catch
    failure(message, sample.httpStatus());
  }

  /** Returns the response in a reply body, or throws INVALID_RESPONSE. */
  public static ResendResponse response(@Nullable Object body) {
    if (body instanceof JsonObject json
        && json.getValue(WireNames.SUCCESS) instanceof Boolean success) {
      return new ResendResponse(success, Optional.ofNullable(retryAfter(json)));
    }
    throw new ResendException(
        ResendFailure.INVALID_RESPONSE, "The reply is not {\"success\": true|false}");
  }

  /** Returns whether the message of a failed request was certainly not taken by its consumer. */
  public static boolean isDiscarded(Throwable failure) {
    return failure instanceof ReplyException reply
        && reply.failureType() == ReplyFailure.TIMEOUT
        && String.valueOf(reply.getMessage()).startsWith(DISCARDED);
  }

  /** Returns the failure that a failed request over the event bus represents. */
  public static ResendException failure(ReplyException reply) {
    return switch (reply.failureType()) {
      case RECIPIENT_FAILURE -> failure(reply.getMessage(), reply.failureCode());
      case NO_HANDLERS ->
          Failures.of(
              ResendFailure.CONNECTION_FAILED, "No consumer serves the event-bus address", reply);
      case TIMEOUT ->
          isDiscarded(reply)
              ? Failures.of(
                  ResendFailure.CONNECTION_FAILED,
                  "The consumer of the event-bus address was unregistered before it took the"
                      + " message",
                  reply)
              : Failures.of(
                  ResendFailure.TIMEOUT, "No reply came over the event bus in time", reply);
      case ERROR ->
          Failures.of(
              ResendFailure.CONNECTION_LOST, "The event bus lost the message or its reply", reply);
    };
  }

  /**
   * Decodes a failure. If the message has another shape, the result is maybe sent. {@code
   * maybeSent} false is accepted only if {@link Outcomes#canBeUnsent} allows it for the type and
   * status.
   */
  private static ResendException failure(@Nullable String message, int failureCode) {
    JsonObject json;
    try {
      json = message == null ? null : StrictJson.readObject(message);
    } catch (Error e) { // for example, a class of Jackson is missing
      return Failures.of(
          ResendFailure.INVALID_RESPONSE, "The failure could not be decoded: " + e.getClass(), e);
    }
    if (json == null
        || !(json.getValue(WireNames.TYPE) instanceof String type)
        // an earlier version of this library may have left out an empty text
        || !(json.getValue(WireNames.MESSAGE, "") instanceof String text)
        || !(json.getValue(WireNames.MAYBE_SENT) instanceof Boolean saysMaybeSent)) {
      ResendFailure kind = ResendFailure.UNRECOGNIZED;
      String wrong = "The event-bus failure is not a failure of a resend";
      return new ResendException(kind, kind.type(), failureCode, true, wrong, null, null, null);
    }
    boolean maybeSent = saysMaybeSent || !Outcomes.canBeUnsent(type, failureCode);
    return new ResendException(
        kind(json, type, failureCode, maybeSent),
        type,
        failureCode,
        maybeSent,
        text,
        retryAfter(json),
        json.getValue(WireNames.PAYLOAD),
        null);
  }

  private static ResendFailure kind(
      JsonObject json, String type, int failureCode, boolean maybeSent) {
    Object name = json.getValue(WireNames.KIND);
    return Arrays.stream(ResendFailure.values())
        .filter(kind -> kind.name().equals(name))
        .findFirst()
        .orElseGet(() -> Outcomes.kindOfMessage(type, failureCode, maybeSent));
  }

  private static @Nullable Duration retryAfter(JsonObject json) {
    return json.getValue(WireNames.RETRY_AFTER_MS) instanceof Number millis
            && millis.longValue() >= 0
        ? Duration.ofMillis(millis.longValue())
        : null;
  }
}
