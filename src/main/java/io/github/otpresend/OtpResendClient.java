// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Objects;

/**
 * Asks an OTP service to send the code of an authentication request again.
 *
 * <pre>{@code
 * OtpResendClient client = OtpResendClient.create(vertx, new OtpResendOptions().setToken(token));
 * client.resend(requestId)
 *     .onSuccess(response -> log.info("on its way: " + response.success()))
 *     .onFailure(e -> log.info("next step: " + ResendException.from(e).nextStep()));
 * }</pre>
 *
 * <p>A client may be used from any thread, and should be shared rather than created for each call.
 * One event loop owns it, that of the context that creates it, and so it uses one core. A client
 * that calls the service and is still open is closed when the verticle that created it is
 * undeployed, or when Vert.x is closed. Close a client of an event-bus address before Vert.x.
 */
public interface OtpResendClient {
  /**
   * Creates a client that calls the service with the token of its options.
   *
   * @param vertx the Vert.x to run on
   * @param options the settings, copied; with a token
   * @return the client, which has no connection yet
   * @throws IllegalArgumentException if there is no token, or if the options contradict each other,
   *     for example an {@code http} base URL without {@code allowPlaintext}
   */
  static OtpResendClient create(Vertx vertx, OtpResendOptions options) {
    return HttpResendClient.create(vertx, options, null);
  }

  /**
   * Creates a client that calls the service with the tokens of a provider.
   *
   * @param vertx the Vert.x to run on
   * @param options the settings, copied; a token in them is not used
   * @param tokens where the tokens come from
   * @return the client, which has no connection yet
   * @throws IllegalArgumentException if the options contradict each other, for example an {@code
   *     http} base URL without {@code allowPlaintext}
   */
  static OtpResendClient create(Vertx vertx, OtpResendOptions options, TokenProvider tokens) {
    return HttpResendClient.create(vertx, options, Objects.requireNonNull(tokens, "tokens"));
  }

  /**
   * Creates a client that asks at the event-bus address {@value OtpResendOptions#DEFAULT_ADDRESS},
   * with the default timeout. If no consumer serves that address, a call fails at once as {@link
   * ResendFailure#CONNECTION_FAILED}.
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
   * @param options the client uses only the address and the timeout; no token is needed. It waits
   *     half a second longer than the timeout, so that the reply comes before the bus times out
   * @return the client
   */
  static OtpResendClient overEventBus(Vertx vertx, OtpResendOptions options) {
    return new EventBusResendClient(vertx, options);
  }

  /**
   * Asks the service once to send the code of a request again. A request that may have reached the
   * service is not sent a second time. The one exception is a 401: the request is sent once more if
   * there is a new token. Calls for a request id in flight share one request and its outcome, see
   * {@link OtpResendOptions#setSingleFlight}.
   *
   * <p>The future completes exactly once, by the deadline of {@link OtpResendOptions#setTimeout},
   * on the context of the caller. It fails with a {@link ResendException}, whose {@link
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
   * Closes this client. New calls fail as {@link ResendFailure#CLOSED}. Calls in flight finish,
   * which takes no longer than their deadline. Then the connections are closed. An attempt to make
   * a connection that is under way may go on until {@link OtpResendOptions#setConnectTimeout
   * connectTimeout}. Closing a second time does nothing.
   *
   * @return completed when no call is left and the connections are closed
   */
  Future<Void> close();
}
