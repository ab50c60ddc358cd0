// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.PATIENCE;
import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.FreePort;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.dns.AddressResolverOptions;
import io.vertx.junit5.VertxExtension;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A deployed verticle connects to the service before the first call. The deployment does not depend
 * on the connection.
 */
@ExtendWith(VertxExtension.class)
class WarmUpTest {
  /** A timeout that is far longer than a test waits for a deployment. */
  private static final Duration LONG = PATIENCE.multipliedBy(3);

  private Vertx vertx;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
  }

  private static OtpResendOptions options(String baseUrl) {
    return new OtpResendOptions()
        .setBaseUrl(baseUrl)
        .setToken("secret-token")
        .setTimeout(LONG)
        .setConnectTimeout(LONG)
        .setKeepAliveTimeout(LONG);
  }

  @Test
  void a_deployed_verticle_connects_and_sends_nothing() {
    AtomicInteger received = new AtomicInteger();
    try (FaultServer server =
        FaultServer.onConnection(
            peer -> {
              while (peer.readByte()) {
                received.incrementAndGet();
              }
            })) {
      String deployment =
          await(vertx.deployVerticle(new OtpResendVerticle(options(server.baseUrl()))));
      eventually("it is connected", () -> server.openConnections() == 1);
      await(vertx.undeploy(deployment));
      server.awaitDisconnected();
      assertEquals(0, received.get());
      assertEquals(1, server.connections());
    }
  }

  @Test
  void the_first_call_uses_the_warm_connection() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendVerticle verticle = new OtpResendVerticle(options(server.baseUrl()));
      await(vertx.deployVerticle(verticle));
      eventually("it is connected", () -> server.openConnections() == 1);
      assertTrue(await(verticle.resend("id")).success());
      assertEquals(1, server.connections());
    }
  }

  @Test
  void a_call_during_the_warm_up_waits_for_its_connection() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendVerticle verticle = new OtpResendVerticle(options(server.baseUrl()));
      // on an event loop, right after the attempt to connect
      Future<ResendResponse> first =
          vertx.deployVerticle(verticle).compose(deployed -> verticle.resend("id"));
      assertTrue(await(first).success());
      assertEquals(1, server.connections());
    }
  }

  @Test
  void a_service_that_is_silent_in_the_handshake_does_not_delay_the_deployment() {
    try (FaultServer server = FaultServer.onConnection("https", FaultServer.Peer::silence)) {
      await(vertx.deployVerticle(new OtpResendVerticle(options(server.baseUrl()))));
      eventually("the handshake has begun", () -> server.openConnections() == 1);
    }
  }

  @Test
  void a_handshake_during_the_undeployment_ends_by_its_time_limit() {
    try (FaultServer server = FaultServer.onConnection("https", FaultServer.Peer::silence)) {
      OtpResendOptions options =
          options(server.baseUrl()).setConnectTimeout(Duration.ofMillis(500));
      String deployment = await(vertx.deployVerticle(new OtpResendVerticle(options)));
      eventually("the handshake has begun", () -> server.openConnections() == 1);
      await(vertx.undeploy(deployment));
      server.awaitDisconnected();
      assertEquals(1, server.connections());
    }
  }

  @Test
  void a_service_that_refuses_connections_does_not_fail_the_deployment() {
    int port = FreePort.find();
    OtpResendVerticle verticle =
        new OtpResendVerticle(options("http://localhost:" + port).setConnectAttempts(1));
    String deployment = await(vertx.deployVerticle(verticle));
    assertEquals(ResendFailure.CONNECTION_FAILED, failureOf(verticle.resend("id")).failure());
    await(vertx.undeploy(deployment));
  }

  @Test
  void a_host_that_does_not_resolve_does_not_delay_the_deployment() throws IOException {
    try (DatagramSocket silent = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
      silent.setSoTimeout((int) PATIENCE.toMillis());
      AddressResolverOptions resolver =
          new AddressResolverOptions()
              .addServer("127.0.0.1:" + silent.getLocalPort())
              .setQueryTimeout(1_000)
              .setMaxQueries(1);
      Vertx other = Vertx.vertx(new VertxOptions().setAddressResolverOptions(resolver));
      String deployment =
          await(other.deployVerticle(new OtpResendVerticle(options("https://otp.invalid"))));
      silent.receive(new DatagramPacket(new byte[512], 512)); // the DNS query for the address
      await(other.undeploy(deployment));
      await(other.close());
    }
  }

  @Test
  void a_client_makes_no_connection_before_its_first_call() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      // both run on one event loop, so a connection would be made before the call
      VerticleBase verticle =
          new VerticleBase() {
            @Override
            public Future<?> start() {
              OtpResendClient.create(vertx, options(server.baseUrl()));
              return OtpResendClient.create(vertx, options(server.baseUrl())).resend("id");
            }
          };
      await(vertx.deployVerticle(verticle));
      assertEquals(1, server.connections());
    }
  }
}
