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
 * A test of a steady load for {@code -Dsoak.minutes} on a server that injects a fault into one call
 * in ten. At the end of each minute the load pauses until idle connections have expired. The
 * memory, threads and files that are in use then must not grow.
 */
@Tag("soak")
@ExtendWith(VertxExtension.class)
class SoakIT {
  private static final int MINUTES = Integer.getInteger("soak.minutes", 15);
  private static final int CALLS_PER_SECOND = 500;
  private static final int CALLS_PER_MINUTE = 50 * CALLS_PER_SECOND; // the rest is the pause
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
    server = new RandomFaults(seed, MINUTES * CALLS_PER_MINUTE);
    ledger = new Ledger(server, MINUTES * CALLS_PER_MINUTE);
    OtpResendOptions options =
        server
            .options()
            .setKeepAliveTimeout(Duration.ofSeconds(1))
            .setMaxPending(CALLS_PER_MINUTE); // so no call is refused while the machine is busy
    direct = OtpResendClient.create(vertx, options, RandomFaults.tokens());
    overBus = OtpResendClient.overEventBus(vertx, options);
    await(vertx.deployVerticle(new OtpResendVerticle(options, RandomFaults.tokens())));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void memory_threads_and_files_do_not_grow_under_a_steady_load_with_faults()
      throws InterruptedException {
    System.out.printf("soak: seed %d, %d minutes%n", seed, MINUTES);
    long[] heaps = new long[MINUTES];
    long[] threads = new long[MINUTES];
    long[] openFiles = new long[MINUTES];
    for (int minute = 0; minute < MINUTES; minute++) {
      load(minute * CALLS_PER_MINUTE, (minute + 1) * CALLS_PER_MINUTE);
      eventually("idle connections have expired", () -> server.openConnections() == 0);
      heaps[minute] = Vitals.heap();
      threads[minute] = Vitals.threads();
      openFiles[minute] = Vitals.openFiles();
      System.out.printf(
          "soak: minute %d, %d calls, heap %d kB, %d threads, %d open files, %s%n",
          minute + 1,
          (minute + 1) * CALLS_PER_MINUTE,
          heaps[minute] / 1_000,
          threads[minute],
          openFiles[minute],
          ledger.check(minute * CALLS_PER_MINUTE, (minute + 1) * CALLS_PER_MINUTE));
    }
    assertNoDrift("heap", heaps, 1.05);
    assertNoDrift("threads (now " + Vitals.threadNames() + ")", threads, 1);
    assertNoDrift("open files", openFiles, 1);
    await(Future.join(direct.close(), overBus.close()));
  }

  /** Starts the calls of a range at a steady rate, from several event loops in turn. */
  private void load(int from, int to) throws InterruptedException {
    AtomicInteger unfinished = new AtomicInteger(to - from);
    CountDownLatch started = new CountDownLatch(THREADS);
    long begin = System.nanoTime();
    for (int i = 0; i < THREADS; i++) {
      int[] call = {from + i};
      VertxInternal internal = (VertxInternal) vertx;
      internal
          .createEventLoopContext()
          .setPeriodic(
              5,
              timer -> {
                long due = from + CALLS_PER_SECOND * (System.nanoTime() - begin) / 1_000_000_000;
                for (; call[0] < Math.min(due, to); call[0] += THREADS) {
                  OtpResendClient client = call[0] / THREADS % 2 == 0 ? direct : overBus;
                  ledger.recordOutcome(
                      call[0], client.resend("" + call[0]), () -> unfinished.decrementAndGet());
                }
                if (call[0] >= to && vertx.cancelTimer(timer)) {
                  started.countDown();
                }
              });
    }
    assertTrue(started.await(2, TimeUnit.MINUTES), "not all calls were started in time");
    eventually("all calls have ended", () -> unfinished.get() == 0);
  }

  /** Compares the medians of the first and the last third. The first minute is not used. */
  private static void assertNoDrift(String what, long[] minutes, double factor) {
    int first = Math.min(1, minutes.length - 1);
    int third = Math.max(1, (minutes.length - first) / 3);
    long before = Vitals.median(Arrays.copyOfRange(minutes, first, first + third));
    long after = Vitals.median(Arrays.copyOfRange(minutes, minutes.length - third, minutes.length));
    assertTrue(after <= factor * before, what + " grew: " + Arrays.toString(minutes));
  }
}
