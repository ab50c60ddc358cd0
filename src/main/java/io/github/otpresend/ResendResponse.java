// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.json.JsonObject;

/**
 * The service's answer to a resend that it accepted.
 *
 * @param success what the service says of the resend: true when the code is on its way
 */
public record ResendResponse(boolean success) {
  /**
   * Returns the JSON form, which is the service's own and that of the event-bus reply.
   *
   * @return {@code {"success": …}}
   */
  public JsonObject toJson() {
    return new JsonObject().put(ResendMessage.SUCCESS, success);
  }
}
