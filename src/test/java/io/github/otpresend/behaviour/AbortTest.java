// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.call;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.EventLoops;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.VertxInternal;
import io.vertx.junit5.VertxExtension;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Exchanges that end abnormally, for callers on different event loops. */
@ExtendWith(VertxExtension.class)
class AbortTest {
  private Vertx vertx;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
  }

  @Test
  void the_next_call_succeeds_after_a_body_that_is_too_long() {
    try (FaultServer server =
        FaultServer.onRequest(
            peer ->
                peer.write(
                    peer.head().contains("/long/")
                        ? FaultServer.response(201, " ".repeat(100))
                        : FaultServer.SUCCESS))) {
      OtpResendClient client =
          OtpResendClient.create(
              vertx, server.options().setMaxResponseBytes(50).setMaxConnections(1));
      Context first = ((VertxInternal) vertx).createEventLoopContext();
      Context second = ((VertxInternal) vertx).createEventLoopContext();

      assertTrue(await(resend(client, first, "id")).success());
      assertEquals(
          ResendFailure.INVALID_RESPONSE, failureOf(resend(client, second, "long")).failure());

      assertTrue(await(resend(client, first, "next")).success());
      await(client.close());
    }
  }

  @Test
  void a_call_succeeds_if_its_connection_closes_while_the_caller_is_busy() {
    vertx.exceptionHandler(thrown -> {});
    Context first = ((VertxInternal) vertx).createEventLoopContext();
    Context second = ((VertxInternal) vertx).createEventLoopContext();
    CountDownLatch received = new CountDownLatch(1);
    CountDownLatch callerIsBusy = new CountDownLatch(1);
    CountDownLatch connectionClosed = new CountDownLatch(1);
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              if (!peer.head().contains("/broken/")) {
                peer.write(FaultServer.SUCCESS);
                return;
              }
              received.countDown();
              peer.await(callerIsBusy);
              peer.write(FaultServer.SUCCESS);
              peer.finish();
              peer.silence(); // returns once the client has closed the connection too
              // Netty tells the client a turn later that its socket is closed
              first.runOnContext(v -> first.runOnContext(told -> connectionClosed.countDown()));
            })) {
      OtpResendOptions options = server.options().setMaxConnections(1);
      // the first context is on the event loop of the client
      OtpResendClient client = call(first, () -> OtpResendClient.create(vertx, options));
      assertTrue(await(resend(client, first, "id")).success());

      Future<ResendResponse> outcome = resend(client, second, "broken");
      eventually("the service is called", () -> received.getCount() == 0);
      second.runOnContext(
          v -> {
            callerIsBusy.countDown();
            for (int i = 0; i < 10_000 && connectionClosed.getCount() > 0; i++) {
              EventLoops.keepBusy(1_000_000); // spins, because an event loop must not block
            }
          });

      assertTrue(await(outcome).success());
      assertTrue(await(resend(client, second, "next")).success());
      await(client.close());
    }
  }

  private static Future<ResendResponse> resend(OtpResendClient client, Context context, String id) {
    Promise<ResendResponse> outcome = Promise.promise();
    context.runOnContext(v -> client.resend(id).onComplete(outcome));
    return outcome.future();
  }
}
