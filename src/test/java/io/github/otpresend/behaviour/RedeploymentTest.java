// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A verticle is replaced by another verticle of the same node while messages arrive. */
class RedeploymentTest {
  private static final int ROUNDS = 30;
  private static final int AT_ONCE = 48;

  @Test
  void every_message_is_served_during_redeployments() {
    Vertx vertx = Vertx.vertx();
    try (FaultServer server =
        FaultServer.onCountlessRequests(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendOptions options = server.options();
      String deployed = await(vertx.deployVerticle(new OtpResendVerticle(options)));
      Load load = new Load(vertx);
      load.start();
      for (int i = 0; i < ROUNDS; i++) {
        int before = load.served.get();
        eventually("it is served", () -> load.served.get() > before + AT_ONCE);
        String next = await(vertx.deployVerticle(new OtpResendVerticle(options)));
        await(vertx.undeploy(deployed));
        deployed = next;
      }
      load.stop();
      assertNull(load.wrong.get());
      System.out.printf("%d redeployments: %d asks served%n", ROUNDS, load.served.get());
    } finally {
      await(vertx.close());
    }
  }

  /** Sends messages without a pause, from its own event loop. */
  private static final class Load {
    final AtomicInteger served = new AtomicInteger();
    final AtomicReference<@Nullable Throwable> wrong = new AtomicReference<>();
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger answered = new AtomicInteger();
    private final Context context;
    private final OtpResendClient client;
    private volatile boolean stopped;

    Load(Vertx vertx) {
      context = vertx.getOrCreateContext();
      client = OtpResendClient.overEventBus(vertx);
    }

    void start() {
      for (int i = 0; i < AT_ONCE; i++) {
        context.runOnContext(v -> ask());
      }
    }

    private void ask() {
      client
          .resend("id-" + asked.incrementAndGet())
          .onComplete(
              (response, cause) -> {
                if (cause == null) {
                  served.incrementAndGet();
                } else {
                  wrong.set(cause);
                }
                answered.incrementAndGet();
                if (!stopped) {
                  ask();
                }
              });
    }

    void stop() {
      stopped = true;
      eventually("every message is answered", () -> answered.get() == asked.get());
    }
  }
}
