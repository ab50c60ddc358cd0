// SPDX-License-Identifier: Apache-2.0

/** A non-blocking Vert.x client that asks an OTP service to send a code again. */
module io.github.otpresend {
  requires com.fasterxml.jackson.databind;
  requires io.netty.codec;
  requires transitive io.vertx.core;
  requires transitive io.vertx.web.client;
  requires io.vertx.web.common;
  requires static org.jspecify;

  exports io.github.otpresend;
}
