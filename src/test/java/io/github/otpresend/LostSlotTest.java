// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.eventually;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.internal.VertxInternal;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Connections that end as soon as they are made: of one in some hundreds Vert.x 5.2 loses track,
 * and its slot of the pool stays taken.
 */
class LostSlotTest {
  private static final int CLIENTS = 16;
  private static final int CALLS_OF_A_CLIENT = 250;

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
  void connections_that_are_reset_at_once_take_no_slot_and_no_place_for_good() {
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
          new OtpResendOptions()
              .setBaseUrl(server.baseUrl())
              .setToken("secret-token")
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

  /** One call after the other, whatever becomes of them. */
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

  /** Each from an event loop context of its own, as from one verticle after the other. */
  private Future<ResendResponse> resend(OtpResendClient client, String id) {
    Context context = ((VertxInternal) vertx).createEventLoopContext();
    Promise<ResendResponse> outcome = Promise.promise();
    context.runOnContext(v -> client.resend(id).onComplete(outcome));
    return outcome.future();
  }
}
