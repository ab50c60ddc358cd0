// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.causeOf;
import static io.github.otpresend.Calls.eventually;
import static io.github.otpresend.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A verticle's life, from its configuration to its last socket. */
class VerticleTest {
  private static final String NAME = "io.github.otpresend.OtpResendVerticle";

  private Vertx vertx;

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
  }

  @AfterEach
  void stop() {
    await(vertx.close());
  }

  private static DeploymentOptions config(FaultServer server) {
    return new DeploymentOptions()
        .setConfig(
            new JsonObject()
                .put("baseUrl", server.baseUrl())
                .put("token", "secret-token")
                .put("address", "codes.again")
                .put("timeout", 5_000));
  }

  @Test
  void deployed_by_its_class_name_it_serves_the_configured_address() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      await(vertx.deployVerticle(NAME, config(server)));
      assertEquals(
          new JsonObject().put("success", true),
          await(vertx.eventBus().request("codes.again", "id")).body());
      assertEquals(1, server.requests().size());
    }
  }

  @Test
  void three_instances_share_the_address() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      await(vertx.deployVerticle(NAME, config(server).setInstances(3)));
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 30; i++) {
        all.add(vertx.eventBus().request("codes.again", "id-" + i));
      }
      await(Future.all(all));
      assertEquals(30, server.requests().size());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {}                                                  | token
          {"token": "a b"}                                    | token
          {"token": 5}                                        | token
          {"token": "t", "timeout": 0}                        | timeout
          {"token": "t", "timeout": "10 s"}                   | timeout
          {"token": "t", "baseUrl": "http://otp.example.org"} | baseUrl
          {"token": "t", "retries": 3}                        | retries
          {"token": "t", "timeout": 5, "connectTimeout": 6}   | connectTimeout
          """)
  void a_bad_configuration_fails_the_deployment_and_names_the_key(String json, String key) {
    Throwable failure =
        causeOf(
            vertx.deployVerticle(NAME, new DeploymentOptions().setConfig(new JsonObject(json))));
    assertInstanceOf(IllegalArgumentException.class, failure);
    assertTrue(failure.getMessage().contains(key), failure.getMessage());
    assertFalse(failure.getMessage().contains("a b"), failure.getMessage());
    ReplyException unserved =
        assertInstanceOf(
            ReplyException.class, causeOf(vertx.eventBus().request("otp.resend", "id")));
    assertEquals(ReplyFailure.NO_HANDLERS, unserved.failureType());
  }

  @Test
  void while_it_is_not_deployed_a_resend_is_refused_as_closed() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendVerticle verticle =
          new OtpResendVerticle(
              new OtpResendOptions().setBaseUrl(server.baseUrl()).setToken("secret-token"));
      assertEquals(ResendFailure.CLOSED, failureOf(verticle.resend("id")).failure());
      String deployment = await(vertx.deployVerticle(verticle));
      assertTrue(await(verticle.resend("id")).success());
      await(vertx.undeploy(deployment));
      assertEquals(ResendFailure.CLOSED, failureOf(verticle.resend("id")).failure());
      assertEquals(1, server.requests().size());
    }
  }

  @Test
  void a_token_provider_is_asked_for_every_resend() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      int[] asked = {0};
      OtpResendVerticle verticle =
          new OtpResendVerticle(
              new OtpResendOptions().setBaseUrl(server.baseUrl()),
              () -> Future.succeededFuture("secret-token-" + ++asked[0]));
      await(vertx.deployVerticle(verticle));
      await(verticle.resend("one"));
      await(verticle.resend("two"));
      assertTrue(server.requests().get(1).contains("Bearer secret-token-2\r\n"));
    }
  }

  @Test
  void undeploying_unbinds_first_then_lets_the_call_in_flight_reply_then_closes_the_sockets() {
    CountDownLatch answer = new CountDownLatch(1);
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              peer.await(answer);
              peer.write(FaultServer.SUCCESS);
            })) {
      String deployment = await(vertx.deployVerticle(NAME, config(server)));
      Future<?> reply = vertx.eventBus().request("codes.again", "id");
      eventually("the request is there", () -> server.requests().size() == 1);

      Future<Void> undeployed = vertx.undeploy(deployment);
      eventually(
          "the address is unbound",
          () ->
              causeOf(vertx.eventBus().request("codes.again", ".."))
                      instanceof ReplyException unserved
                  && unserved.failureType() == ReplyFailure.NO_HANDLERS);
      assertFalse(undeployed.isComplete());
      assertFalse(reply.isComplete());
      assertEquals(1, server.openConnections());

      answer.countDown();
      await(reply);
      await(undeployed);
      server.awaitDisconnected();
      assertEquals(1, server.requests().size());
    }
  }
}
