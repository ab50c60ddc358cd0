// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import io.github.otpresend.ResendFailure;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The rules by which a type and a status decide the kind of a failure and whether a code may have
 * been sent, and what a kind implies. After an answer that is not recognised, a code may have been
 * sent.
 */
public final class Outcomes {
  /** The kind of each type that the service documents. For any other type the status decides. */
  private static final Map<String, ResendFailure> ANSWERS = new HashMap<>();

  /** The kinds that the service does not answer, by type. */
  private static final Map<String, ResendFailure> OWN = new HashMap<>();

  static {
    for (ResendFailure kind : ResendFailure.values()) {
      (kind.compareTo(ResendFailure.UNRECOGNIZED) < 0 ? ANSWERS : OWN).put(kind.type(), kind);
    }
    ANSWERS.put("CommonForbiddenException", ResendFailure.FORBIDDEN);
    ANSWERS.put("RequestNotFoundException", ResendFailure.SESSION_NOT_FOUND);
    ANSWERS.put("ValidateError", ResendFailure.BAD_REQUEST);
    ANSWERS.put("WidgetNotFoundException", ResendFailure.BLOCKED);
  }

  /**
   * The statuses by which a server or a gateway refuses a request before it does any work. Any
   * other status may come after the work: a 403 from a filter of responses, or a 408 or 499 from a
   * gateway that had passed the request on.
   */
  private static final Set<Integer> REFUSALS =
      Set.of(401, 404, 405, 411, 413, 414, 415, 417, 421, 425, 426, 428, 429, 431);

  private static final Set<ResendFailure> WITHOUT_ANSWER =
      EnumSet.of(ResendFailure.TIMEOUT, ResendFailure.CONNECTION_LOST);

  /** The kinds after which a connection is closed. Many servers close it after a 401. */
  private static final Set<ResendFailure> CLOSING =
      EnumSet.of(
          ResendFailure.UNAUTHORIZED,
          ResendFailure.UNRECOGNIZED,
          ResendFailure.TIMEOUT,
          ResendFailure.CONNECTION_LOST,
          ResendFailure.INVALID_RESPONSE);

  private Outcomes() {}

  /**
   * Returns the kind of an answer of the service. A type that is unknown, or one of the library's
   * own, leaves the kind to the status.
   *
   * @param type the type in a whole, valid answer; null if there is none
   */
  public static ResendFailure kindOfAnswer(@Nullable String type, int httpStatus) {
    ResendFailure kind = ANSWERS.get(type);
    if (kind != null) {
      return kind;
    }
    return switch (httpStatus) {
      case 401 -> ResendFailure.UNAUTHORIZED;
      case 429 -> ResendFailure.RATE_LIMITED;
      default -> httpStatus / 100 == 5 ? ResendFailure.SERVER_ERROR : ResendFailure.UNRECOGNIZED;
    };
  }

  /** Returns whether the service may have sent a code before it answered like this. */
  public static boolean maybeSentAfterAnswer(@Nullable String type, int httpStatus) {
    ResendFailure kind = ANSWERS.get(type);
    return kind == null
        ? !REFUSALS.contains(httpStatus)
        : kind.maybeSent() || httpStatus / 100 != 4;
  }

  /** Returns the kind of a failure that came over the event bus. */
  public static ResendFailure kindOfMessage(String type, int httpStatus, boolean maybeSent) {
    ResendFailure own = OWN.get(type);
    return own != null && own.httpStatus() == httpStatus && own.maybeSent() == maybeSent
        ? own
        : kindOfAnswer(type, httpStatus);
  }

  /** Returns whether a failure that came over the event bus can have {@code maybeSent} false. */
  public static boolean canBeUnsent(String type, int httpStatus) {
    ResendFailure own = OWN.get(type);
    boolean isOwn = own != null && own.httpStatus() == httpStatus && !own.maybeSent();
    return isOwn || !maybeSentAfterAnswer(type, httpStatus);
  }

  /** Returns whether the type is in the outcome tables. */
  public static boolean isListed(String type) {
    return ANSWERS.containsKey(type) || OWN.containsKey(type);
  }

  /** Returns whether the service may still be working on the request, so that its claim stays. */
  public static boolean keepsHold(ResendFailure kind) {
    return WITHOUT_ANSWER.contains(kind);
  }

  /** Returns whether the connection closes, so that it carries no other request. */
  public static boolean closesConnection(ResendFailure kind) {
    return CLOSING.contains(kind);
  }
}
