// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.call;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.NodeProcess;
import io.github.otpresend.testing.TestCluster;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A test with ten times the load that a client and its server can handle. */
@ExtendWith(VertxExtension.class)
class OverloadIT {
  private static final Duration SERVER_DELAY = Duration.ofMillis(20);
  private static final int CONNECTIONS = 8;
  private static final int PENDING = 8;
  private static final int CAPACITY = CONNECTIONS + PENDING;
  private static final int CALLS_PER_MILLISECOND = 4; // ten times 8 connections / 20 ms
  private static final Duration OVERLOAD_DURATION = Duration.ofSeconds(5);

  private Vertx vertx;

  /**
   * The context of the client. The excess calls start there too, so the latency of a refusal
   * excludes the time for which the machine runs no thread of this event loop.
   */
  private Context context;

  private FaultServer server;
  private OtpResendClient client;
  private final AtomicInteger calls = new AtomicInteger();

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server =
        FaultServer.onCountlessRequests(
            peer -> {
              try {
                Thread.sleep(SERVER_DELAY.toMillis());
              } catch (InterruptedException e) {
                throw new InterruptedIOException();
              }
              peer.write(FaultServer.SUCCESS);
            });
    context = vertx.getOrCreateContext();
    client =
        call(
            context,
            () ->
                OtpResendClient.create(
                    vertx, server.options().setMaxConnections(CONNECTIONS).setMaxPending(PENDING)));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void accepted_calls_stay_fast_and_excess_calls_are_refused_at_once() {
    Tally atCapacity = new Tally();
    Tally overloaded = new Tally();
    runAtCapacity(new Tally(), OVERLOAD_DURATION.dividedBy(5)); // loads the classes, connects
    runAtCapacity(atCapacity, OVERLOAD_DURATION.dividedBy(3));
    long heapBefore = Vitals.heap();

    overload(overloaded);

    long heapAfter = Vitals.heap();
    String figures =
        "overload: at capacity %s; overloaded %s; heap %d kB then %d kB"
            .formatted(atCapacity, overloaded, heapBefore / 1_000, heapAfter / 1_000);
    System.out.println(figures);
    assertEquals(0, atCapacity.refused.count() + atCapacity.failed.get(), figures);
    assertEquals(0, overloaded.failed.get(), figures);
    int offered = overloaded.accepted.count() + overloaded.refused.count();
    assertTrue(offered > 7 * overloaded.accepted.count(), "not overloaded: " + figures);
    assertTrue(overloaded.accepted.count() > 2 * atCapacity.accepted.count(), figures);
    assertTrue(
        overloaded.accepted.micros(0.5) < 2 * atCapacity.accepted.micros(0.5),
        "accepted calls are slower: " + figures);
    assertTrue(
        overloaded.accepted.micros(0.99) < 5 * atCapacity.accepted.micros(0.99),
        "some accepted calls are slower: " + figures);
    assertTrue(
        overloaded.refused.micros(0.99) < SERVER_DELAY.toNanos() / 1_000,
        "refused late: " + figures);
    assertTrue(heapAfter < 1.025 * heapBefore, "the heap grew: " + figures);
    // after the overload, the client accepts as many calls as its capacity at the first attempt
    List<Future<ResendResponse>> next = new ArrayList<>();
    for (int i = 0; i < CAPACITY; i++) {
      next.add(client.resend("next-" + i));
    }
    next.forEach(call -> assertTrue(await(call).success()));
  }

  @Test
  void a_million_calls_from_a_plain_thread_do_not_fill_a_heap_of_256_mb() {
    try (NodeProcess process = // its heap has 256 MB
        new NodeProcess(
            List.of(),
            TestCluster.classPath(entry -> true),
            List.of("-XX:+ExitOnOutOfMemoryError", ManyCalls.class.getName(), server.baseUrl()))) {
      String line = process.line("ended: ");
      System.out.println(line);
      assertEquals(0, process.awaitEnd(), process::toString);
      assertTrue(!line.startsWith("ended: 0 "), line);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void two_hundred_thousand_calls_for_one_id_delay_no_call_for_another(boolean singleFlight) {
    OtpResendClient crowded =
        OtpResendClient.create(
            vertx, server.options().setMaxPending(1_000_000).setSingleFlight(singleFlight));
    await(crowded.resend("first"));
    CountDownLatch ended = new CountDownLatch(200_000);
    for (int i = 0; i < 200_000; i++) {
      crowded.resend("id").onComplete(done -> ended.countDown());
    }
    long begin = System.nanoTime();
    assertTrue(await(crowded.resend("another")).success());
    long millis = (System.nanoTime() - begin) / 1_000_000;
    System.out.printf("a call behind 200,000 calls for another id took %d ms%n", millis);
    assertTrue(millis < 2_000, millis + " ms");
    eventually("all have ended", () -> ended.getCount() == 0);
  }

  /** Keeps as many calls in flight as the client accepts: each call is followed by another. */
  private void runAtCapacity(Tally tally, Duration duration) {
    long end = System.nanoTime() + duration.toNanos();
    CountDownLatch chains = new CountDownLatch(CAPACITY);
    class CallChain implements Runnable {
      @Override
      public void run() {
        if (System.nanoTime() < end) {
          // the place of the ended call is free only after its outcome was delivered
          resend(tally).onComplete(done -> vertx.runOnContext(v -> run()));
        } else {
          chains.countDown();
        }
      }
    }
    for (int i = 0; i < CAPACITY; i++) {
      vertx.runOnContext(v -> new CallChain().run());
    }
    eventually("all calls have ended", () -> chains.getCount() == 0);
  }

  /** Starts a fixed number of calls each millisecond, and does not wait for their outcomes. */
  private void overload(Tally tally) {
    long begin = System.nanoTime();
    int[] offered = {0};
    CountDownLatch allStarted = new CountDownLatch(1);
    context.runOnContext(
        v ->
            vertx.setPeriodic(
                1,
                timer -> {
                  long nanos = System.nanoTime() - begin;
                  while (offered[0] < CALLS_PER_MILLISECOND * (nanos / 1_000_000)) {
                    offered[0]++;
                    resend(tally);
                  }
                  if (nanos > OVERLOAD_DURATION.toNanos()) {
                    vertx.cancelTimer(timer);
                    allStarted.countDown();
                  }
                }));
    eventually("all calls have started", () -> allStarted.getCount() == 0);
    eventually("all calls have ended", () -> tally.ended() == offered[0]);
  }

  private Future<ResendResponse> resend(Tally tally) {
    long begin = System.nanoTime();
    return client
        .resend("id-" + calls.getAndIncrement())
        .onComplete(
            (response, failure) -> {
              long nanos = System.nanoTime() - begin;
              if (failure == null) {
                tally.accepted.add(nanos);
              } else if (failure instanceof ResendException e
                  && e.failure() == ResendFailure.OVERLOADED) {
                tally.refused.add(nanos);
              } else {
                tally.failed.incrementAndGet();
              }
            });
  }

  /** The outcomes of the calls in one phase of the test. */
  private static final class Tally {
    private final Latencies accepted = new Latencies();
    private final Latencies refused = new Latencies();
    private final AtomicInteger failed = new AtomicInteger();

    int ended() {
      return accepted.count() + refused.count() + failed.get();
    }

    @Override
    public String toString() {
      return "accepted " + accepted + ", refused " + refused + ", failed " + failed;
    }
  }

  /** The durations of calls. The array has a fixed size, so the heap does not grow with them. */
  private static final class Latencies {
    private final long[] nanos = new long[100_000];
    private int count;

    synchronized void add(long duration) {
      nanos[count++] = duration;
    }

    synchronized int count() {
      return count;
    }

    synchronized long micros(double quantile) {
      long[] sorted = Arrays.copyOf(nanos, count);
      Arrays.sort(sorted);
      return count == 0 ? 0 : sorted[(int) (quantile * (count - 1))] / 1_000;
    }

    @Override
    public String toString() {
      return "%d (median %d µs, p99 %d µs)".formatted(count(), micros(0.5), micros(0.99));
    }
  }
}
