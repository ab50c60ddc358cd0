// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.github.otpresend.internal.bus.EventBusResendClient;
import io.github.otpresend.internal.call.HttpResendClient;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Objects;

/**
 * A client that asks an OTP service to send the code of an authentication request again.
 *
 * <pre>{@code
 * OtpResendClient client = OtpResendClient.create(vertx, new OtpResendOptions().setToken(token));
 * client.resend(requestId)
 *     .onSuccess(response -> log.info("accepted: " + response.success()))
 *     .onFailure(e -> log.info("next step: " + ResendException.from(e).nextStep()));
 * }</pre>
 *
 * <p>A client may be used from any thread, and should be shared rather than created for each call.
 * One event loop owns a client: the event loop of the context that creates the client. So a client
 * uses one core. An open client that calls the service is closed when the verticle that created it
 * is undeployed, or when Vert.x is closed. Vert.x also waits for the calls in flight of a client of
 * an event-bus address before it closes.
 */
public interface OtpResendClient {
  /**
   * Creates a client that calls the service with the token of its options.
   *
   * @param vertx the Vert.x to run on
   * @param options the settings, which are copied; they must have a token
   * @return the client, which has no connection yet
   * @throws IllegalArgumentException if there is no token, or if the options contradict each other,
   *     for example an {@code http} base URL without {@code allowPlaintext}, or if the cluster
   *     manager cannot guard, see {@link OtpResendOptions#setClusterGuard}
   */
  static OtpResendClient create(Vertx vertx, OtpResendOptions options) {
    return HttpResendClient.create(vertx, options, null);
  }

  /**
   * Creates a client that calls the service with the tokens of a provider.
   *
   * @param vertx the Vert.x to run on
   * @param options the settings, which are copied; their token is not used
   * @param tokens the provider of the tokens
   * @return the client, which has no connection yet
   * @throws IllegalArgumentException if the options contradict each other, for example an {@code
   *     http} base URL without {@code allowPlaintext}, or if the cluster manager cannot guard, see
   *     {@link OtpResendOptions#setClusterGuard}
   */
  static OtpResendClient create(Vertx vertx, OtpResendOptions options, TokenProvider tokens) {
    return HttpResendClient.create(vertx, options, Objects.requireNonNull(tokens, "tokens"));
  }

  /**
   * Creates a client that sends its calls to the event-bus address {@value
   * OtpResendOptions#DEFAULT_ADDRESS}, with the default timeout. If no consumer serves that
   * address, a call fails at once as {@link ResendFailure#CONNECTION_FAILED}.
   *
   * @param vertx the Vert.x whose event bus is used
   * @return the client
   */
  static OtpResendClient overEventBus(Vertx vertx) {
    return overEventBus(vertx, new OtpResendOptions());
  }

  /**
   * Creates a client that sends each call as an event-bus message, and returns the outcome of the
   * client that serves the address.
   *
   * @param vertx the Vert.x whose event bus is used
   * @param options the settings, of which the client uses only the address and the timeout; no
   *     token is needed. The client waits for a reply half a second longer than the timeout, so
   *     that the reply comes before the bus times out. If a consumer is unregistered before it
   *     takes the message, the client asks again, up to five times within the timeout
   * @return the client
   */
  static OtpResendClient overEventBus(Vertx vertx, OtpResendOptions options) {
    return new EventBusResendClient(vertx, options);
  }

  /**
   * Asks the service once to send the code of an authentication request again. An HTTP request that
   * may have reached the service is not sent a second time. The one exception is a 401: the HTTP
   * request is sent once more if there is a new token. Calls that are in flight for the same
   * request id share one HTTP request and its outcome, see {@link
   * OtpResendOptions#setSingleFlight}.
   *
   * <p>The future completes exactly once, by the deadline of {@link OtpResendOptions#setTimeout},
   * on the context of the caller. It fails with a {@link ResendException}; {@link
   * ResendException#maybeSent()} says whether a code may have gone out.
   *
   * @param requestId the id of the authentication request: 1 to 256 characters, not blank, not
   *     {@code .} or {@code ..}, without control characters; anything else is {@link
   *     ResendFailure#INVALID_REQUEST}
   * @return the service's answer; a success means that the restart of the channel was accepted, see
   *     {@link ResendResponse}
   */
  Future<ResendResponse> resend(String requestId);

  /**
   * Closes this client. New calls fail as {@link ResendFailure#CLOSED}. Calls in flight finish by
   * their deadlines. Then the connections are closed. An attempt to make a connection that has
   * already begun may go on until {@link OtpResendOptions#setConnectTimeout connectTimeout} has
   * passed. In a cluster, closing waits for at most that time until cooldowns are stored. Closing a
   * second time does nothing.
   *
   * @return a future that completes when no call is left and the connections are closed
   */
  Future<Void> close();
}
