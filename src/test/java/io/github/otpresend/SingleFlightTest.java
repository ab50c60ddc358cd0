// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class SingleFlightTest {
  private final SingleFlight<String> flights = new SingleFlight<>();
  private final Promise<String> first = Promise.promise();
  private final Promise<String> second = Promise.promise();

  @Test
  void the_first_call_is_to_be_started() {
    assertNull(flights.enter("a", first.future()));
  }

  @Test
  void a_call_for_a_key_in_flight_gets_the_one_that_is() {
    flights.enter("a", first.future());
    assertSame(first.future(), flights.enter("a", second.future()));
  }

  @Test
  void a_call_that_shares_does_not_end_the_flight_when_it_completes() {
    flights.enter("a", first.future());
    flights.enter("a", second.future());
    second.complete("shared");
    assertSame(first.future(), flights.enter("a", Promise.<String>promise().future()));
  }

  @Test
  void another_key_is_another_flight() {
    flights.enter("a", first.future());
    assertNull(flights.enter("b", second.future()));
  }

  @Test
  void a_key_is_free_again_after_a_success() {
    flights.enter("a", first.future());
    first.complete("done");
    assertNull(flights.enter("a", second.future()));
  }

  @Test
  void a_key_is_free_again_after_a_failure() {
    flights.enter("a", first.future());
    first.fail("no");
    assertNull(flights.enter("a", second.future()));
  }

  @Test
  void the_end_of_one_flight_leaves_that_of_another_key_alone() {
    flights.enter("a", first.future());
    flights.enter("b", second.future());
    first.complete("done");
    assertSame(second.future(), flights.enter("b", Promise.<String>promise().future()));
  }

  @Test
  void a_call_that_is_already_complete_does_not_stay_in_flight() {
    assertNull(flights.enter("a", Future.succeededFuture("done")));
    assertNull(flights.enter("a", first.future()));
  }

  @Test
  void who_hears_of_the_outcome_can_start_the_next_flight_at_once() {
    flights.enter("a", first.future());
    List<Future<String>> running = new ArrayList<>();
    first.future().onComplete(done -> running.add(flights.enter("a", second.future())));
    first.complete("done");
    assertEquals(1, running.size());
    assertNull(running.get(0));
    assertSame(second.future(), flights.enter("a", Promise.<String>promise().future()));
  }

  @RepeatedTest(50)
  void of_many_calls_at_once_exactly_one_is_started_and_all_others_share_it() throws Exception {
    int threads = 8;
    CyclicBarrier together = new CyclicBarrier(threads);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Callable<Future<String>>> calls = new ArrayList<>();
      List<Future<String>> own = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        Future<String> call = Promise.<String>promise().future();
        own.add(call);
        calls.add(
            () -> {
              together.await(20, TimeUnit.SECONDS);
              return flights.enter("a", call);
            });
      }
      List<java.util.concurrent.Future<Future<String>>> entered = pool.invokeAll(calls);
      Future<String> leader = null;
      for (int i = 0; i < threads; i++) {
        if (entered.get(i).get() == null) {
          assertNull(leader, "two were started");
          leader = own.get(i);
        }
      }
      assertNotNull(leader, "none was started");
      for (int i = 0; i < threads; i++) {
        if (own.get(i) != leader) {
          assertSame(leader, entered.get(i).get());
        }
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @RepeatedTest(20)
  void at_no_time_are_two_calls_for_a_key_at_work() throws Exception {
    int threads = 4;
    AtomicInteger atWork = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Callable<Void>> loops = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        loops.add(
            () -> {
              for (int round = 0; round < 500; round++) {
                Promise<String> call = Promise.promise();
                if (flights.enter("a", call.future()) == null) {
                  most.accumulateAndGet(atWork.incrementAndGet(), Math::max);
                  atWork.decrementAndGet();
                  call.complete("done");
                }
              }
              return null;
            });
      }
      for (java.util.concurrent.Future<Void> loop : pool.invokeAll(loops)) {
        loop.get(20, TimeUnit.SECONDS);
      }
    } finally {
      pool.shutdownNow();
    }
    assertEquals(1, most.get());
    assertNull(flights.enter("a", first.future()));
    assertTrue(first.tryComplete("done"));
  }
}
