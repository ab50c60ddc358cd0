// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A verticle is replaced by another one of the same node while messages come to the address. */
class RedeploymentTest {
  private static final int ROUNDS = 30;
  private static final int AT_ONCE = 32;

  @Test
  void every_ask_is_answered_and_an_ask_that_nobody_served_says_that_nothing_was_sent() {
    Vertx vertx = Vertx.vertx();
    try (FaultServer server =
        FaultServer.onCountlessRequests(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendOptions options =
          new OtpResendOptions().setBaseUrl(server.baseUrl()).setToken("secret-token");
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
      System.out.printf(
          "%d redeployments: %d asks served, %d refused as not sent%n",
          ROUNDS, load.served.get(), load.refused.get());
    } finally {
      await(vertx.close());
    }
  }

  /** Asks over and over again, from an event loop of its own. */
  private static final class Load {
    final AtomicInteger served = new AtomicInteger();
    final AtomicInteger refused = new AtomicInteger();
    final AtomicReference<@Nullable ResendException> wrong = new AtomicReference<>();
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
                } else if (ResendException.from(cause).failure()
                    == ResendFailure.CONNECTION_FAILED) {
                  refused.incrementAndGet();
                } else {
                  wrong.set(ResendException.from(cause));
                }
                answered.incrementAndGet();
                if (!stopped) {
                  ask();
                }
              });
    }

    void stop() {
      stopped = true;
      eventually("every ask is answered", () -> answered.get() == asked.get());
    }
  }
}
