// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.eventually;
import static io.github.otpresend.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers that are none; each leaves the one connection of a pool of one to the next call. */
class BrokenAnswersTest {
  private Vertx vertx;

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
  }

  @AfterEach
  void stop() {
    await(vertx.close());
  }

  private void assertFailure(ResendFailure expected, FaultServer.Script fault) {
    AtomicInteger served = new AtomicInteger();
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              if (served.getAndIncrement() == 0) {
                fault.run(peer);
              } else {
                peer.write(FaultServer.SUCCESS);
              }
            })) {
      OtpResendClient client =
          OtpResendClient.create(
              vertx,
              new OtpResendOptions()
                  .setBaseUrl(server.baseUrl())
                  .setToken("secret-token")
                  .setMaxConnections(1));

      ResendException failure = failureOf(client.resend("id"));

      assertEquals(expected, failure.failure(), () -> failure + " from " + failure.getCause());
      assertTrue(failure.maybeSent());
      assertFalse(failure.getMessage().contains("secret"), failure.getMessage());
      assertEquals(1, server.requests().size());
      assertTrue(await(client.resend("id")).success());
      assertEquals(2, server.requests().size());
      await(client.close());
      eventually("no connection is left", () -> server.openConnections() == 0);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "garbage\r\n\r\n",
        "POST /echo HTTP/1.1\r\n\r\n",
        "HTTP/1.1 abc Created\r\n\r\n",
        "HTTP/1.1 201 Created\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 201 Created\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 201 Created\r\nContent-Length: 16\r\nContent-Length: 17\r\n\r\n{\"success\":true}",
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      })
  void what_is_no_http_is_an_invalid_response(String answer) {
    assertFailure(ResendFailure.INVALID_RESPONSE, peer -> writeAndWait(peer, answer));
  }

  @Test
  void endless_headers_are_an_invalid_response() {
    String answer = "HTTP/1.1 201 Created\r\nX: " + "x".repeat(100_000) + "\r\n";
    assertFailure(ResendFailure.INVALID_RESPONSE, peer -> writeAndWait(peer, answer));
  }

  private static void writeAndWait(FaultServer.Peer peer, String answer) throws IOException {
    peer.write(answer);
    peer.silence();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "HTTP/1.1 2",
        "HTTP/1.1 201 Created\r\nContent-Le",
        "HTTP/1.1 201 Created\r\nContent-Length: 16\r\n\r\n",
        "HTTP/1.1 201 Created\r\nContent-Length: 16\r\n\r\n{\"success\":",
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"success\":true}\r\n",
      })
  void an_answer_cut_short_is_a_lost_connection(String answer) {
    assertFailure(
        ResendFailure.CONNECTION_LOST,
        peer -> {
          peer.write(answer);
          peer.close();
        });
    assertFailure(
        ResendFailure.CONNECTION_LOST,
        peer -> {
          peer.write(answer);
          peer.reset();
        });
  }
}
