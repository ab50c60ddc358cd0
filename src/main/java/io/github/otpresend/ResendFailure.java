// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

/**
 * The kinds of failure. Those before {@link #UNRECOGNIZED} are answers of the service. Those after
 * it are failures of the library. Each kind has an HTTP status, like a gateway's, so that an HTTP
 * handler can pass it on.
 */
public enum ResendFailure {
  /** The channel must be restarted. Another resend does it, and no cooldown applies. */
  RESEND_CHANNEL("ResendChannelException", 400, false, NextStep.RESEND),

  /** The attempts to enter the code are used up. */
  ATTEMPTS_EXPIRED("AttemptsExpiredException", 400, false, NextStep.START_OVER),

  /** No channel is left that could carry the code. */
  NO_AVAILABLE_CHANNELS("NoAvailableChannelsException", 400, false, NextStep.START_OVER),

  /**
   * The service refused the token, and also the new token, if there was one. A 401 without a known
   * type has this kind too.
   */
  UNAUTHORIZED("UnauthorizedException", 401, false, NextStep.FIX_CREDENTIALS),

  /**
   * The token is valid, but does not give the right to resend. {@code CommonForbiddenException} has
   * this kind too.
   */
  FORBIDDEN("ForbiddenException", 403, false, NextStep.FIX_CREDENTIALS),

  /**
   * The service does not know the request id. {@code RequestNotFoundException} is this kind too.
   */
  SESSION_NOT_FOUND("SessionNotFoundException", 404, false, NextStep.START_OVER),

  /** The last code was sent too recently. */
  RESTART_COOLDOWN_ACTIVE("RestartCooldownActiveException", 409, false, NextStep.WAIT),

  /** The person has already confirmed this request. */
  SESSION_ALREADY_CONFIRMED("SessionAlreadyConfirmedException", 409, false, NextStep.PROCEED),

  /** The service got too many calls. A 429 without a known type has this kind too. */
  RATE_LIMITED("RateLimitException", 429, false, NextStep.WAIT),

  /** The service failed while it worked. A 5xx without a known type has this kind too. */
  SERVER_ERROR("InternalServerErrorException", 500, true, NextStep.AWAIT_CODE),

  /** The session of the request id is closed. */
  SESSION_CLOSED("SessionClosedException", 400, false, NextStep.START_OVER),

  /** The service is restarting or changing the channel. A code may be on its way. */
  CHANNEL_CHANGED("ChannelChangedException", 400, true, NextStep.AWAIT_CODE),

  /** The service finds the request malformed. {@code ValidateError} is this kind too. */
  BAD_REQUEST("BadRequestException", 400, false, NextStep.FIX_REQUEST),

  /** The form or the person is blocked. {@code WidgetNotFoundException} is this kind too. */
  BLOCKED("WidgetIsBlockedException", 403, false, NextStep.FIX_CREDENTIALS),

  /**
   * The type is not documented or cannot be read, and the status does not decide the kind. A code
   * may have gone out, unless the status is one by which servers refuse a request before they do
   * any work: 404, 405, 411, 413, 414, 415, 417, 421, 425, 426, 428 or 431. The next step is {@link
   * NextStep#AWAIT_CODE} if a code may have gone out.
   */
  UNRECOGNIZED("UnrecognizedException", 500, true, NextStep.RETRY_LATER),

  /** The request id or the message is not valid. Nothing was sent. */
  INVALID_REQUEST("InvalidRequestException", 400, false, NextStep.FIX_REQUEST),

  /** The token provider failed, threw, was too late or gave no usable token. */
  TOKEN_UNAVAILABLE("TokenUnavailableException", 503, false, NextStep.FIX_CREDENTIALS),

  /**
   * The client got no connection: DNS, TCP or TLS failed or took too long, no connection was free,
   * or the client's event loop was busy until the deadline. Over the event bus also: no consumer
   * took the message.
   */
  CONNECTION_FAILED("ConnectionFailedException", 503, false, NextStep.RETRY_LATER),

  /** As many calls have not ended as {@code maxConnections} and {@code maxPending} allow. */
  OVERLOADED("OverloadedException", 503, false, NextStep.RETRY_LATER),

  /** A code was or may have been sent less than {@code cooldown} ago. */
  COOLING_DOWN("CoolingDownException", 409, false, NextStep.WAIT),

  /** The client is closed or closing. */
  CLOSED("ClientClosedException", 503, false, NextStep.RETRY_LATER),

  /**
   * Another call has this request id in flight, or may have sent it. {@link
   * ResendException#retryAfter()} is the time to the deadline of that call.
   */
  ALREADY_IN_PROGRESS("AlreadyInProgressException", 409, false, NextStep.AWAIT_CODE),

  /**
   * The claims that the nodes share failed or did not answer in time, so another node may have this
   * request id in flight.
   */
  GUARD_UNAVAILABLE("GuardUnavailableException", 503, false, NextStep.RETRY_LATER),

  /** The message came after the time that its {@code expires-at} header allows. */
  EXPIRED("ExpiredException", 504, false, NextStep.RETRY_LATER),

  /**
   * The deadline passed before a complete answer arrived. The request was transmitted, or another
   * call or node may have transmitted it.
   */
  TIMEOUT("TimeoutException", 504, true, NextStep.AWAIT_CODE),

  /** The connection broke after the request was transmitted. */
  CONNECTION_LOST("ConnectionLostException", 502, true, NextStep.AWAIT_CODE),

  /** The answer is malformed, too long, a redirect, or a 2xx without a valid body. */
  INVALID_RESPONSE("InvalidResponseException", 502, true, NextStep.AWAIT_CODE);

  private final String type;
  private final int httpStatus;
  private final boolean maybeSent;
  private final NextStep nextStep;

  ResendFailure(String type, int status, boolean maybeSent, NextStep nextStep) {
    this.type = type;
    this.httpStatus = status;
    this.maybeSent = maybeSent;
    this.nextStep = nextStep;
  }

  /** {@return the type of this kind; {@link ResendException#type()} may differ} */
  public String type() {
    return type;
  }

  /** {@return the status of this kind; {@link ResendException#httpStatus()} may differ} */
  public int httpStatus() {
    return httpStatus;
  }

  /** {@return whether a code may have gone out; {@link ResendException#maybeSent()} is exact} */
  public boolean maybeSent() {
    return maybeSent;
  }

  /**
   * {@return the next step if this kind was not sent; {@link ResendException#nextStep()} is exact}
   */
  public NextStep nextStep() {
    return nextStep;
  }
}
