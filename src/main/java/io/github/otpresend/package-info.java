// SPDX-License-Identifier: Apache-2.0

/**
 * A client that asks an OTP service to send the code of one authentication request again: {@code
 * POST {baseUrl}/{requestId}/resend}.
 *
 * <p>Every resend costs money and makes a person's phone ring. The worst fault is a second code
 * that nobody asked for. The next worst is a caller who does not know what happened. So the library
 * keeps five rules.
 *
 * <ol>
 *   <li><b>One call sends at most one request.</b> A request that may have reached the service is
 *       never sent again. The client makes several attempts only to get a connection, before it has
 *       sent anything. The one exception is a 401, because the service refuses with it before it
 *       does any work. If the {@link io.github.otpresend.TokenProvider} then gives another token,
 *       the request is sent a second and last time. Calls that are in flight for the same request
 *       id share one request ({@link io.github.otpresend.OtpResendOptions#setSingleFlight
 *       singleFlight}). In a cluster, other nodes refuse that request id ({@link
 *       io.github.otpresend.OtpResendOptions#setClusterGuard clusterGuard}).
 *   <li><b>Every call ends exactly once, by its deadline</b>, which is the {@link
 *       io.github.otpresend.OtpResendOptions#setTimeout timeout}. This holds even if the server is
 *       silent, sends byte by byte or never stops sending. A failure says whether a code may have
 *       gone out ({@link io.github.otpresend.ResendException#maybeSent() maybeSent}). If {@code
 *       maybeSent} is false, this call has certainly sent no code. A failure also says what the
 *       caller can do ({@link io.github.otpresend.NextStep}). A client of an event-bus address
 *       waits half a second longer for the reply.
 *   <li><b>The outcome is the same everywhere.</b> A direct call, a call over the local event bus
 *       and a call across a cluster end with the same {@link io.github.otpresend.ResendResponse} or
 *       the same {@link io.github.otpresend.ResendException}. Vert.x's built-in codecs carry the
 *       outcome, so a sender without this library gets an HTTP status and JSON.
 *   <li><b>The token is a secret.</b> It is not sent in clear text over a network unless {@link
 *       io.github.otpresend.OtpResendOptions#setAllowPlaintext allowPlaintext} permits it. It is
 *       never on the event bus, and never in a log, a message, an exception or a {@code toString}.
 *       Only {@link io.github.otpresend.OtpResendOptions#toJson()} and {@link
 *       io.github.otpresend.OtpResendOptions#getToken()} return it.
 *   <li><b>The library fits Vert.x.</b> Nothing blocks an event loop. A future completes on the
 *       context of its caller. A client may be used from any thread. A wrong setting throws an
 *       {@link IllegalArgumentException} at once. Every later failure is a failed future.
 * </ol>
 *
 * <p>Start at {@link io.github.otpresend.OtpResendClient}, or deploy {@link
 * io.github.otpresend.OtpResendVerticle} and send messages to its address. The settings are in
 * {@link io.github.otpresend.OtpResendOptions}, and the kinds of failure in {@link
 * io.github.otpresend.ResendFailure}. A value can be null only if its type is marked {@code
 * Nullable}.
 */
@NullMarked
package io.github.otpresend;

import org.jspecify.annotations.NullMarked;
