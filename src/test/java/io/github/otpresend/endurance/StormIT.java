// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.internal.VertxInternal;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A test of 100,000 calls to a server that injects a random fault into one call in ten. With the
 * same {@code -Dstorm.seed}, the same calls get the same faults.
 */
@ExtendWith(VertxExtension.class)
class StormIT {
  private static final int ROUNDS = 10;
  private static final int CALLS_PER_ROUND = 10_000;
  private static final int CALLS = ROUNDS * CALLS_PER_ROUND;
  private static final int IN_FLIGHT = 256;

  /** The number of calls, and of connections, that may still be open when a round ends. */
  private static final int MAX_LEFT_OPEN = IN_FLIGHT / 8;

  private static final int CONNECTIONS = 64; // for each of the two clients

  private final long seed = Long.getLong("storm.seed", ThreadLocalRandom.current().nextLong());
  private String figures = "storm: seed " + seed;
  private Vertx vertx;
  private RandomFaults server;
  private Ledger ledger;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server = new RandomFaults(seed, CALLS + CALLS_PER_ROUND);
    ledger = new Ledger(server, CALLS + CALLS_PER_ROUND);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void every_call_ends_once_and_is_sent_twice_only_after_a_401() {
    try {
      storm();
    } catch (AssertionError e) {
      throw new AssertionError(figures + "; " + e.getMessage(), e);
    }
  }

  private void storm() {
    // one extra round as a warm-up: it loads the classes and fills the caches
    rounds(ROUNDS, ROUNDS + 1);
    int openFiles = Vitals.openFiles();
    long begin = System.nanoTime();

    long[] heaps = rounds(0, ROUNDS);

    long millis = (System.nanoTime() - begin) / 1_000_000;
    Map<String, Integer> outcomes = ledger.check(0, CALLS);
    ledger.check(CALLS, CALLS + CALLS_PER_ROUND);
    long firstThird = Vitals.median(Arrays.copyOf(heaps, ROUNDS / 3));
    long lastThird = Vitals.median(Arrays.copyOfRange(heaps, ROUNDS - ROUNDS / 3, ROUNDS));
    figures +=
        ", %d calls in %d ms, open files %d then %d, heap %d kB then %d kB, %s"
            .formatted(
                CALLS,
                millis,
                openFiles,
                Vitals.openFiles(),
                firstThird / 1_000,
                lastThird / 1_000,
                outcomes);
    System.out.println(figures);
    assertTrue(outcomes.get("SUCCESS") > 0.5 * CALLS, outcomes::toString);
    assertEquals(firstThird, lastThird, 0.05 * firstThird, () -> Arrays.toString(heaps));
    // each event loop opens one socket for its resolver at its first connection
    int resolvers = VertxOptions.DEFAULT_EVENT_LOOP_POOL_SIZE;
    eventually("no other file is left open", () -> Vitals.openFiles() <= openFiles + resolvers);
  }

  /** Runs the rounds, closes the clients, and returns the used heap after each round. */
  private long[] rounds(int from, int to) {
    OtpResendOptions options =
        server.options().setMaxConnections(CONNECTIONS).setKeepAliveTimeout(Duration.ofSeconds(1));
    OtpResendClient direct = OtpResendClient.create(vertx, options, RandomFaults.tokens());
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx, options);
    String deployment =
        await(vertx.deployVerticle(new OtpResendVerticle(options, RandomFaults.tokens())));
    long[] heaps =
        IntStream.range(from, to)
            .mapToLong(
                round -> {
                  round(direct, overBus, round * CALLS_PER_ROUND);
                  // each open connection takes 22 kB, and their number is random
                  eventually(
                      "idle connections are closed",
                      () -> {
                        if (round < to - 1) { // after the last round the client closes them
                          server.closeIdleConnections();
                        }
                        return server.openConnections() <= MAX_LEFT_OPEN;
                      });
                  return Vitals.heap();
                })
            .toArray();
    await(overBus.close());
    await(vertx.undeploy(deployment));
    await(direct.close());
    eventually("no connection is open", () -> server.openConnections() == 0);
    return heaps;
  }

  /**
   * Makes the calls of one round, 256 at a time. Every second call goes over the event bus.
   *
   * @param first the number of the first call
   */
  private void round(OtpResendClient direct, OtpResendClient overBus, int first) {
    AtomicInteger next = new AtomicInteger(first);
    AtomicInteger ended = new AtomicInteger();
    class CallChain implements Runnable {
      @Override
      public void run() {
        int call = next.getAndIncrement();
        if (call < first + CALLS_PER_ROUND) {
          OtpResendClient client = call % 2 == 0 ? direct : overBus;
          ledger.recordOutcome(call, client.resend(Integer.toString(call)), this);
        } else {
          ended.incrementAndGet();
        }
      }
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
      ((VertxInternal) vertx).createEventLoopContext().runOnContext(v -> new CallChain().run());
    }
    // the last calls may wait for their deadlines during the next round
    while (ended.get() < IN_FLIGHT - MAX_LEFT_OPEN) {
      int before = next.get();
      eventually(
          "another call has ended",
          () -> next.get() != before || ended.get() >= IN_FLIGHT - MAX_LEFT_OPEN);
    }
  }
}
