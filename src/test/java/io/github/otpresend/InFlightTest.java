// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class InFlightTest {
  private final InFlight inFlight = new InFlight();

  @Test
  void calls_are_accepted_until_the_close() {
    for (int i = 0; i < 1_000; i++) {
      assertDoesNotThrow(inFlight::enter);
    }
  }

  @Test
  void a_call_after_the_close_is_refused_as_closed() {
    inFlight.close();
    ResendException refusal = assertThrows(ResendException.class, inFlight::enter);
    assertEquals(ResendFailure.CLOSED, refusal.failure());
    assertFalse(refusal.maybeSent());
  }

  @Test
  void a_call_is_refused_while_others_are_still_in_flight_at_the_close() {
    inFlight.enter();
    inFlight.close();
    assertThrows(ResendException.class, inFlight::enter);
  }

  @Test
  void the_future_does_not_complete_before_the_close() {
    assertFalse(inFlight.drained().isComplete());
    inFlight.enter();
    inFlight.leave();
    assertFalse(inFlight.drained().isComplete());
  }

  @Test
  void the_close_completes_at_once_without_calls_in_flight() {
    inFlight.enter();
    inFlight.leave();
    inFlight.close();
    assertTrue(inFlight.drained().succeeded());
  }

  @Test
  void the_close_completes_when_the_last_call_ends() {
    inFlight.enter();
    inFlight.enter();
    inFlight.close();
    assertFalse(inFlight.drained().isComplete());
    inFlight.leave();
    assertFalse(inFlight.drained().isComplete());
    inFlight.leave();
    assertTrue(inFlight.drained().succeeded());
  }

  @Test
  void a_refused_call_is_not_counted() {
    inFlight.enter();
    inFlight.close();
    assertThrows(ResendException.class, inFlight::enter);
    inFlight.leave();
    assertTrue(inFlight.drained().succeeded());
  }

  @Test
  void it_can_be_closed_twice() {
    inFlight.enter();
    inFlight.close();
    inFlight.close();
    assertFalse(inFlight.drained().isComplete());
    inFlight.leave();
    inFlight.close();
    assertTrue(inFlight.drained().succeeded());
  }

  @RepeatedTest(20)
  void no_call_is_in_flight_after_the_close_with_many_threads() throws Exception {
    int threads = 4;
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger insideWhenDrained = new AtomicInteger(-1);
    inFlight.drained().onComplete(v -> insideWhenDrained.set(inside.get()));
    CountDownLatch warm = new CountDownLatch(threads);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<?>> loops = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        loops.add(
            pool.submit(
                () -> {
                  for (int round = 0; ; round++) {
                    try {
                      inFlight.enter();
                    } catch (ResendException closed) {
                      return;
                    }
                    inside.incrementAndGet();
                    inside.decrementAndGet();
                    inFlight.leave();
                    if (round == 10) {
                      warm.countDown();
                    }
                  }
                }));
      }
      assertTrue(warm.await(20, TimeUnit.SECONDS));
      inFlight.close();
      for (Future<?> loop : loops) {
        loop.get(20, TimeUnit.SECONDS);
      }
    } finally {
      pool.shutdownNow();
    }
    assertTrue(inFlight.drained().succeeded());
    assertEquals(0, insideWhenDrained.get());
  }
}
