// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

/** What a caller can do about a {@link ResendFailure}. */
public enum NextStep {
  /** Ask again at once: the channel has to be restarted, and a resend does that. */
  RESEND,

  /**
   * Let the person ask again after {@link ResendException#retryAfter()}, or after a time of your
   * choice if it is empty. An application does not ask by itself.
   */
  WAIT,

  /**
   * Let the person wait: a code may be on its way. Ask again only when the person says that no code
   * came.
   */
  AWAIT_CODE,

  /** Begin a new authentication request: this request has ended. */
  START_OVER,

  /** Go on: the person has already confirmed this request. */
  PROCEED,

  /** Correct the request id or the message: it is not valid. */
  FIX_REQUEST,

  /**
   * Call an operator: the token is missing, refused or lacks the right, or the account is blocked.
   */
  FIX_CREDENTIALS,

  /** Ask again later: the fault may pass, and no code was sent. */
  RETRY_LATER
}
