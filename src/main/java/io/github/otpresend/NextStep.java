// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

/** What a caller can do about a {@link ResendFailure}. */
public enum NextStep {
  /** Ask again: the channel has to be restarted, which a resend does, and no cooldown applies. */
  RESEND,

  /** Wait, for {@link ResendException#retryAfter()} where it is known, and then ask again. */
  WAIT,

  /**
   * A code may be on its way: let the person wait for it, and ask again only when they say that
   * none came.
   */
  AWAIT_CODE,

  /** This authentication request is at its end: begin a new one. */
  START_OVER,

  /** Nothing is left to do: the person has already confirmed this request. */
  PROCEED,

  /** The call itself is wrong: correct the request id or the message. */
  FIX_REQUEST,

  /**
   * The token is missing, refused or lacks the right, or the account is blocked: an operator acts.
   */
  FIX_CREDENTIALS,

  /**
   * The trouble may pass: ask again later. Where {@link ResendException#maybeSent()} is true, that
   * may reach the person as a second code.
   */
  RETRY_LATER
}
