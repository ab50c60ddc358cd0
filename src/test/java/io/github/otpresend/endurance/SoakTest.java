// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.internal.VertxInternal;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A steady load on a server that injects a fault into one call in ten, for {@code -Dsoak.minutes}.
 * Each minute ends with a pause in which idle connections expire. The resources that remain must
 * not grow.
 */
@Tag("soak")
@ExtendWith(VertxExtension.class)
class SoakTest {
  private static final int MINUTES = Integer.getInteger("soak.minutes", 15);
  private static final int CALLS_A_SECOND = 500;
  private static final int CALLS_A_MINUTE =
      50 * CALLS_A_SECOND; // the other ten seconds are the pause
  private static final int THREADS = 4;

  private final long seed = Long.getLong("soak.seed", ThreadLocalRandom.current().nextLong());
  private Vertx vertx;
  private RandomFaults server;
  private Ledger ledger;
  private OtpResendClient direct;
  private OtpResendClient overBus;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server = new RandomFaults(seed, MINUTES * CALLS_A_MINUTE);
    ledger = new Ledger(server, MINUTES * CALLS_A_MINUTE);
    OtpResendOptions options =
        server
            .options()
            .setKeepAliveTimeout(Duration.ofSeconds(1))
            .setMaxPending(
                CALLS_A_MINUTE); // so that a machine that is busy for a while causes no overload
    direct = OtpResendClient.create(vertx, options, RandomFaults.tokens());
    overBus = OtpResendClient.overEventBus(vertx, options);
    await(vertx.deployVerticle(new OtpResendVerticle(options, RandomFaults.tokens())));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void nothing_grows_under_a_steady_load_with_faults() throws InterruptedException {
    System.out.printf("soak: seed %d, %d minutes%n", seed, MINUTES);
    long[] heaps = new long[MINUTES];
    long[] threads = new long[MINUTES];
    long[] openFiles = new long[MINUTES];
    for (int minute = 0; minute < MINUTES; minute++) {
      load(minute * CALLS_A_MINUTE, (minute + 1) * CALLS_A_MINUTE);
      eventually("idle connections have expired", () -> server.openConnections() == 0);
      heaps[minute] = Vitals.heap();
      threads[minute] = Vitals.threads();
      openFiles[minute] = Vitals.openFiles();
      System.out.printf(
          "soak: minute %d, %d calls, heap %d kB, %d threads, %d open files, %s%n",
          minute + 1,
          (minute + 1) * CALLS_A_MINUTE,
          heaps[minute] / 1_000,
          threads[minute],
          openFiles[minute],
          ledger.check(minute * CALLS_A_MINUTE, (minute + 1) * CALLS_A_MINUTE));
    }
    assertNoDrift("heap", heaps, 1.05);
    assertNoDrift("threads (now " + Vitals.threadNames() + ")", threads, 1);
    assertNoDrift("open files", openFiles, 1);
    await(Future.join(direct.close(), overBus.close()));
  }

  /** Makes the calls at a constant rate, from several event loops in turn. */
  private void load(int from, int to) throws InterruptedException {
    AtomicInteger open = new AtomicInteger(to - from);
    CountDownLatch issued = new CountDownLatch(THREADS);
    long begin = System.nanoTime();
    for (int i = 0; i < THREADS; i++) {
      int[] call = {from + i};
      VertxInternal internal = (VertxInternal) vertx;
      internal
          .createEventLoopContext()
          .setPeriodic(
              5,
              timer -> {
                long due = from + CALLS_A_SECOND * (System.nanoTime() - begin) / 1_000_000_000;
                for (; call[0] < Math.min(due, to); call[0] += THREADS) {
                  OtpResendClient client = call[0] / THREADS % 2 == 0 ? direct : overBus;
                  ledger.await(call[0], client.resend("" + call[0]), () -> open.decrementAndGet());
                }
                if (call[0] >= to && vertx.cancelTimer(timer)) {
                  issued.countDown();
                }
              });
    }
    assertTrue(issued.await(2, TimeUnit.MINUTES), "the load did not come about");
    eventually("all calls have ended", () -> open.get() == 0);
  }

  /**
   * Returns the growth from the median of the first third to that of the last third, without the
   * first minute.
   */
  private static void assertNoDrift(String what, long[] minutes, double factor) {
    int first = Math.min(1, minutes.length - 1);
    int third = Math.max(1, (minutes.length - first) / 3);
    long before = Vitals.median(Arrays.copyOfRange(minutes, first, first + third));
    long after = Vitals.median(Arrays.copyOfRange(minutes, minutes.length - third, minutes.length));
    assertTrue(after <= factor * before, what + " grew: " + Arrays.toString(minutes));
  }
}
