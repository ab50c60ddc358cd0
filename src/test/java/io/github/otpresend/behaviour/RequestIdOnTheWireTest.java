// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.sandbox.OtpSandbox;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The service receives the request id unchanged, as one path segment. */
@ExtendWith(VertxExtension.class)
class RequestIdOnTheWireTest {
  private Vertx vertx;
  private OtpSandbox sandbox;
  private OtpResendClient client;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    sandbox = OtpSandbox.start();
    client =
        OtpResendClient.create(
            vertx, new OtpResendOptions().setBaseUrl(sandbox.baseUrl()).setToken(sandbox.token()));
  }

  @AfterEach
  void stop() {
    sandbox.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a b",
        "a/b",
        "../up",
        "a?b=c",
        "a#b",
        "100%",
        "%2F",
        "{id}",
        "a+b",
        "a;b",
        "код",
        "📱",
        "...",
        "~-._",
        "a\\b",
        "\"quoted\""
      })
  void the_service_receives_the_request_id(String id) {
    sandbox.session(id);
    assertEquals(new ResendResponse(true), await(client.resend(id)));
    assertEquals(1, sandbox.resends(id));
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(
      strings = {"", " ", "\t", ".", "..", "a\nb", "a\u0000", "a\u007f", "\ud83d", "\udcf1a"})
  void an_invalid_request_id_is_refused_and_opens_no_connection(String id) {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendClient unused = OtpResendClient.create(vertx, server.options());
      ResendException failure = failureOf(unused.resend(id));
      assertEquals(ResendFailure.INVALID_REQUEST, failure.failure());
      assertEquals(0, server.connections());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {256, 257})
  void a_request_id_has_at_most_256_characters(int characters) {
    String id = "я".repeat(characters);
    sandbox.session(id);
    if (characters == 256) {
      await(client.resend(id));
    } else {
      assertEquals(ResendFailure.INVALID_REQUEST, failureOf(client.resend(id)).failure());
    }
    assertEquals(characters == 256 ? 1 : 0, sandbox.resends(id));
  }
}
