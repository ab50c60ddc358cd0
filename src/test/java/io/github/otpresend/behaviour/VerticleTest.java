// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.VertxExtension;
import io.vertx.junit5.VertxTestContext;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The life of a verticle, from its configuration to its last connection. */
@ExtendWith(VertxExtension.class)
class VerticleTest {
  private static final String NAME = "io.github.otpresend.OtpResendVerticle";

  private final CountDownLatch answer = new CountDownLatch(1);
  private Vertx vertx;
  private FaultServer server;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server =
        FaultServer.onRequest(
            peer -> {
              if (peer.head().contains("/held/")) {
                peer.await(answer);
              }
              peer.write(FaultServer.SUCCESS);
            });
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private DeploymentOptions config() {
    return new DeploymentOptions()
        .setConfig(server.config().put("address", "codes.again").put("timeout", 5_000));
  }

  @Test
  void the_verticle_is_deployed_by_its_class_name_and_serves_its_address(VertxTestContext test) {
    vertx
        .deployVerticle(NAME, config())
        .compose(id -> vertx.eventBus().request("codes.again", "id"))
        .onComplete(
            test.succeeding(
                reply ->
                    test.verify(
                        () -> {
                          assertEquals(new JsonObject().put("success", true), reply.body());
                          assertEquals(1, server.requests().size());
                          test.completeNow();
                        })));
  }

  @Test
  void three_instances_share_the_address(VertxTestContext test) {
    vertx
        .deployVerticle(NAME, config().setInstances(3))
        .compose(
            id ->
                Future.all(
                    IntStream.range(0, 30)
                        .mapToObj(i -> vertx.eventBus().request("codes.again", "id-" + i))
                        .toList()))
        .onComplete(
            test.succeeding(
                replies ->
                    test.verify(
                        () -> {
                          assertEquals(30, server.requests().size());
                          test.completeNow();
                        })));
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
  void a_bad_configuration_fails_the_deployment_and_names_the_key(
      String json, String key, VertxTestContext test) {
    vertx
        .deployVerticle(NAME, new DeploymentOptions().setConfig(new JsonObject(json)))
        .onFailure(
            failure ->
                test.verify(
                    () -> {
                      assertInstanceOf(IllegalArgumentException.class, failure);
                      assertTrue(failure.getMessage().contains(key), failure.getMessage());
                      assertFalse(failure.getMessage().contains("a b"), failure.getMessage());
                    }))
        .transform(deployed -> vertx.eventBus().request("otp.resend", "id"))
        .onComplete(
            test.failing(
                failure ->
                    test.verify(
                        () -> {
                          ReplyException notServed =
                              assertInstanceOf(ReplyException.class, failure);
                          assertEquals(ReplyFailure.NO_HANDLERS, notServed.failureType());
                          test.completeNow();
                        })));
  }

  @Test
  void a_verticle_that_is_not_deployed_fails_a_resend_as_closed(VertxTestContext test) {
    OtpResendVerticle verticle = new OtpResendVerticle(server.options());
    assertEquals(ResendFailure.CLOSED, failureOf(verticle.resend("id")).failure());
    vertx
        .deployVerticle(verticle)
        .compose(id -> verticle.resend("id").compose(response -> vertx.undeploy(id)))
        .compose(undeployed -> verticle.resend("id"))
        .onComplete(
            test.failing(
                failure ->
                    test.verify(
                        () -> {
                          assertEquals(
                              ResendFailure.CLOSED, ResendException.from(failure).failure());
                          assertEquals(1, server.requests().size());
                          test.completeNow();
                        })));
  }

  @Test
  void the_token_provider_is_called_for_each_resend(VertxTestContext test) {
    int[] calls = {0};
    OtpResendVerticle verticle =
        new OtpResendVerticle(
            new OtpResendOptions().setBaseUrl(server.baseUrl()),
            () -> Future.succeededFuture("secret-token-" + ++calls[0]));
    vertx
        .deployVerticle(verticle)
        .compose(id -> verticle.resend("one"))
        .compose(response -> verticle.resend("two"))
        .onComplete(
            test.succeeding(
                response ->
                    test.verify(
                        () -> {
                          assertTrue(
                              server.requests().get(1).contains("Bearer secret-token-2\r\n"));
                          test.completeNow();
                        })));
  }

  @Test
  void an_undeployment_unregisters_the_address_then_ends_the_calls_then_closes_the_connections() {
    String deployment = await(vertx.deployVerticle(NAME, config()));
    Future<?> reply = vertx.eventBus().request("codes.again", "held");
    eventually("the service is called", () -> server.requests().size() == 1);

    Future<Void> undeployed = vertx.undeploy(deployment);
    eventually(
        "the address has no consumer",
        () ->
            causeOf(vertx.eventBus().request("codes.again", ".."))
                    instanceof ReplyException notServed
                && notServed.failureType() == ReplyFailure.NO_HANDLERS);
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
