// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import io.vertx.core.Future;
import io.vertx.core.http.HttpClientConnection;

/** What makes connections, and knows the addresses of the service. */
public interface Connector {
  /** Makes a connection to the service, on the event loop. */
  Future<HttpClientConnection> connect();

  /** Records that no whole answer came over a connection, so that its address is avoided. */
  default void lost(Link link) {}

  /** Returns whether the address of a connection is not avoided. */
  default boolean isUsable(Link link) {
    return true;
  }
}
