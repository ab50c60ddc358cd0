// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.eventually;
import static io.github.otpresend.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the gate promises, seen on raw sockets. */
class GateTest {
  private Vertx vertx;

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
  }

  @AfterEach
  void stop() {
    await(vertx.close());
  }

  private OtpResendClient client(FaultServer server, Duration timeout, Duration connectTimeout) {
    return OtpResendClient.create(
        vertx,
        new OtpResendOptions()
            .setBaseUrl(server.baseUrl())
            .setToken("secret-token")
            .setMaxConnections(1)
            .setConnectAttempts(1)
            .setTimeout(timeout)
            .setConnectTimeout(connectTimeout));
  }

  private OtpResendClient client(FaultServer server) {
    return client(server, Duration.ofSeconds(4), Duration.ofSeconds(4));
  }

  @Test
  void the_request_on_the_wire_is_that_of_an_empty_post() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      assertTrue(await(client(server).resend("a b/c")).success());

      assertEquals(1, server.requests().size());
      String head = server.requests().get(0).toLowerCase();
      assertTrue(head.startsWith("post /api/a%20b%2fc/resend http/1.1\r\n"), head);
      assertEquals(1, occurrences(head, "\r\ncontent-length: 0\r\n"), head);
      assertEquals(1, occurrences(head, "content-length"), head);
      assertEquals(1, occurrences(head, "\r\naccept: application/json\r\n"), head);
      assertEquals(1, occurrences(head, "\r\nauthorization: bearer secret-token\r\n"), head);
      assertEquals(1, occurrences(head, "\r\nhost: localhost:" + server.port() + "\r\n"), head);
      assertEquals(1, occurrences(head, "\r\nuser-agent: vertx-otp-resend/"), head);
      assertFalse(head.contains("transfer-encoding"), head);
      assertFalse(head.contains("$"), head);
    }
  }

  @Test
  void nothing_follows_the_head_and_the_connection_is_reused() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendClient client = client(server);
      for (int i = 0; i < 5; i++) {
        await(client.resend("id-" + i));
      }
      assertEquals(5, server.requests().size());
      assertTrue(server.requests().stream().allMatch(head -> head.startsWith("POST /api/id-")));
      assertEquals(1, server.connections());
    }
  }

  @Test
  void a_call_that_gets_no_connection_transmits_nothing() {
    FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS));
    OtpResendClient client = client(server);
    server.close();

    ResendException failure = failureOf(client.resend("id"));

    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertFalse(failure.maybeSent());
    assertEquals(0, server.requests().size());
  }

  @Test
  void a_connection_that_comes_too_late_transmits_nothing() throws Exception {
    CountDownLatch answerFirst = new CountDownLatch(1);
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              if (peer.head().contains("/first/")) {
                peer.await(answerFirst);
              }
              peer.write(FaultServer.SUCCESS);
            })) {
      OtpResendClient client = client(server, Duration.ofSeconds(10), Duration.ofMillis(300));
      Future<ResendResponse> first = client.resend("first");
      eventually("the first is there", () -> server.requests().size() == 1);

      ResendException failure = failureOf(client.resend("second"));
      assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
      assertFalse(failure.maybeSent());

      answerFirst.countDown();
      assertTrue(await(first).success());
      assertTrue(await(client.resend("third")).success());
      assertEquals(2, server.requests().size(), () -> "" + server.requests());
      assertTrue(server.requests().get(1).contains("/third/"));
    }
  }

  @Test
  void an_abort_frees_the_one_connection_of_a_pool_of_one() {
    AtomicInteger served = new AtomicInteger();
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              if (served.getAndIncrement() == 0) {
                peer.silence();
              } else {
                peer.write(FaultServer.SUCCESS);
              }
            })) {
      OtpResendClient client = client(server);

      ResendException failure = failureOf(client.resend("id"));
      assertEquals(ResendFailure.TIMEOUT, failure.failure());
      assertTrue(failure.maybeSent());
      assertTrue(await(client.resend("id")).success());
      assertEquals(2, server.requests().size());
      eventually("the aborted connection is closed", () -> server.openConnections() == 1);
    }
  }

  @Test
  void a_body_longer_than_allowed_is_not_read_on() {
    AtomicInteger served = new AtomicInteger();
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              if (served.getAndIncrement() == 0) {
                peer.write("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n");
                while (true) {
                  peer.write("400\r\n" + " ".repeat(1024) + "\r\n");
                }
              }
              peer.write(FaultServer.SUCCESS);
            })) {
      OtpResendClient client = client(server, Duration.ofSeconds(10), Duration.ofSeconds(3));

      ResendException failure = failureOf(client.resend("id"));
      assertEquals(ResendFailure.INVALID_RESPONSE, failure.failure());
      assertTrue(failure.maybeSent());
      assertTrue(await(client.resend("id")).success());
    }
  }

  @Test
  void a_body_that_drips_ends_with_the_deadline() {
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              peer.write("HTTP/1.1 201 Created\r\nContent-Length: 1000000\r\n\r\n");
              while (true) {
                peer.write(" ");
                LockSupport.parkNanos(10_000_000);
              }
            })) {
      ResendException failure = failureOf(client(server).resend("id"));
      assertEquals(ResendFailure.TIMEOUT, failure.failure());
      server.awaitDisconnected();
    }
  }

  private static int occurrences(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }
}
