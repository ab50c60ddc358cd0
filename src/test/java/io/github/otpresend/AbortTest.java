// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.eventually;
import static io.github.otpresend.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.VertxInternal;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An exchange that ends on another event loop than its connection's. */
class AbortTest {
  private Vertx vertx;

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
  }

  @AfterEach
  void stop() {
    await(vertx.close());
  }

  @Test
  void a_body_too_long_that_came_at_once_leaves_the_connection_to_the_next_call() {
    try (FaultServer server =
        FaultServer.onRequest(
            peer ->
                peer.write(
                    peer.head().contains("/long/")
                        ? FaultServer.response(201, " ".repeat(100))
                        : FaultServer.SUCCESS))) {
      OtpResendClient client =
          OtpResendClient.create(
              vertx,
              new OtpResendOptions()
                  .setBaseUrl(server.baseUrl())
                  .setToken("secret-token")
                  .setMaxResponseBytes(50)
                  .setMaxConnections(1));
      Context one = ((VertxInternal) vertx).createEventLoopContext();
      Context another = ((VertxInternal) vertx).createEventLoopContext();

      assertTrue(await(resend(client, one, "id")).success());
      assertEquals(
          ResendFailure.INVALID_RESPONSE, failureOf(resend(client, another, "long")).failure());

      assertTrue(await(resend(client, one, "next")).success());
      await(client.close());
    }
  }

  @Test
  void a_connection_that_broke_while_its_answer_waited_for_the_caller_leaves_the_outcome() {
    vertx.exceptionHandler(thrown -> {});
    Context one = ((VertxInternal) vertx).createEventLoopContext();
    Context another = ((VertxInternal) vertx).createEventLoopContext();
    CountDownLatch sent = new CountDownLatch(1);
    CountDownLatch busy = new CountDownLatch(1);
    CountDownLatch broken = new CountDownLatch(1);
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              if (!peer.head().contains("/broken/")) {
                peer.write(FaultServer.SUCCESS);
                return;
              }
              sent.countDown();
              peer.await(busy);
              peer.write(FaultServer.SUCCESS);
              peer.finish();
              peer.silence(); // until the client has closed it too
              one.runOnContext(v -> broken.countDown()); // after it has said so to all
            })) {
      OtpResendClient client =
          OtpResendClient.create(
              vertx,
              new OtpResendOptions()
                  .setBaseUrl(server.baseUrl())
                  .setToken("secret-token")
                  .setMaxConnections(1));
      assertTrue(await(resend(client, one, "id")).success());

      Future<ResendResponse> outcome = resend(client, another, "broken");
      eventually("the request is there", () -> sent.getCount() == 0);
      another.runOnContext(
          v -> {
            busy.countDown();
            for (int i = 0; i < 10_000 && broken.getCount() > 0; i++) {
              EventLoops.keepBusy(1_000_000); // no event loop may wait, not even here
            }
          });

      assertTrue(await(outcome).success());
      assertTrue(await(resend(client, another, "next")).success());
      await(client.close());
    }
  }

  private static Future<ResendResponse> resend(OtpResendClient client, Context context, String id) {
    Promise<ResendResponse> outcome = Promise.promise();
    context.runOnContext(v -> client.resend(id).onComplete(outcome));
    return outcome.future();
  }
}
