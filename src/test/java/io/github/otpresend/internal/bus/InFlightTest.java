// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.bus;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.vertx.core.internal.CloseFuture;
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
  private final InFlight inFlight = new InFlight(new CloseFuture());

  @Test
  void calls_are_accepted_before_the_close() {
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
  void a_call_after_the_close_is_refused_while_another_call_is_in_flight() {
    inFlight.enter();
    inFlight.close();
    assertThrows(ResendException.class, inFlight::enter);
  }

  @Test
  void drained_does_not_complete_before_the_close() {
    assertFalse(inFlight.drained().isComplete());
    inFlight.enter();
    inFlight.leave();
    inFlight.completeIfDrained();
    assertFalse(inFlight.drained().isComplete());
  }

  @Test
  void drained_completes_at_once_if_no_call_is_in_flight_at_the_close() {
    inFlight.enter();
    inFlight.leave();
    inFlight.completeIfDrained();
    inFlight.close();
    assertTrue(inFlight.drained().succeeded());
  }

  @Test
  void drained_completes_when_the_last_call_has_left() {
    inFlight.enter();
    inFlight.enter();
    inFlight.close();
    assertFalse(inFlight.drained().isComplete());
    inFlight.leave();
    inFlight.completeIfDrained();
    assertFalse(inFlight.drained().isComplete());
    inFlight.leave();
    inFlight.completeIfDrained();
    assertTrue(inFlight.drained().succeeded());
  }

  @Test
  void a_refused_call_does_not_have_to_leave() {
    inFlight.enter();
    inFlight.close();
    assertThrows(ResendException.class, inFlight::enter);
    inFlight.leave();
    inFlight.completeIfDrained();
    assertTrue(inFlight.drained().succeeded());
  }

  @Test
  void a_second_close_does_nothing() {
    inFlight.enter();
    inFlight.close();
    inFlight.close();
    assertFalse(inFlight.drained().isComplete());
    inFlight.leave();
    inFlight.completeIfDrained();
    inFlight.close();
    assertTrue(inFlight.drained().succeeded());
  }

  @RepeatedTest(20)
  void no_call_is_in_flight_when_drained_completes_while_threads_enter_and_leave()
      throws Exception {
    int threads = 4;
    AtomicInteger calls = new AtomicInteger();
    AtomicInteger callsWhenDrained = new AtomicInteger(-1);
    inFlight.drained().onComplete(v -> callsWhenDrained.set(calls.get()));
    CountDownLatch warmedUp = new CountDownLatch(threads);
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
                    calls.incrementAndGet();
                    calls.decrementAndGet();
                    inFlight.leave();
                    inFlight.completeIfDrained();
                    if (round == 10) {
                      warmedUp.countDown();
                    }
                  }
                }));
      }
      assertTrue(warmedUp.await(20, TimeUnit.SECONDS));
      inFlight.close();
      for (Future<?> loop : loops) {
        loop.get(20, TimeUnit.SECONDS);
      }
    } finally {
      pool.shutdownNow();
    }
    assertTrue(inFlight.drained().succeeded());
    assertEquals(0, callsWhenDrained.get());
  }
}
