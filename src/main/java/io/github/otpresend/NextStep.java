// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

/** What a caller can do about a {@link ResendFailure}. */
public enum NextStep {
  /** Ask again at once: the channel has to be restarted, and a resend does that. */
  RESEND,

  /** Wait for {@link ResendException#retryAfter()}, if it is known, and then ask again. */
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

  /**
   * Ask again later: the fault may pass. If {@link ResendException#maybeSent()} is true, the person
   * may then get a second code.
   */
  RETRY_LATER
}
