// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.testing.Certificates;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.NameServer;
import io.vertx.core.Vertx;
import io.vertx.ext.web.client.WebClientOptions;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hosts that are unusual: a call to them works, or the base URL is refused with a reason. */
class HostsTest {
  @ParameterizedTest
  @CsvSource({
    "otp_service, otp_service",
    "otp_service.internal_net, otp_service.internal_net",
    "otp.example.org., otp.example.org.",
    "пример.рф, xn--e1afmkfd.xn--p1ai",
    "ПРИМЕР.рф, xn--e1afmkfd.xn--p1ai",
    "bücher。example, xn--bcher-kva.example",
    "xn--e1afmkfd.xn--p1ai, xn--e1afmkfd.xn--p1ai",
    "127.0.0.1, 127.0.0.1",
    "[::ffff:127.0.0.1], 127.0.0.1",
    "[0:0:0:0:0:FFFF:7f00:1], 127.0.0.1",
  })
  void a_call_reaches_the_host(String host, String sentHost) {
    NameServer names = new NameServer().resolvesTo("127.0.0.1");
    Vertx vertx = names.vertx();
    try (names;
        FaultServer server =
            FaultServer.at(
                new InetSocketAddress("127.0.0.1", 0), peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendOptions options =
          new OtpResendOptions()
              .setBaseUrl("http://" + host + ":" + server.port() + "/api")
              .setAllowPlaintext(true)
              .setToken(FaultServer.TOKEN);
      OtpResendClient client = OtpResendClient.create(vertx, options);
      assertTrue(await(client.resend("direct")).success());
      await(EventBusAdapter.register(vertx, options.getAddress(), client));
      assertTrue(await(OtpResendClient.overEventBus(vertx).resend("over-the-bus")).success());
      for (String request : server.requests()) {
        String wanted = "\r\nhost: " + sentHost + ":" + server.port() + "\r\n";
        assertTrue(request.toLowerCase(Locale.ROOT).contains(wanted), request);
      }
      assertEquals(2, server.requests().size());
    } finally {
      await(vertx.close());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "http://[fe80::1%eth0]/           | whose host has a zone id",
        "http://[fe80::1%25eth0]:80/      | whose host has a zone id",
        "https://exa%6dple.org/           | whose host is not a name",
        "https://-example.org/            | whose host is not a name",
        "https://example-/api             | whose host is not a name",
        "https://example..org/            | whose host is not a valid name",
        "https://.example.org/            | whose host is not a valid name",
        "https://exa!mple.org/            | whose host is not a name",
        "https://127.1/                   | whose host ends in a number",
        "https://1.2.3.4.5/               | whose host ends in a number",
        "https://256.1.1.1/               | whose host ends in a number",
        "https://2130706433/              | whose host ends in a number",
        "https://0x7f.0x1/                | whose host ends in a number",
        "https://example.1/               | whose host ends in a number",
        "https://otp_service/api          | whose host has a _, which TLS does not allow",
        "https://straße.example/          | whose host has a letter with two possible names",
        "https://βόλος.example/           | whose host has a letter with two possible names",
        "https:///api                     | which has no host",
        "https://:8080/api                | which has no host",
        "https:api                        | which has no host",
        "https://example.org:0/           | whose port is 0",
        "https://example.org:65536/       | whose port is 65536",
        "https://example.org:80a/         | whose host is not followed by a port",
        "https://example.org:999999/      | whose host is not followed by a port",
        "https://[::1]x/                  | which is not a URL",
        "https://example.org/?a=b         | which has a query",
        "https://example.org/#a           | which has a fragment",
        "ftp://example.org/               | whose scheme is not http or https",
        "example.org                      | whose scheme is not http or https",
        "https://[::1                     | which is not a URL",
        "https://exa mple.org/            | which is not a URL",
      })
  void a_base_url_that_cannot_work_is_refused_with_the_reason(String url, String reason) {
    String message =
        assertThrows(IllegalArgumentException.class, () -> new OtpResendOptions().setBaseUrl(url))
            .getMessage();
    assertTrue(message.startsWith("baseUrl is \"" + url + "\", " + reason), message);
    assertTrue(message.contains("; allowed is an http or https URL with a host"), message);
  }

  @ParameterizedTest
  @CsvSource({"64, false", "63, true"})
  void a_part_of_a_name_has_at_most_63_characters(int length, boolean allowed) {
    String url = "https://" + "a".repeat(length) + ".example/";
    if (allowed) {
      assertEquals(url, new OtpResendOptions().setBaseUrl(url).getBaseUrl());
    } else {
      assertThrows(IllegalArgumentException.class, () -> new OtpResendOptions().setBaseUrl(url));
    }
  }

  @Test
  void a_host_that_ends_in_a_dot_works_over_tls_too() {
    NameServer names = new NameServer().resolvesTo("127.0.0.1");
    Vertx vertx = names.vertx();
    Certificates certificates = new Certificates().selfSigned("server", "otp.example.org");
    try (names;
        FaultServer server =
            FaultServer.onRequest(
                "https",
                certificates.server(() -> "server", "server", socket -> {}),
                peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendOptions options =
          new OtpResendOptions()
              .setBaseUrl("https://otp.example.org.:" + server.port() + "/api")
              .setToken(FaultServer.TOKEN)
              .setTimeout(Duration.ofMinutes(1))
              .setConnectTimeout(Duration.ofSeconds(20))
              .setWebClient(new WebClientOptions().setTrustOptions(certificates.trust("server")));
      assertTrue(await(OtpResendClient.create(vertx, options).resend("id")).success());
    } finally {
      await(vertx.close());
    }
  }
}
