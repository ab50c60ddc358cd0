// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example.recipes;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendResponse;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.vertx.core.Future;
import java.lang.System.Logger.Level;

/**
 * A client that logs and counts the outcomes of another client. Pass it to {@code
 * EventBusAdapter.register}, and the calls over the event bus are counted too.
 *
 * <p>It promises: one timer for each kind of outcome, with the time of the calls, and no request id
 * in any of them. A success that the service did not accept is a kind of its own.
 */
public record Outcomes(OtpResendClient client, MeterRegistry registry) implements OtpResendClient {
  private static final System.Logger LOG = System.getLogger("otp.resend.outcomes");

  @Override
  public Future<ResendResponse> resend(String requestId) {
    Timer.Sample started = Timer.start(registry);
    return client
        .resend(requestId)
        .onSuccess(
            response -> record(started, response.success() ? "SUCCESS" : "NOT_ACCEPTED", true))
        .onFailure(
            cause -> {
              ResendException e = ResendException.from(cause);
              record(started, e.failure().name(), e.maybeSent());
            });
  }

  private void record(Timer.Sample started, String outcome, boolean maybeSent) {
    started.stop(registry.timer("otp.resend", "outcome", outcome, "maybeSent", "" + maybeSent));
    LOG.log(Level.INFO, "resend: {0}, maybe sent: {1}", outcome, maybeSent);
  }

  @Override
  public Future<Void> close() {
    return client.close();
  }
}
