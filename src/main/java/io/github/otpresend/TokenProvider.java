// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.Future;

/**
 * A source of bearer tokens that expire or are rotated. Set a fixed token with {@link
 * OtpResendOptions#setToken}. Its documentation says which tokens are allowed.
 *
 * <pre>{@code
 * TokenProvider tokens = () -> vault.read("otp").map(secret -> secret.getString("token"));
 * OtpResendClient client = OtpResendClient.create(vertx, new OtpResendOptions(), tokens);
 * }</pre>
 */
@FunctionalInterface
public interface TokenProvider {
  /**
   * Returns the token for one resend. The client calls this for every resend, so a provider that
   * needs a cache must have its own cache. The client calls it on its event loop, so it must not
   * block.
   *
   * <p>If the provider throws, fails, gives no token, or does not answer by the deadline of the
   * call, the call ends as {@link ResendFailure#TOKEN_UNAVAILABLE}, and nothing is sent.
   *
   * @return a future of the token; it may complete on any thread
   */
  Future<String> token();

  /**
   * Reports that the service answered 401 to this token. The provider should remove it from any
   * cache. The client then calls {@link #token()} once more. If the client gets another token, it
   * sends the request a second and last time. Other calls that get a 401 to the same token in the
   * meantime share the result of that second call to {@link #token()}.
   *
   * @param token the refused token
   */
  default void rejected(String token) {}
}
