// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.VertxInternal;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Connections that end as soon as they are made. The pool of Vert.x 5.2 never frees the capacity of
 * some of them.
 */
@ExtendWith(VertxExtension.class)
class LostSlotIT {
  private static final int CLIENTS = 16;
  private static final int CALLS_OF_A_CLIENT = 250;

  private Vertx vertx;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
  }

  @Test
  void connections_that_are_reset_at_once_free_their_capacity() {
    AtomicBoolean faulty = new AtomicBoolean(true);
    FaultServer.Script script =
        peer -> {
          if (faulty.get()) {
            peer.reset();
          } else if (peer.readRequest()) {
            peer.write(FaultServer.SUCCESS);
          }
        };
    try (FaultServer server = FaultServer.onConnection(script)) {
      OtpResendOptions options =
          server
              .options()
              .setMaxConnections(1)
              .setMaxPending(0)
              .setTimeout(Duration.ofMillis(500))
              .setConnectTimeout(Duration.ofMillis(200))
              .setConnectAttempts(1);
      List<OtpResendClient> clients =
          Stream.generate(() -> OtpResendClient.create(vertx, options)).limit(CLIENTS).toList();
      AtomicInteger ended = new AtomicInteger();
      for (int i = 0; i < CLIENTS; i++) {
        reset(clients.get(i), "client-" + i + "-call-", CALLS_OF_A_CLIENT, ended);
      }
      while (ended.get() < CLIENTS * CALLS_OF_A_CLIENT) {
        int before = ended.get();
        eventually("another call has ended", () -> ended.get() > before);
      }

      faulty.set(false);

      for (OtpResendClient client : clients) {
        eventually(
            "there is room again",
            () -> {
              Future<ResendResponse> healthy = resend(client, "healthy");
              eventually("it ends", healthy::isComplete);
              return healthy.succeeded();
            });
        await(client.close());
      }
      server.awaitDisconnected();
    }
  }

  /** Makes one call after the other, with any outcome. */
  private void reset(OtpResendClient client, String id, int calls, AtomicInteger ended) {
    if (calls > 0) {
      resend(client, id + calls)
          .onComplete(
              outcome -> {
                ended.incrementAndGet();
                reset(client, id, calls - 1, ended);
              });
    }
  }

  /** Makes each call from another event-loop context, as different verticles do. */
  private Future<ResendResponse> resend(OtpResendClient client, String id) {
    Context context = ((VertxInternal) vertx).createEventLoopContext();
    Promise<ResendResponse> outcome = Promise.promise();
    context.runOnContext(v -> client.resend(id).onComplete(outcome));
    return outcome.future();
  }
}
