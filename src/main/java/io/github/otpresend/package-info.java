// SPDX-License-Identifier: Apache-2.0

/**
 * Asks an OTP service to send the code of one authentication request again: {@code POST
 * {baseUrl}/{requestId}/resend}.
 *
 * <p>Every real resend costs money and makes a person's phone ring. The worst that can happen is a
 * second code that nobody asked for, and the next worst is a caller who cannot tell what happened.
 * So five rules hold.
 *
 * <ol>
 *   <li><b>One call, at most one transmission.</b> A request that may have reached the service is
 *       not sent again, whatever becomes of it. What is tried more than once is to get a
 *       connection, before anything was transmitted. The one exception is a 401, a refusal before
 *       any work: the {@link io.github.otpresend.TokenProvider} is asked for another token, and the
 *       request is sent a second and last time. Calls for a request id that is in flight share one
 *       transmission ({@link io.github.otpresend.OtpResendOptions#setSingleFlight singleFlight}),
 *       and in a cluster other nodes refuse that id ({@link
 *       io.github.otpresend.OtpResendOptions#setClusterGuard clusterGuard}).
 *   <li><b>Every call ends, exactly once, by its deadline</b>, the {@link
 *       io.github.otpresend.OtpResendOptions#setTimeout timeout}: a server that is silent, drips or
 *       never stops cannot hold it longer. A failure says whether a code may have gone out ({@link
 *       io.github.otpresend.ResendException#maybeSent() maybeSent}); if not, none has on account of
 *       this call. It also says what to do about it ({@link io.github.otpresend.NextStep}). An
 *       asker on the event bus waits half a second longer, for the way.
 *   <li><b>The same outcome everywhere</b>: called directly, over the local event bus or across a
 *       cluster, a call ends with the same {@link io.github.otpresend.ResendResponse} or the same
 *       {@link io.github.otpresend.ResendException}. Vert.x's built-in codecs carry it, so an asker
 *       without this library gets status and JSON.
 *   <li><b>The token is a secret</b>: not sent in clear text over a network unless {@link
 *       io.github.otpresend.OtpResendOptions#setAllowPlaintext allowPlaintext} says so, never on
 *       the event bus, and never in a log, a message, an exception or a {@code toString}. Only
 *       {@link io.github.otpresend.OtpResendOptions#toJson()} and {@link
 *       io.github.otpresend.OtpResendOptions#getToken()} give it away.
 *   <li><b>Vert.x manners</b>: nothing blocks an event loop, a future completes on the context of
 *       its caller, and clients may be used from any thread. A wrong setting is an {@link
 *       IllegalArgumentException} at once, and everything later is a failed future.
 * </ol>
 *
 * <p>Start at {@link io.github.otpresend.OtpResendClient}, or deploy {@link
 * io.github.otpresend.OtpResendVerticle} and send messages to its address. The settings are in
 * {@link io.github.otpresend.OtpResendOptions}, and what can go wrong in {@link
 * io.github.otpresend.ResendFailure}. Nothing is null but what is marked {@code Nullable}.
 */
@NullMarked
package io.github.otpresend;

import org.jspecify.annotations.NullMarked;
