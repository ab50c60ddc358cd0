// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
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
import io.vertx.core.net.ProxyOptions;
import io.vertx.core.net.ProxyType;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.junit5.VertxExtension;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A service behind an HTTP proxy. The proxy forwards the TLS connection and cannot read it. */
@ExtendWith(VertxExtension.class)
class ProxyTest {
  private static Certificates certificates;

  private Vertx vertx;
  private FaultServer server;
  private volatile String certificate = "good";

  @BeforeAll
  static void makeCertificates() {
    certificates =
        new Certificates()
            .authority("authority")
            .signedBy("authority", "good", "localhost")
            .signedBy("authority", "other-host", "otp.example.org");
  }

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server =
        FaultServer.onRequest(
            "https",
            certificates.server(() -> certificate, "authority", socket -> {}),
            peer -> peer.write(FaultServer.SUCCESS));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private OtpResendOptions options(int proxyPort) {
    return server
        .options()
        .setTimeout(Duration.ofSeconds(15))
        .setConnectTimeout(Duration.ofSeconds(10))
        .setMaxConnections(1)
        .setWebClient(
            new WebClientOptions()
                .setTrustOptions(certificates.trust("authority"))
                .setProxyOptions(
                    new ProxyOptions()
                        .setType(ProxyType.HTTP)
                        .setHost("localhost")
                        .setPort(proxyPort)));
  }

  /** Calls by future and over the event bus. */
  private ResendException assertNotSent(OtpResendOptions options) {
    OtpResendClient client = OtpResendClient.create(vertx, options);
    await(EventBusAdapter.register(vertx, options.getAddress(), client));
    ResendException direct = failureOf(client.resend("direct"));
    assertEquals(ResendFailure.CONNECTION_FAILED, direct.failure());
    assertFalse(direct.maybeSent());
    assertNotNull(direct.getCause());
    ResendException typed = failureOf(OtpResendClient.overEventBus(vertx).resend("typed"));
    assertEquals(direct.toJson(), typed.toJson());
    assertEquals(List.of(), server.requests());
    return direct;
  }

  private static void assertCause(Class<?> expected, Throwable failure) {
    List<Throwable> causes = Stream.iterate(failure, e -> e != null, Throwable::getCause).toList();
    assertTrue(causes.stream().anyMatch(expected::isInstance), causes::toString);
  }

  @Test
  void a_proxy_sees_only_host_and_port() {
    try (ConnectProxy proxy = new ConnectProxy()) {
      OtpResendClient client = OtpResendClient.create(vertx, options(proxy.port()));
      assertTrue(await(client.resend("id")).success());
      assertTrue(await(client.resend("id")).success());
      assertEquals(2, server.requests().size());
      assertTrue(server.requests().get(0).startsWith("POST /api/id/resend HTTP/1.1\r\n"));
      String seen = proxy.seen();
      assertTrue(seen.startsWith("CONNECT localhost:" + server.port() + " HTTP/1.1\r\n"));
      boolean sawToken = seen.contains("secret-token") || seen.contains("Bearer");
      assertFalse(sawToken);
      boolean sawPath = seen.contains("/api") || seen.contains("resend");
      assertFalse(sawPath);
    }
  }

  @Test
  void the_certificate_of_the_service_is_verified_through_a_proxy() {
    try (ConnectProxy proxy = new ConnectProxy()) {
      certificate = "other-host";
      assertCause(
          CertificateException.class, assertNotSent(options(proxy.port()).setConnectAttempts(1)));
      assertEquals(2, server.connections());
    }
  }

  @Test
  void an_unreachable_proxy_is_a_failed_connection() throws IOException {
    try (Socket bound =
        new Socket()) { // nothing listens at this port, and nothing else can bind it
      bound.bind(new InetSocketAddress(InetAddress.getByName("localhost"), 0));
      ResendException failure = assertNotSent(options(bound.getLocalPort()));
      assertCause(ConnectException.class, failure);
      assertTrue(failure.getMessage().endsWith(" in 3 attempts"), failure.getMessage());
      assertEquals(0, server.connections());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nsorry",
        "garbage\r\n\r\n",
        "",
      })
  void a_proxy_that_opens_no_tunnel_is_a_failed_connection(String answer) {
    try (FaultServer proxy =
        FaultServer.onConnection(
            peer -> {
              peer.readRequest();
              peer.write(answer);
            })) {
      assertNotSent(options(proxy.port()).setConnectAttempts(1));
      assertEquals(2, proxy.requests().size());
      assertTrue(proxy.requests().get(0).startsWith("CONNECT localhost:"));
      boolean sawToken = proxy.requests().toString().contains("secret-token");
      assertFalse(sawToken);
      assertEquals(0, server.connections());
    }
  }

  @Test
  @Execution(CONCURRENT)
  void a_proxy_that_never_answers_is_a_failed_connection_after_all_attempts() {
    try (FaultServer proxy = FaultServer.onConnection(FaultServer.Peer::silence)) {
      ResendException failure =
          assertNotSent(
              options(proxy.port()).setConnectTimeout(Duration.ofSeconds(1)).setConnectAttempts(2));
      assertTrue(failure.getMessage().endsWith(" in 2 attempts"), failure.getMessage());
      eventually("each attempt had its connection", () -> proxy.connections() == 4);
      proxy.awaitDisconnected();
    }
  }

  @Test
  @Execution(CONCURRENT)
  void a_proxy_that_never_answers_is_a_failed_connection_at_the_deadline() {
    try (FaultServer proxy = FaultServer.onConnection(FaultServer.Peer::silence)) {
      OtpResendOptions options =
          options(proxy.port())
              .setTimeout(Duration.ofSeconds(2))
              .setConnectTimeout(Duration.ofMillis(500))
              .setConnectAttempts(100);
      ResendException failure = failureOf(OtpResendClient.create(vertx, options).resend("id"));
      assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
      assertFalse(failure.maybeSent());
      assertNotNull(failure.getCause());
      proxy.awaitDisconnected();
    }
  }

  /** An HTTP proxy with CONNECT that records the bytes of both sides. */
  private static final class ConnectProxy implements AutoCloseable {
    private static final String END_OF_HEAD = "\r\n\r\n";

    private final ServerSocket socket;
    private final ByteArrayOutputStream seen = new ByteArrayOutputStream();

    ConnectProxy() {
      try {
        socket = new ServerSocket(0, 50, InetAddress.getByName("localhost"));
      } catch (IOException e) {
        throw new AssertionError(e);
      }
      daemon(
          () -> {
            while (true) {
              Socket client = socket.accept();
              daemon(() -> tunnel(client));
            }
          });
    }

    int port() {
      return socket.getLocalPort();
    }

    String seen() {
      return seen.toString(ISO_8859_1);
    }

    @Override
    public void close() {
      try {
        socket.close();
      } catch (IOException e) {
        // the tunnel ends
      }
    }

    private void tunnel(Socket client) throws IOException {
      StringBuilder head = new StringBuilder();
      while (head.indexOf(END_OF_HEAD) < 0) {
        head.append((char) client.getInputStream().read());
      }
      seen.writeBytes(head.toString().getBytes(ISO_8859_1));
      String[] target = head.toString().split(" ")[1].split(":");
      try (client;
          Socket service = new Socket(target[0], Integer.parseInt(target[1]))) {
        client.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(ISO_8859_1));
        daemon(() -> copy(service, client));
        copy(client, service);
      }
    }

    /** Copies bytes until one end closes, and then closes the other end. */
    private void copy(Socket from, Socket to) throws IOException {
      try (from;
          to) {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        byte[] bytes = new byte[8192];
        for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
          seen.write(bytes, 0, count);
          out.write(bytes, 0, count);
        }
      }
    }

    private interface Task {
      void run() throws IOException;
    }

    private static void daemon(Task task) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  task.run();
                } catch (IOException closed) {
                  // one of the ends closed the connection
                }
              },
              "connect-proxy");
      thread.setDaemon(true);
      thread.start();
    }
  }
}
