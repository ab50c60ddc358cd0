// SPDX-License-Identifier: Apache-2.0

/**
 * A non-blocking Vert.x client that asks an OTP service to send a code again. Its five rules are in
 * the documentation of its exported package, {@link io.github.otpresend}.
 *
 * <p>It needs no reflective access and loads no service, so an application needs no {@code
 * --add-opens}. {@code requires io.github.otpresend} is enough: it also brings Vert.x Core and the
 * Vert.x Web Client.
 */
module io.github.otpresend {
  requires com.fasterxml.jackson.databind;
  requires io.netty.codec;
  requires io.netty.common;
  requires io.netty.handler;
  requires io.netty.transport;
  requires transitive io.vertx.core;
  requires transitive io.vertx.web.client;
  requires io.vertx.web.common;
  requires static io.vertx.redis.client;
  requires static org.jspecify;

  exports io.github.otpresend;
}
