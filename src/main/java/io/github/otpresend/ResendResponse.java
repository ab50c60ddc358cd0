// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.json.JsonObject;

/**
 * The service's answer to a resend that it accepted. It accepts to restart the channel that carried
 * the code, or to launch the next one. So the channel may be another one afterwards, and the code
 * may yet fail to arrive. The channel now in use, and how many attempts to enter the code are left,
 * stand in the service's own answer to {@code GET /{requestId}/channel}, which is not part of this
 * library.
 *
 * @param success what the service says of the resend: true when it is accepted
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
