// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example.recipes;

import static io.github.otpresend.ResendFailure.CONNECTION_FAILED;
import static io.github.otpresend.ResendFailure.CONNECTION_LOST;
import static io.github.otpresend.ResendFailure.SERVER_ERROR;
import static io.github.otpresend.ResendFailure.TIMEOUT;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.vertx.circuitbreaker.CircuitBreaker;
import io.vertx.circuitbreaker.CircuitBreakerOptions;
import io.vertx.circuitbreaker.OpenCircuitException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.Set;

/**
 * A circuit breaker that opens when the service is down, and never retries.
 *
 * <p>It promises: five calls in two minutes that the service did not serve open it. Refusals of the
 * service do not. While it is open, a call fails at once as CONNECTION_FAILED, not sent.
 */
public final class Breaker {
  private static final Set<ResendFailure> SERVICE_DOWN =
      Set.of(CONNECTION_FAILED, CONNECTION_LOST, SERVER_ERROR, TIMEOUT);

  private final CircuitBreaker breaker;
  private final OtpResendClient client;

  public Breaker(Vertx vertx, OtpResendClient client) {
    this.client = client;
    breaker =
        CircuitBreaker.create(
            "otp.resend",
            vertx, // the client has a deadline, so the breaker needs none
            new CircuitBreakerOptions()
                .setMaxFailures(5)
                // a silent service costs each call its deadline, so five need almost a minute
                .setFailuresRollingWindow(120_000)
                .setMaxRetries(0)
                .setTimeout(-1));
    breaker.failurePolicy(
        call ->
            call.failed() && SERVICE_DOWN.contains(ResendException.from(call.cause()).failure()));
  }

  public Future<ResendResponse> resend(String requestId) {
    return breaker
        .execute(() -> client.resend(requestId))
        .recover(
            cause ->
                Future.failedFuture(
                    cause instanceof OpenCircuitException // not sent, and later it may work
                        ? new ResendException(CONNECTION_FAILED, "The circuit breaker is open")
                        : cause));
  }
}
