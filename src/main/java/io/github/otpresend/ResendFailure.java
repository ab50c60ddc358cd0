// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Every kind of failure. The first eleven are answers of the service, the others are the library's
 * own, each with a gateway-like status so that an HTTP handler can pass it on.
 */
public enum ResendFailure {
  /** The channel must be restarted; calling resend again does it, and no cooldown applies. */
  RESEND_CHANNEL("ResendChannelException", 400, false, NextStep.RESEND),

  /** The attempts to enter the code are used up. */
  ATTEMPTS_EXPIRED("AttemptsExpiredException", 400, false, NextStep.START_OVER),

  /** No channel is left that could carry the code. */
  NO_AVAILABLE_CHANNELS("NoAvailableChannelsException", 400, false, NextStep.START_OVER),

  /** The service does not accept the token, nor the new one that was asked for after its 401. */
  UNAUTHORIZED("UnauthorizedException", 401, false, NextStep.FIX_CREDENTIALS),

  /** The token is valid and lacks the right; also {@code CommonForbiddenException}. */
  FORBIDDEN("ForbiddenException", 403, false, NextStep.FIX_CREDENTIALS),

  /** The service knows no such request id. */
  SESSION_NOT_FOUND("SessionNotFoundException", 404, false, NextStep.START_OVER),

  /** A code went out too short a time ago. */
  RESTART_COOLDOWN_ACTIVE("RestartCooldownActiveException", 409, false, NextStep.WAIT),

  /** The person has already confirmed this request. */
  SESSION_ALREADY_CONFIRMED("SessionAlreadyConfirmedException", 409, false, NextStep.PROCEED),

  /** Too many calls; also any 429 without a type. */
  RATE_LIMITED("RateLimitException", 429, false, NextStep.WAIT),

  /** The service failed while it worked; also any 5xx without a type. */
  SERVER_ERROR("InternalServerErrorException", 500, true, NextStep.AWAIT_CODE),

  /**
   * The service, or something on the way to it, refused in words that are not documented: an
   * unknown type (kept in {@link ResendException#type()}), or a status without one. A code may have
   * gone out unless the status is a 4xx.
   */
  UNRECOGNIZED("UnrecognizedException", 500, true, NextStep.RETRY_LATER),

  /** The request id or the message is not one; nothing was sent. */
  INVALID_REQUEST("InvalidRequestException", 400, false, NextStep.FIX_REQUEST),

  /** The token provider failed, threw, gave nothing usable, or not in time. */
  TOKEN_UNAVAILABLE("TokenUnavailableException", 503, false, NextStep.FIX_CREDENTIALS),

  /** Refused, unresolved, TLS failed, or no connection in time. */
  CONNECTION_FAILED("ConnectionFailedException", 503, false, NextStep.RETRY_LATER),

  /** More calls at once than {@code maxConnections} and {@code maxPending} allow. */
  OVERLOADED("OverloadedException", 503, false, NextStep.RETRY_LATER),

  /** The client is closed, or closing. */
  CLOSED("ClientClosedException", 503, false, NextStep.RETRY_LATER),

  /**
   * Another call in the cluster has this request id in flight, or ended as {@link #TIMEOUT} or
   * {@link #CONNECTION_LOST} and has only just come to its deadline, or not yet.
   */
  ALREADY_IN_PROGRESS("AlreadyInProgressException", 409, false, NextStep.WAIT),

  /** The cluster did not say in time whether another node has this request id in flight. */
  GUARD_UNAVAILABLE("GuardUnavailableException", 503, false, NextStep.RETRY_LATER),

  /** The message came after the time that its {@code expires-at} header allows. */
  EXPIRED("ExpiredException", 504, false, NextStep.RETRY_LATER),

  /** The deadline passed after the request was transmitted. */
  TIMEOUT("TimeoutException", 504, true, NextStep.AWAIT_CODE),

  /** The connection broke after the request was transmitted. */
  CONNECTION_LOST("ConnectionLostException", 502, true, NextStep.AWAIT_CODE),

  /** An answer came that is not the service's: malformed, too long, a redirect, a wrong success. */
  INVALID_RESPONSE("InvalidResponseException", 502, true, NextStep.AWAIT_CODE);

  private static final Map<String, ResendFailure> BY_TYPE = new HashMap<>();

  static {
    for (ResendFailure failure : values()) {
      BY_TYPE.put(failure.type, failure);
    }
    BY_TYPE.put("CommonForbiddenException", FORBIDDEN);
  }

  private final String type;
  private final int httpStatus;
  private final boolean maybeSent;
  private final NextStep nextStep;

  ResendFailure(String type, int httpStatus, boolean maybeSent, NextStep nextStep) {
    this.type = type;
    this.httpStatus = httpStatus;
    this.maybeSent = maybeSent;
    this.nextStep = nextStep;
  }

  /**
   * The kind of a failure from what stands on the wire, be it the service's or an event-bus reply:
   * the type decides, and the status where there is no type. A type of the library's own counts
   * only beside the status and the {@code maybeSent} that the library gives it, so that no kind is
   * ever in contradiction with {@link ResendException#maybeSent()}.
   */
  static ResendFailure of(@Nullable String type, int httpStatus, boolean maybeSent) {
    if (type == null) {
      return ofStatus(httpStatus);
    }
    ResendFailure failure = BY_TYPE.getOrDefault(type, UNRECOGNIZED);
    boolean fits =
        failure.isOfService()
            || (failure.httpStatus == httpStatus && failure.maybeSent == maybeSent);
    return fits ? failure : UNRECOGNIZED;
  }

  private static ResendFailure ofStatus(int httpStatus) {
    if (httpStatus == 401) {
      return UNAUTHORIZED;
    } else if (httpStatus == 429) {
      return RATE_LIMITED;
    }
    return httpStatus / 100 == 5 ? SERVER_ERROR : UNRECOGNIZED;
  }

  /** Whether a failure of this kind and with this status can be one where nothing was sent. */
  boolean canBeUnsent(int httpStatus) {
    return isOfService() ? httpStatus / 100 == 4 && this != SERVER_ERROR : !maybeSent;
  }

  private boolean isOfService() {
    return ordinal() <= UNRECOGNIZED.ordinal();
  }

  /**
   * Returns the {@code type} that stands for this kind on the wire. A failure of the service may
   * carry another one: {@link ResendException#type()} has the text as it came.
   *
   * @return the type
   */
  public String type() {
    return type;
  }

  /**
   * Returns the HTTP status of this kind: the service's documented one, or the gateway-like one of
   * the library's own kinds. {@link ResendException#httpStatus()} has the status as it came.
   *
   * @return the status, 400 to 504
   */
  public int httpStatus() {
    return httpStatus;
  }

  /**
   * Returns whether a code may have gone out when this happens. {@link ResendException#maybeSent()}
   * says it of one failure, which is more exact: an {@link #UNRECOGNIZED} 4xx was not sent, and
   * whatever the service answers with another status than a 4xx may have been.
   *
   * @return true if the service may have acted
   */
  public boolean maybeSent() {
    return maybeSent;
  }

  /**
   * Returns what a caller can do about it.
   *
   * @return the next step
   */
  public NextStep nextStep() {
    return nextStep;
  }
}
