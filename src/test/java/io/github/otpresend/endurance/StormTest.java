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
 * Very many calls to a server that injects a random fault into one call in ten. {@code
 * -Dstorm.seed} repeats the faults.
 */
@ExtendWith(VertxExtension.class)
class StormTest {
  private static final int ROUNDS = 10;
  private static final int CALLS_OF_A_ROUND = 10_000;
  private static final int CALLS = ROUNDS * CALLS_OF_A_ROUND;
  private static final int IN_FLIGHT = 256;
  private static final int FEW = IN_FLIGHT / 16;
  private static final int CONNECTIONS = 64; // for each of the two clients

  private final long seed = Long.getLong("storm.seed", ThreadLocalRandom.current().nextLong());
  private Vertx vertx;
  private RandomFaults server;
  private Ledger ledger;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server = new RandomFaults(seed, CALLS + CALLS_OF_A_ROUND);
    ledger = new Ledger(server, CALLS + CALLS_OF_A_ROUND);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void every_call_of_a_storm_ends_once_and_is_sent_at_most_once() {
    System.out.println("storm: seed " + seed);
    // the first round loads the classes and fills the caches
    rounds(ROUNDS, ROUNDS + 1);
    int openFiles = Vitals.openFiles();
    long begin = System.nanoTime();

    long[] heaps = rounds(0, ROUNDS);

    long millis = (System.nanoTime() - begin) / 1_000_000;
    Map<String, Integer> outcomes = ledger.check(0, CALLS);
    ledger.check(CALLS, CALLS + CALLS_OF_A_ROUND);
    long firstThird = Vitals.median(Arrays.copyOf(heaps, ROUNDS / 3));
    long lastThird = Vitals.median(Arrays.copyOfRange(heaps, ROUNDS - ROUNDS / 3, ROUNDS));
    System.out.printf(
        "storm: %d calls in %d ms, open files %d then %d, heap %d kB then %d kB, %s%n",
        CALLS,
        millis,
        openFiles,
        Vitals.openFiles(),
        firstThird / 1_000,
        lastThird / 1_000,
        outcomes);
    assertTrue(outcomes.get("SUCCESS") > 0.5 * CALLS, outcomes::toString);
    assertEquals(firstThird, lastThird, 0.05 * firstThird, () -> Arrays.toString(heaps));
    // the resolver opens a socket for each event loop that connects
    int resolvers = VertxOptions.DEFAULT_EVENT_LOOP_POOL_SIZE;
    eventually("no file is left open", () -> Vitals.openFiles() <= openFiles + resolvers);
  }

  /** Returns the used heap after each round. */
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
                  round(direct, overBus, round * CALLS_OF_A_ROUND);
                  // each connection takes 22 kB, and the number of open connections is random
                  eventually(
                      "idle connections have expired", () -> server.openConnections() <= FEW);
                  return Vitals.heap();
                })
            .toArray();
    await(overBus.close());
    await(vertx.undeploy(deployment));
    await(direct.close());
    eventually("no connection is left", () -> server.openConnections() == 0);
    return heaps;
  }

  /**
   * Makes calls from a number on, a fixed number at a time, every second call over the event bus.
   */
  private void round(OtpResendClient direct, OtpResendClient overBus, int first) {
    AtomicInteger next = new AtomicInteger(first);
    AtomicInteger ended = new AtomicInteger();
    class Lane implements Runnable {
      @Override
      public void run() {
        int call = next.getAndIncrement();
        if (call < first + CALLS_OF_A_ROUND) {
          OtpResendClient client = call % 2 == 0 ? direct : overBus;
          ledger.await(call, client.resend(Integer.toString(call)), this);
        } else {
          ended.incrementAndGet();
        }
      }
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
      ((VertxInternal) vertx).createEventLoopContext().runOnContext(v -> new Lane().run());
    }
    // calls that wait for their deadline may end during the next round
    while (ended.get() < IN_FLIGHT - FEW) {
      int before = next.get();
      eventually(
          "another call has ended", () -> next.get() != before || ended.get() >= IN_FLIGHT - FEW);
    }
  }
}
