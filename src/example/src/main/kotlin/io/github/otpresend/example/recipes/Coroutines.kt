// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example.recipes

import io.github.otpresend.OtpResendClient
import io.github.otpresend.OtpResendOptions
import io.github.otpresend.ResendException
import io.vertx.core.Vertx
import io.vertx.kotlin.coroutines.coAwait

/** The options are properties in Kotlin. */
fun clientOf(vertx: Vertx, token: String): OtpResendClient =
  OtpResendClient.create(vertx, OtpResendOptions().also { it.token = token })

/**
 * A resend that suspends until its outcome.
 *
 * It promises: no thread waits meanwhile, and each outcome is a case of its own. SENT is a success;
 * after NOT_ACCEPTED, which is one with `success` false, a code may come all the same; the others
 * are the names of `NextStep`. Cancelling the coroutine does not cancel the resend.
 */
suspend fun OtpResendClient.resendAndWait(requestId: String): String =
  try {
    if (resend(requestId).coAwait().success) "SENT" else "NOT_ACCEPTED"
  } catch (e: ResendException) {
    e.nextStep().name
  }
