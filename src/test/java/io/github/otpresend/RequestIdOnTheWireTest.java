// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.otpresend.sandbox.OtpSandbox;
import io.vertx.core.Vertx;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever an id is made of, the service sees that id and no other path. */
class RequestIdOnTheWireTest {
  private Vertx vertx;
  private OtpSandbox sandbox;
  private OtpResendClient client;

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
    sandbox = OtpSandbox.start();
    client =
        OtpResendClient.create(
            vertx, new OtpResendOptions().setBaseUrl(sandbox.baseUrl()).setToken(sandbox.token()));
  }

  @AfterEach
  void stop() {
    await(vertx.close());
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
  void the_service_sees_the_id(String id) {
    sandbox.session(id);
    assertEquals(new ResendResponse(true), await(client.resend(id)));
    assertEquals(1, sandbox.resends(id));
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(
      strings = {"", " ", "\t", ".", "..", "a\nb", "a\u0000", "a\u007f", "\ud83d", "\udcf1a"})
  void what_is_no_id_is_refused_and_opens_no_socket(String id) {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendClient unused =
          OtpResendClient.create(
              vertx, new OtpResendOptions().setBaseUrl(server.baseUrl()).setToken("secret-token"));
      ResendException failure = failureOf(unused.resend(id));
      assertEquals(ResendFailure.INVALID_REQUEST, failure.failure());
      assertEquals(0, server.connections());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {256, 257})
  void an_id_has_256_characters_at_most(int characters) {
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
