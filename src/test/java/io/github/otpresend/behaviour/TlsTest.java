// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.testing.Certificates;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Vertx;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.junit5.VertxExtension;
import java.io.IOException;
import java.security.cert.CertPathBuilderException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.net.ServerSocketFactory;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Real TLS handshakes. After a failed handshake the call is not sent, and its connection is free.
 */
@ExtendWith(VertxExtension.class)
class TlsTest {
  private static Certificates certificates;

  private Vertx vertx;

  @BeforeAll
  static void makeCertificates() {
    certificates =
        new Certificates()
            .authority("authority")
            .authority("unknown-authority")
            .signedBy("authority", "good", "localhost")
            .expired("authority", "expired", "localhost")
            .signedBy("authority", "other-host", "otp.example.org")
            .selfSigned("self-signed", "localhost")
            .signedBy("unknown-authority", "untrusted", "localhost")
            .signedBy("authority", "client", "client");
  }

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
  }

  private static FaultServer server(String certificate, Consumer<SSLSocket> settings) {
    return server(certificates.server(() -> certificate, "authority", settings));
  }

  private static FaultServer server(ServerSocketFactory factory) {
    return FaultServer.onRequest("https", factory, peer -> peer.write(FaultServer.SUCCESS));
  }

  private static Consumer<SSLSocket> protocol(String protocol) {
    return socket -> socket.setEnabledProtocols(new String[] {protocol});
  }

  private static Consumer<SSLSocket> demandingACertificate(String protocol) {
    return protocol(protocol).andThen(socket -> socket.setNeedClientAuth(true));
  }

  private static WebClientOptions trusting() {
    return new WebClientOptions().setTrustOptions(certificates.trust("authority"));
  }

  /**
   * Returns options with one connection and one attempt, so that a connection that is not released
   * is noticed.
   */
  private static OtpResendOptions options(FaultServer server, WebClientOptions webClient) {
    return server
        .options()
        .setTimeout(Duration.ofSeconds(15))
        .setConnectTimeout(Duration.ofSeconds(10))
        .setMaxConnections(1)
        .setConnectAttempts(1)
        .setWebClient(webClient);
  }

  /** Serves a client at the default address. A verticle would also warm up a connection. */
  private OtpResendClient serve(OtpResendOptions options) {
    OtpResendClient client = OtpResendClient.create(vertx, options);
    await(EventBusAdapter.register(vertx, options.getAddress(), client));
    return client;
  }

  /**
   * Calls by future and over the event bus. Returns the failure of the future, which has a cause.
   */
  private ResendException assertNotSent(OtpResendClient client, FaultServer server) {
    ResendException direct = failureOf(client.resend("direct"));
    assertEquals(ResendFailure.CONNECTION_FAILED, direct.failure(), () -> causes(direct));
    assertFalse(direct.maybeSent());
    assertNotNull(direct.getCause());
    ResendException typed = failureOf(OtpResendClient.overEventBus(vertx).resend("typed"));
    assertEquals(direct.toJson(), typed.toJson());
    assertEquals(List.of(), server.requests());
    server.awaitDisconnected();
    return direct;
  }

  private static String causes(Throwable failure) {
    return Stream.iterate(failure, e -> e != null, Throwable::getCause).toList().toString();
  }

  private static void assertCause(Class<?> expected, Throwable failure) {
    assertTrue(
        Stream.iterate(failure, e -> e != null, Throwable::getCause).anyMatch(expected::isInstance),
        () -> causes(failure));
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void a_valid_certificate_of_a_trusted_authority_is_accepted(String protocol) {
    try (FaultServer server = server("good", protocol(protocol))) {
      OtpResendClient client = serve(options(server, trusting()));
      assertTrue(await(client.resend("id")).success());
      assertTrue(await(OtpResendClient.overEventBus(vertx).resend("id")).success());
      assertEquals(2, server.requests().size());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "expired, java.security.cert.CertificateExpiredException",
    "other-host, java.security.cert.CertificateException",
    "self-signed, java.security.cert.CertPathBuilderException",
    "untrusted, java.security.cert.CertPathBuilderException",
  })
  void an_invalid_certificate_is_a_failed_connection_until_a_valid_one_replaces_it(
      String bad, Class<?> cause) {
    AtomicReference<String> certificate = new AtomicReference<>(bad);
    try (FaultServer server =
        server(certificates.server(certificate::get, "authority", socket -> {}))) {
      OtpResendClient client = serve(options(server, trusting()));
      assertCause(cause, assertNotSent(client, server));
      certificate.set("good");
      assertTrue(await(client.resend("id")).success());
      assertEquals(1, server.requests().size());
    }
  }

  @Test
  void without_trust_options_a_private_authority_is_not_trusted() {
    try (FaultServer server = server("good", socket -> {})) {
      OtpResendClient client = serve(options(server, new WebClientOptions()));
      assertCause(CertPathBuilderException.class, assertNotSent(client, server));
    }
  }

  @Test
  void an_invalid_certificate_is_tried_connect_attempts_times() {
    try (FaultServer server = server("expired", socket -> {})) {
      OtpResendClient client = serve(options(server, trusting()).setConnectAttempts(3));
      ResendException failure = failureOf(client.resend("id"));
      assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
      assertTrue(failure.getMessage().endsWith(" in 3 attempts"), failure.getMessage());
      assertEquals(3, server.connections());
      assertEquals(List.of(), server.requests());
    }
  }

  @Test
  void trust_all_is_applied_and_the_host_is_still_verified() {
    WebClientOptions trustingAll = new WebClientOptions().setTrustAll(true);
    try (FaultServer server = server("self-signed", socket -> {})) {
      OtpResendClient client = OtpResendClient.create(vertx, options(server, trustingAll));
      assertTrue(await(client.resend("id")).success());
    }
    try (FaultServer server = server("other-host", socket -> {})) {
      assertNotSent(serve(options(server, trustingAll)), server);
    }
  }

  @Test
  void verify_host_is_applied_and_the_authority_is_still_verified() {
    WebClientOptions anyHost = trusting().setVerifyHost(false);
    try (FaultServer server = server("other-host", socket -> {})) {
      OtpResendClient client = OtpResendClient.create(vertx, options(server, anyHost));
      assertTrue(await(client.resend("id")).success());
    }
    try (FaultServer server = server("untrusted", socket -> {})) {
      assertNotSent(serve(options(server, anyHost)), server);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void a_client_certificate_is_sent_to_a_server_that_requires_it(String protocol) {
    try (FaultServer server = server("good", demandingACertificate(protocol))) {
      WebClientOptions known = trusting().setKeyCertOptions(certificates.key("client"));
      OtpResendClient client = OtpResendClient.create(vertx, options(server, known));
      assertTrue(await(client.resend("id")).success());
      assertEquals(1, server.requests().size());
    }
  }

  @Test
  void in_tls_1_2_a_missing_client_certificate_is_a_failed_connection() {
    try (FaultServer server = server("good", demandingACertificate("TLSv1.2"))) {
      assertNotSent(serve(options(server, trusting())), server);
    }
  }

  /** With TLS 1.3, the client's handshake ends before the server verifies its certificate. */
  @Test
  void in_tls_1_3_a_missing_client_certificate_is_a_lost_connection() {
    try (FaultServer server = server("good", demandingACertificate("TLSv1.3"))) {
      OtpResendClient client = serve(options(server, trusting()));
      ResendException direct = failureOf(client.resend("direct"));
      assertEquals(ResendFailure.CONNECTION_LOST, direct.failure(), () -> causes(direct));
      assertTrue(direct.maybeSent());
      assertNotNull(direct.getCause());
      ResendException typed = failureOf(OtpResendClient.overEventBus(vertx).resend("typed"));
      assertEquals(direct.toJson(), typed.toJson());
      assertEquals(List.of(), server.requests());
      assertEquals(2, server.connections());
      server.awaitDisconnected();
    }
  }

  static Stream<FaultServer.Script> noHandshakes() {
    return Stream.of(
        peer -> writeAndWait(peer, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
        peer -> writeAndWait(peer, "\25\3\3\0\2\2\50"), // alert: handshake_failure
        peer -> writeAndWait(peer, "\26\3\3\0\4garb"), // an invalid handshake message
        FaultServer.Peer::close,
        FaultServer.Peer::reset,
        peer -> {
          peer.write("\26\3\3\0\100\2\0"); // the beginning of a ServerHello
          peer.close();
        });
  }

  private static void writeAndWait(FaultServer.Peer peer, String answer) throws IOException {
    peer.write(answer);
    peer.silence();
  }

  @ParameterizedTest
  @MethodSource("noHandshakes")
  void a_server_that_breaks_the_handshake_is_a_failed_connection(FaultServer.Script script) {
    try (FaultServer server = FaultServer.onConnection("https", script)) {
      assertNotSent(serve(options(server, trusting())), server);
      assertEquals(2, server.connections());
    }
  }

  private static FaultServer silent() {
    return FaultServer.onConnection("https", FaultServer.Peer::silence);
  }

  @Test
  @Execution(CONCURRENT)
  void a_stalled_handshake_is_a_failed_connection_after_all_attempts() {
    try (FaultServer server = silent()) {
      OtpResendOptions options =
          options(server, trusting())
              .setConnectTimeout(Duration.ofSeconds(1))
              .setConnectAttempts(2);
      ResendException failure = assertNotSent(serve(options), server);
      assertTrue(failure.getMessage().endsWith(" in 2 attempts"), failure.getMessage());
      eventually("each attempt had its connection", () -> server.connections() == 4);
      server.awaitDisconnected();
    }
  }

  @Test
  @Execution(CONCURRENT)
  void a_stalled_handshake_is_a_failed_connection_at_the_deadline() {
    try (FaultServer server = silent()) {
      OtpResendOptions options =
          options(server, trusting())
              .setTimeout(Duration.ofSeconds(2))
              .setConnectTimeout(Duration.ofMillis(500))
              .setConnectAttempts(100);
      ResendException failure = failureOf(OtpResendClient.create(vertx, options).resend("id"));
      assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
      assertFalse(failure.maybeSent());
      assertNotNull(failure.getCause());
      server.awaitDisconnected();
    }
  }
}
