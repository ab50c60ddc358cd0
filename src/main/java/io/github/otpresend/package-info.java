// SPDX-License-Identifier: Apache-2.0

/**
 * Asks an OTP service to send the code of one authentication request again: {@code POST
 * {baseUrl}/{requestId}/resend}.
 *
 * <p>Every real resend costs money and makes a person's phone ring, so five rules hold:
 *
 * <ol>
 *   <li><b>One call, at most one transmission.</b> Nothing that may have reached the service is
 *       sent again. The one exception: after a 401, once, with a new token, since a 401 is a
 *       refusal before any work.
 *   <li><b>Every call ends, exactly once, by its deadline</b>, with an outcome that says whether a
 *       code may have gone out ({@link io.github.otpresend.ResendException#maybeSent() maybeSent}).
 *   <li><b>The same outcome everywhere</b>: called directly or over the event bus.
 *   <li><b>The token is a secret</b>: never in clear text on a network, never in a log, a message,
 *       an exception or a {@code toString}.
 *   <li><b>Vert.x manners</b>: nothing blocks an event loop, and a future completes on the context
 *       of its caller.
 * </ol>
 *
 * <p>Start at {@link io.github.otpresend.OtpResendClient}, or deploy {@link
 * io.github.otpresend.OtpResendVerticle} and send messages to its address. What can go wrong is
 * listed in {@link io.github.otpresend.ResendFailure}.
 */
@NullMarked
package io.github.otpresend;

import org.jspecify.annotations.NullMarked;
