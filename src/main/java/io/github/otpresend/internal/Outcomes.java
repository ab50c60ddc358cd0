// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The rules by which a type and a status decide the kind of a failure, and what a kind implies. */
public final class Outcomes {
  /** The answers of the service. The other kinds come from the library. */
  private static final Set<ResendFailure> ANSWERS =
      EnumSet.range(ResendFailure.RESEND_CHANNEL, ResendFailure.UNRECOGNIZED);

  private static final Set<ResendFailure> WITHOUT_ANSWER =
      EnumSet.of(ResendFailure.TIMEOUT, ResendFailure.CONNECTION_LOST);

  private static final Set<ResendFailure> WITHOUT_KNOWN_ANSWER =
      EnumSet.of(
          ResendFailure.UNRECOGNIZED,
          ResendFailure.TIMEOUT,
          ResendFailure.CONNECTION_LOST,
          ResendFailure.INVALID_RESPONSE);

  private static final Map<String, ResendFailure> BY_TYPE = new HashMap<>();

  static {
    for (ResendFailure failure : ResendFailure.values()) {
      BY_TYPE.put(failure.type(), failure);
    }
    BY_TYPE.put("CommonForbiddenException", ResendFailure.FORBIDDEN);
    BY_TYPE.put("RequestNotFoundException", ResendFailure.SESSION_NOT_FOUND);
    BY_TYPE.put("ValidateError", ResendFailure.BAD_REQUEST);
    BY_TYPE.put("WidgetNotFoundException", ResendFailure.BLOCKED);
  }

  private Outcomes() {}

  /**
   * Returns the kind of a failure that was received. The type decides, or the status if there is no
   * type. A type of the library counts only together with the status and the {@code maybeSent} of
   * its kind.
   */
  public static ResendFailure kind(@Nullable String type, int httpStatus, boolean maybeSent) {
    if (type == null) {
      return switch (httpStatus) {
        case 401 -> ResendFailure.UNAUTHORIZED;
        case 429 -> ResendFailure.RATE_LIMITED;
        default -> httpStatus / 100 == 5 ? ResendFailure.SERVER_ERROR : ResendFailure.UNRECOGNIZED;
      };
    }
    ResendFailure kind = BY_TYPE.getOrDefault(type, ResendFailure.UNRECOGNIZED);
    boolean fits = kind.httpStatus() == httpStatus && kind.maybeSent() == maybeSent;
    return fits || ANSWERS.contains(kind) ? kind : ResendFailure.UNRECOGNIZED;
  }

  /** Returns whether a failure of this type and status can have {@code maybeSent} false. */
  public static boolean canBeUnsent(@Nullable String type, int httpStatus) {
    ResendFailure kind = kind(type, httpStatus, false);
    if (kind == ResendFailure.UNRECOGNIZED) {
      boolean isUntyped = type == null || type.equals(ResendFailure.UNRECOGNIZED.type());
      return httpStatus / 100 == 4 && (httpStatus != 408 || !isUntyped);
    }
    return !kind.maybeSent() && (!ANSWERS.contains(kind) || httpStatus / 100 == 4);
  }

  /** Returns whether the cluster's entry for the request id stays until it expires. */
  public static boolean keepsHold(ResendFailure kind) {
    return WITHOUT_ANSWER.contains(kind);
  }

  /** Returns whether the connection closes, so that it carries no other request. */
  public static boolean closesConnection(ResendFailure kind) {
    return WITHOUT_KNOWN_ANSWER.contains(kind);
  }

  /** Returns a failure of the library, with the values of its kind and a cause. */
  public static ResendException failure(
      ResendFailure kind, String message, @Nullable Throwable cause) {
    return new ResendException(
        kind, kind.type(), kind.httpStatus(), kind.maybeSent(), message, null, null, cause);
  }

  /** Returns a failure that was received, from the service or over the event bus. */
  public static ResendException received(
      @Nullable String type,
      int httpStatus,
      boolean maybeSent,
      String message,
      @Nullable Duration retryAfter,
      @Nullable Object payload) {
    ResendFailure kind = kind(type, httpStatus, maybeSent);
    return new ResendException(
        kind,
        type == null ? kind.type() : type,
        httpStatus,
        maybeSent,
        message,
        retryAfter,
        payload,
        null);
  }
}
