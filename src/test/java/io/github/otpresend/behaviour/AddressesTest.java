// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.testing.Certificates;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.NameServer;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.ext.web.client.WebClientOptions;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import javax.net.ServerSocketFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A service whose host has several addresses, or moves to another address. */
@ParameterizedClass
@ValueSource(booleans = {false, true})
class AddressesTest {
  @Parameter boolean overBus;

  /** Answer that forbids the reuse of its connection, so that each call makes a new connection. */
  private static final FaultServer.Script LAST_ANSWER =
      peer -> peer.write(FaultServer.response(201, "Connection: close", "{\"success\":true}"));

  private final NameServer nameServer = new NameServer();
  private final Vertx vertx = nameServer.vertx();

  @AfterEach
  void stop() {
    await(vertx.close());
    nameServer.close();
  }

  private OtpResendOptions options(int port) {
    return new OtpResendOptions()
        .setBaseUrl("http://" + NameServer.HOST + ":" + port + "/api")
        .setAllowPlaintext(true)
        .setToken("secret-token");
  }

  /** Returns a client that calls the service directly, or over the event bus. */
  private OtpResendClient client(OtpResendOptions options) {
    OtpResendClient client = OtpResendClient.create(vertx, options);
    if (!overBus) {
      return client;
    }
    await(EventBusAdapter.register(vertx, options.getAddress(), client));
    return OtpResendClient.overEventBus(vertx, options);
  }

  private static FaultServer serverAt(String address, int port) {
    return FaultServer.at(new InetSocketAddress(address, port), LAST_ANSWER);
  }

  @Test
  @Execution(CONCURRENT)
  void calls_reach_a_service_that_moves_to_another_address() {
    nameServer.resolvesTo("127.0.0.1");
    try (FaultServer oldServer = serverAt("127.0.0.1", 0);
        FaultServer newServer = serverAt("127.0.0.2", oldServer.port())) {
      OtpResendClient client = client(options(oldServer.port()));
      assertTrue(await(client.resend("before")).success());
      assertEquals(1, oldServer.requests().size());

      nameServer.resolvesTo("127.0.0.2");
      eventually(
          "the new address is used",
          () -> {
            assertTrue(await(client.resend("moving")).success());
            return !newServer.requests().isEmpty();
          });
    }
  }

  @Test
  void the_attempts_of_a_call_try_the_addresses_in_turn() {
    nameServer.resolvesTo("127.0.0.3", "127.0.0.2", "127.0.0.1");
    try (FaultServer server = serverAt("127.0.0.1", 0)) {
      OtpResendOptions options = options(server.port()).setConnectAttempts(3);
      assertTrue(await(client(options).resend("id")).success());
    }
  }

  @Test
  void an_address_that_failed_is_not_tried_again_while_another_address_works() {
    nameServer.resolvesTo("127.0.0.2", "127.0.0.1");
    try (FaultServer server = serverAt("127.0.0.1", 0)) {
      OtpResendClient client = client(options(server.port()).setConnectAttempts(1));
      assertEquals(ResendFailure.CONNECTION_FAILED, failureOf(client.resend("first")).failure());
      for (int i = 0; i < 20; i++) {
        assertTrue(await(client.resend("later")).success());
      }
      assertEquals(20, server.connections());
    }
  }

  @Test
  void an_address_that_failed_is_tried_again_once_the_other_address_fails() {
    nameServer.resolvesTo("127.0.0.2", "127.0.0.1");
    FaultServer second = serverAt("127.0.0.1", 0);
    OtpResendClient client = client(options(second.port()).setConnectAttempts(2));
    assertTrue(await(client.resend("at-the-second")).success());
    second.awaitDisconnected();
    second.close();
    try (FaultServer first = serverAt("127.0.0.2", second.port())) {
      assertTrue(await(client.resend("at-the-first")).success());
      assertEquals(1, first.requests().size());
    }
  }

  @Test
  void a_call_fails_if_no_address_works() {
    nameServer.resolvesTo("127.0.0.2", "127.0.0.3");
    try (FaultServer otherServer = serverAt("127.0.0.1", 0)) {
      ResendException failure = failureOf(client(options(otherServer.port())).resend("id"));
      assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
      assertTrue(failure.getMessage().endsWith(" in 3 attempts"), failure.getMessage());
    }
  }

  @Test
  void calls_fail_until_the_host_has_an_address() {
    try (FaultServer server = serverAt("127.0.0.1", 0)) {
      OtpResendClient client = client(options(server.port()).setConnectAttempts(1));
      assertEquals(ResendFailure.CONNECTION_FAILED, failureOf(client.resend("id")).failure());
      nameServer.resolvesTo("127.0.0.1");
      eventually("a call succeeds", () -> await(client.resend("id").otherwiseEmpty()) != null);
    }
  }

  @Test
  @Execution(CONCURRENT)
  void a_silent_address_is_skipped_and_the_certificate_is_checked_for_the_host_name() {
    Certificates certificates = new Certificates().selfSigned(NameServer.HOST, NameServer.HOST);
    ServerSocketFactory tls =
        certificates.context(NameServer.HOST, NameServer.HOST).getServerSocketFactory();
    nameServer.resolvesTo("127.0.0.2", "127.0.0.1");
    try (FaultServer server = FaultServer.onRequest("https", tls, LAST_ANSWER);
        FaultServer silent =
            FaultServer.at(
                new InetSocketAddress("127.0.0.2", server.port()), peer -> peer.silence())) {
      OtpResendClient client =
          client(
              options(server.port())
                  .setBaseUrl("https://" + NameServer.HOST + ":" + server.port() + "/api")
                  .setConnectTimeout(Duration.ofSeconds(2))
                  .setConnectAttempts(2)
                  .setWebClient(
                      new WebClientOptions().setTrustOptions(certificates.trust(NameServer.HOST))));
      assertTrue(await(client.resend("id")).success());
      assertEquals(1, silent.connections());
    }
  }

  /** What a server does after it has read a request, so that no whole answer comes. */
  private static Stream<FaultServer.Script> failures() {
    return Stream.of(
        FaultServer.Peer::reset,
        FaultServer.Peer::close,
        FaultServer.Peer::silence,
        peer -> {
          peer.write("HTTP/1.1 201 Created\r\nContent-Length: 16\r\n\r\n{\"succ");
          peer.close();
        },
        peer -> peer.write("not HTTP\r\n\r\n"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void after_an_address_that_accepts_and_then_fails_the_next_call_begins_at_another_address(
      FaultServer.Script failure) {
    nameServer.resolvesTo("127.0.0.2", "127.0.0.1");
    try (FaultServer good =
            FaultServer.at(
                new InetSocketAddress("127.0.0.1", 0), peer -> peer.write(FaultServer.SUCCESS));
        FaultServer bad =
            FaultServer.at(new InetSocketAddress("127.0.0.2", good.port()), failure)) {
      OtpResendClient client = client(options(good.port()).setTimeout(Duration.ofSeconds(1)));
      ResendException lost = failureOf(client.resend("lost"));
      assertTrue(lost.maybeSent());
      for (int i = 0; i < 5; i++) {
        assertTrue(await(client.resend("later" + i)).success());
      }
      assertEquals(1, bad.requests().size());
      assertEquals(5, good.requests().size());
    }
  }

  @Test
  void an_idle_connection_to_an_address_at_which_a_call_failed_is_not_used() {
    nameServer.resolvesTo("127.0.0.2", "127.0.0.1");
    CountDownLatch bothArrived = new CountDownLatch(2);
    try (FaultServer good =
            FaultServer.at(
                new InetSocketAddress("127.0.0.1", 0), peer -> peer.write(FaultServer.SUCCESS));
        FaultServer bad =
            FaultServer.at(
                new InetSocketAddress("127.0.0.2", good.port()),
                peer -> {
                  if (peer.head().contains("/lost/")) {
                    peer.reset();
                  } else {
                    bothArrived.countDown();
                    peer.await(bothArrived);
                    peer.write(FaultServer.SUCCESS);
                  }
                })) {
      OtpResendClient client = client(options(good.port()));
      Future<?> first = client.resend("first");
      Future<?> second = client.resend("second"); // so two connections become idle
      await(first);
      await(second);
      assertEquals(ResendFailure.CONNECTION_LOST, failureOf(client.resend("lost")).failure());
      assertTrue(await(client.resend("later")).success());
      assertEquals(1, good.requests().size());
    }
  }

  @Test
  void a_host_with_one_address_keeps_its_idle_connections_after_a_lost_call() {
    nameServer.resolvesTo("127.0.0.1");
    CountDownLatch bothArrived = new CountDownLatch(2);
    try (FaultServer server =
        FaultServer.at(
            new InetSocketAddress("127.0.0.1", 0),
            peer -> {
              if (peer.head().contains("/lost/")) {
                peer.reset();
                return;
              } else if (!peer.head().contains("/later/")) {
                bothArrived.countDown();
                peer.await(bothArrived);
              }
              peer.write(FaultServer.SUCCESS);
            })) {
      OtpResendClient client =
          client(options(server.port()).setKeepAliveTimeout(Duration.ofMinutes(10)));
      Future<?> first = client.resend("first");
      Future<?> second = client.resend("second");
      await(first);
      await(second);
      assertEquals(ResendFailure.CONNECTION_LOST, failureOf(client.resend("lost")).failure());
      assertTrue(await(client.resend("later")).success());
      assertEquals(2, server.connections());
    }
  }
}
