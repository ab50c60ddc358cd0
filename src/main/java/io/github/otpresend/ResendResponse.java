// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * The service's answer to a resend that it accepted. It accepts to restart the channel that carried
 * the code, or to launch the next one. So the channel may be another one afterwards, and the code
 * may yet fail to arrive. The channel now in use, and how many attempts to enter the code are left,
 * stand in the service's own answer to {@code GET /{requestId}/channel}, which is not part of this
 * library.
 *
 * @param success what the service says of the resend: true when it is accepted
 * @param retryAfter the rest of the {@link OtpResendOptions#setCooldown cooldown}: until then
 *     another resend is refused; empty if the cooldown is off
 */
public record ResendResponse(boolean success, Optional<Duration> retryAfter) {
  /**
   * Creates a response.
   *
   * @param success what the service says of the resend
   * @param retryAfter the rest of the cooldown, not null; empty if the cooldown is off
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
    JsonObject json = new JsonObject().put(ResendMessage.SUCCESS, success);
    retryAfter.ifPresent(rest -> json.put(ResendMessage.RETRY_AFTER_MS, rest.toMillis()));
    return json;
  }
}
