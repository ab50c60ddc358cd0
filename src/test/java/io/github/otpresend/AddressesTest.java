// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.eventually;
import static io.github.otpresend.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Vertx;
import io.vertx.ext.web.client.WebClientOptions;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import javax.net.ServerSocketFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** The host of the service has several addresses, or moves to another one. */
@ParameterizedClass
@ValueSource(booleans = {false, true})
class AddressesTest {
  @Parameter boolean overBus;

  /** Says that the connection is not to be used again, so that each call makes one. */
  private static final FaultServer.Script ONE_ANSWER =
      peer -> peer.write(FaultServer.response(201, "Connection: close", "{\"success\":true}"));

  private final NameServer names = new NameServer();
  private final Vertx vertx = names.vertx();

  @AfterEach
  void stop() {
    await(vertx.close());
    names.close();
  }

  private OtpResendOptions options(int port) {
    return new OtpResendOptions()
        .setBaseUrl("http://" + NameServer.HOST + ":" + port + "/api")
        .setAllowPlaintext(true)
        .setToken("secret-token");
  }

  /** A client, or the same client asked over the event bus. */
  private OtpResendClient client(OtpResendOptions options) {
    OtpResendClient client = OtpResendClient.create(vertx, options);
    if (!overBus) {
      return client;
    }
    await(EventBusAdapter.register(vertx, options.getAddress(), client));
    return OtpResendClient.overEventBus(vertx, options);
  }

  private static FaultServer at(String address, int port) {
    return FaultServer.at(new InetSocketAddress(address, port), ONE_ANSWER);
  }

  @Test
  void a_service_that_moves_is_found_at_its_new_address_while_calls_go_on() {
    names.resolvesTo("127.0.0.1");
    try (FaultServer before = at("127.0.0.1", 0);
        FaultServer after = at("127.0.0.2", before.port())) {
      OtpResendClient client = client(options(before.port()));
      assertTrue(await(client.resend("before")).success());
      assertEquals(1, before.requests().size());

      names.resolvesTo("127.0.0.2");
      eventually(
          "the new address is used",
          () -> {
            assertTrue(await(client.resend("moving")).success());
            return !after.requests().isEmpty();
          });
    }
  }

  @Test
  void the_attempts_of_a_call_try_the_addresses_in_turn() {
    names.resolvesTo("127.0.0.3", "127.0.0.2", "127.0.0.1");
    try (FaultServer server = at("127.0.0.1", 0)) {
      OtpResendOptions options = options(server.port()).setConnectAttempts(3);
      assertTrue(await(client(options).resend("id")).success());
    }
  }

  @Test
  void an_address_that_failed_is_not_tried_again_while_another_one_works() {
    names.resolvesTo("127.0.0.2", "127.0.0.1");
    try (FaultServer server = at("127.0.0.1", 0)) {
      OtpResendClient client = client(options(server.port()).setConnectAttempts(1));
      assertEquals(ResendFailure.CONNECTION_FAILED, failureOf(client.resend("first")).failure());
      for (int i = 0; i < 20; i++) {
        assertTrue(await(client.resend("later")).success());
      }
      assertEquals(20, server.connections());
    }
  }

  @Test
  void an_address_that_failed_is_tried_again_once_the_other_one_fails() {
    names.resolvesTo("127.0.0.2", "127.0.0.1");
    FaultServer second = at("127.0.0.1", 0);
    OtpResendClient client = client(options(second.port()).setConnectAttempts(2));
    assertTrue(await(client.resend("at-the-second")).success());
    second.awaitDisconnected();
    second.close();
    try (FaultServer first = at("127.0.0.2", second.port())) {
      assertTrue(await(client.resend("at-the-first")).success());
      assertEquals(1, first.requests().size());
    }
  }

  @Test
  void no_address_works() {
    names.resolvesTo("127.0.0.2", "127.0.0.3");
    try (FaultServer elsewhere = at("127.0.0.1", 0)) {
      ResendException failure = failureOf(client(options(elsewhere.port())).resend("id"));
      assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
      assertEquals(overBus ? 0 : 2, failure.getSuppressed().length);
    }
  }

  @Test
  void a_host_without_an_address_fails_and_is_found_once_it_has_one() {
    try (FaultServer server = at("127.0.0.1", 0)) {
      OtpResendClient client = client(options(server.port()).setConnectAttempts(1));
      assertEquals(ResendFailure.CONNECTION_FAILED, failureOf(client.resend("id")).failure());
      names.resolvesTo("127.0.0.1");
      eventually("it is found", () -> await(client.resend("id").otherwiseEmpty()) != null);
    }
  }

  @Test
  void an_address_that_says_nothing_is_given_up_and_the_certificate_is_that_of_the_name(
      @TempDir Path directory) {
    Certificates certificates =
        new Certificates(directory)
            .selfSigned(NameServer.HOST, "-ext", "san=dns:" + NameServer.HOST);
    ServerSocketFactory tls =
        certificates.context(NameServer.HOST, NameServer.HOST).getServerSocketFactory();
    names.resolvesTo("127.0.0.2", "127.0.0.1");
    try (FaultServer server = FaultServer.onRequest("https", tls, ONE_ANSWER);
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
}
