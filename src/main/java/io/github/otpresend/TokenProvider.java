// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.Future;

/**
 * Where a bearer token comes from, for tokens that expire or are rotated; a fixed one is set with
 * {@link OtpResendOptions#setToken}, which also says what a token may be.
 *
 * <pre>{@code
 * TokenProvider tokens = () -> vault.read("otp").map(secret -> secret.getString("token"));
 * OtpResendClient client = OtpResendClient.create(vertx, new OtpResendOptions(), tokens);
 * }</pre>
 */
@FunctionalInterface
public interface TokenProvider {
  /**
   * Returns the token for one resend. It is asked for every resend, so caching is the provider's
   * business. It is asked on the event loop of the client, so it must not block.
   *
   * <p>A provider that throws, fails, gives no token, or does not answer within the deadline of the
   * call makes the call end as {@link ResendFailure#TOKEN_UNAVAILABLE}, with nothing sent.
   *
   * @return the token's future, completed on any thread
   */
  Future<String> token();

  /**
   * Tells that the service answered 401 to this token: drop it from any cache. {@link #token()} is
   * then asked once more, and the resend is sent a second and last time if the token is another
   * one. Calls whose same token is refused in the meantime await that one answer.
   *
   * @param token the token that was refused
   */
  default void rejected(String token) {}
}
