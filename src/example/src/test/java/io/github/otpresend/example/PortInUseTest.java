// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(VertxExtension.class)
class PortInUseTest {
  @Test
  void a_port_that_is_in_use_is_named(Vertx vertx) throws Exception {
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getByName("localhost"))) {
      WebVerticle verticle = new WebVerticle(other.getLocalPort(), "real", () -> "id", null);
      Exception failure =
          assertThrows(Exception.class, () -> vertx.deployVerticle(verticle).await());
      assertTrue(
          failure.getMessage().contains("localhost:" + other.getLocalPort()), failure::getMessage);
    }
  }
}
