// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.github.otpresend.internal.WireNames;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * The service's answer to a resend. If {@link #success()} is true, the service has accepted to
 * restart the channel that carried the code, or to start the next channel. So the code may come
 * through another channel, or may still fail to arrive. The service returns the channel in use, and
 * the number of attempts to enter the code that are left, in its answer to {@code GET
 * /{requestId}/channel}. This library does not send that request.
 *
 * @param success what the service says about the resend. If it is false, the service may still have
 *     sent a code, so let the person wait for it
 * @param retryAfter the time left of the {@link OtpResendOptions#setCooldown cooldown}, during
 *     which another resend is refused; empty if the cooldown is off
 */
public record ResendResponse(boolean success, Optional<Duration> retryAfter) {
  /**
   * Creates a response.
   *
   * @param success what the service says of the resend
   * @param retryAfter the time left of the cooldown, not null; empty if the cooldown is off
   */
  public ResendResponse {
    Objects.requireNonNull(retryAfter, "retryAfter");
  }

  /**
   * Creates a response without a cooldown.
   *
   * @param success what the service says of the resend
   */
  public ResendResponse(boolean success) {
    this(success, Optional.empty());
  }

  /**
   * Returns the JSON of the event-bus reply. Without a cooldown it has only {@code success}, like
   * the service's answer.
   *
   * @return {@code {"success": …}}, with {@code retryAfterMs} if the cooldown is on
   */
  public JsonObject toJson() {
    JsonObject json = new JsonObject().put(WireNames.SUCCESS, success);
    retryAfter.ifPresent(rest -> json.put(WireNames.RETRY_AFTER_MS, rest.toMillis()));
    return json;
  }
}
