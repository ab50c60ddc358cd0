// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.LogCapture;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.junit5.VertxExtension;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A canary as the token: it is in no log at any level, and in nothing that a caller receives. */
@ExtendWith(VertxExtension.class)
class SecretsTest {
  private static final String CANARY = "canary-token-4711";

  private Vertx vertx;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
  }

  static Stream<FaultServer.Script> echoes() {
    String json =
        "{\"type\":\"New%s\",\"message\":\"Bearer %s\",\"payload\":{\"%s\":[\"%s\"]}}"
            .replace("%s", CANARY);
    return Stream.of(
        peer -> peer.write(FaultServer.response(400, json)),
        peer -> peer.write(FaultServer.response(503, json)),
        peer -> peer.write(FaultServer.response(201, json)),
        peer -> peer.write(FaultServer.response(401, "X-Echo: " + CANARY, json)),
        peer -> peer.write(FaultServer.response(302, "Location: /" + CANARY, "")),
        peer -> peer.write(FaultServer.response(429, "Retry-After: " + CANARY, "")),
        peer -> peer.write("HTTP/1.1 201 " + CANARY + "\r\nContent-Length: x\r\n\r\n"),
        FaultServer.Peer::close,
        FaultServer.Peer::reset,
        FaultServer.Peer::silence);
  }

  @ParameterizedTest
  @MethodSource("echoes")
  void the_token_is_not_shown_if_the_service_repeats_it(FaultServer.Script script) {
    try (FaultServer server = FaultServer.onRequest(script);
        LogCapture log = LogCapture.ofAll()) {
      OtpResendOptions options =
          new OtpResendOptions()
              .setBaseUrl(server.baseUrl())
              .setToken(CANARY)
              .setTimeout(Duration.ofSeconds(2))
              .setWebClient(new WebClientOptions().setLogActivity(true));
      OtpResendVerticle verticle = new OtpResendVerticle(options);
      await(vertx.deployVerticle(verticle));

      List<Future<?>> calls = // together, because a silent service ends each by its deadline
          List.of(
              verticle.resend("one"),
              vertx.eventBus().request("otp.resend", "two"),
              OtpResendClient.overEventBus(vertx).resend("three"));
      calls.forEach(call -> assertKept(causeOf(call)));

      assertTrue(server.requests().stream().allMatch(head -> head.contains(CANARY)));
      assertFalse(log.text().isEmpty());
      assertFalse(log.text().contains(CANARY), "the token is in a log");
    }
  }

  @Test
  void the_first_token_is_not_shown_if_the_second_answer_repeats_it() {
    String json = "{\"type\":\"UnauthorizedException\",\"message\":\"not " + CANARY + "\"}";
    try (FaultServer server =
        FaultServer.onRequest(peer -> peer.write(FaultServer.response(401, json)))) {
      Iterator<String> tokens = List.of(CANARY, "another-token").iterator();
      OtpResendClient client =
          OtpResendClient.create(
              vertx,
              new OtpResendOptions().setBaseUrl(server.baseUrl()),
              () -> Future.succeededFuture(tokens.next()));
      assertKept(causeOf(client.resend("id")));
      assertEquals(2, server.requests().size());
    }
  }

  static Stream<TokenProvider> talkative() {
    return Stream.of(
        () -> {
          throw new IllegalStateException(CANARY);
        },
        () -> Future.failedFuture(new IllegalStateException(CANARY)),
        () -> Future.failedFuture(CANARY),
        () -> Future.succeededFuture(CANARY + "\r\nX-Evil: 1"),
        () -> Future.succeededFuture(CANARY + " "));
  }

  @ParameterizedTest
  @MethodSource("talkative")
  void the_token_is_not_shown_if_the_failure_of_the_provider_has_it(TokenProvider tokens) {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS));
        LogCapture log = LogCapture.ofAll()) {
      OtpResendOptions options = new OtpResendOptions().setBaseUrl(server.baseUrl());
      OtpResendVerticle verticle = new OtpResendVerticle(options, tokens);
      await(vertx.deployVerticle(verticle));

      assertKept(causeOf(verticle.resend("one")));
      assertKept(causeOf(vertx.eventBus().request("otp.resend", "two")));

      assertFalse(log.text().contains(CANARY), "the token is in a log");
    }
  }

  @Test
  void the_token_is_not_shown_if_the_configuration_is_refused() {
    try (LogCapture log = LogCapture.ofAll()) {
      for (JsonObject config :
          new JsonObject[] {
            new JsonObject().put("token", CANARY + "\n"),
            new JsonObject().put("token", new JsonObject().put("value", CANARY)),
            new JsonObject().put("token", CANARY).put("timeout", -1),
            new JsonObject().put("token", CANARY).put("retries", 3)
          }) {
        assertKept(
            causeOf(
                vertx.deployVerticle(
                    "io.github.otpresend.OtpResendVerticle",
                    new DeploymentOptions().setConfig(config))));
      }
      assertFalse(log.text().contains(CANARY), "the token is in a log");
    }
  }

  @Test
  void the_password_of_redis_is_not_shown_if_redis_is_not_reached() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS));
        LogCapture log = LogCapture.ofAll()) {
      for (String host : List.of("127.0.0.1:1", "redis.invalid")) {
        OtpResendOptions options = server.options().setRedis("redis://:" + CANARY + "@" + host);
        OtpResendClient client = OtpResendClient.create(vertx, options);
        assertKept(causeOf(client.resend("id")));
      }
      assertEquals(List.of(), server.requests());
      assertTrue(log.text().contains("redis: the password travels in clear text"));
      assertFalse(log.text().contains(CANARY), "the password is in a log");
    }
  }

  @Test
  void options_do_not_print_the_token_or_the_password_of_redis() {
    OtpResendOptions options =
        new OtpResendOptions().setToken(CANARY).setRedis("redis://:" + CANARY + "@localhost");
    assertFalse(options.toString().contains(CANARY));
  }

  private static void assertKept(Throwable failure) {
    StringWriter all = new StringWriter();
    failure.printStackTrace(new PrintWriter(all)); // with every cause and suppressed exception
    assertFalse(all.toString().contains(CANARY), "the token is in an exception");
    String json = ResendException.from(failure).toJson().encode();
    assertFalse(json.contains(CANARY), "the token is in the JSON of a failure");
  }
}
