// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.DeadlineQueue;
import io.github.otpresend.testing.Calls;
import io.github.otpresend.testing.EventLoops;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.junit5.VertxExtension;
import java.lang.reflect.Proxy;
import java.net.ConnectException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The pool on a real event loop, with fake connections that the test makes, fails and ends. */
@ExtendWith(VertxExtension.class)
class PoolTest {
  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SHORT_CONNECT_TIMEOUT = Duration.ofMillis(30);

  private static final Duration SECOND = Duration.ofSeconds(1);

  /** The shortest keep-alive timeout that can be set. */
  private static final Duration SHORT_KEEP_ALIVE = SECOND;

  private static Vertx vertx;

  private ContextInternal context;

  /** The attempts to make a connection, in the order in which they began. */
  private final List<Promise<HttpClientConnection>> attempts = new ArrayList<>();

  /** The connector of the pool. A test may replace it. */
  private Supplier<Future<HttpClientConnection>> connector = this::newAttempt;

  /** The results that the waiters have received, in order. */
  private final List<String> results = new ArrayList<>();

  /** The exceptions that Vert.x caught, for example a failed assertion in a waiter. */
  private final List<Throwable> thrown = new CopyOnWriteArrayList<>();

  @BeforeAll
  static void startVertx(Vertx vertx) {
    PoolTest.vertx = vertx;
  }

  @BeforeEach
  void start() {
    context = ((VertxInternal) vertx).createEventLoopContext();
    context.exceptionHandler(thrown::add);
  }

  @AfterEach
  void check() {
    assertEquals(List.of(), thrown);
  }

  // ---- which waiter gets which connection

  @Test
  void a_waiter_gets_the_connection_that_is_made_for_it() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Caller caller = new Caller("caller");
          assertNotNull(pool.take(caller));
          assertNull(caller.link);
          FakeConnection made = completeAttempt(0);
          assertSame(made.connection, caller.link().connection());
        });
  }

  @Test
  void an_idle_connection_is_taken_at_once() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          FakeConnection idle = idleConnection(pool);
          Caller caller = new Caller("caller");
          assertNull(pool.take(caller));
          assertSame(idle.connection, caller.link().connection());
          assertEquals(1, attempts.size());
        });
  }

  @Test
  void the_most_recently_used_idle_connection_is_taken_first() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(3);
          List<Caller> first = take(pool, 3);
          completeAttempt(0);
          completeAttempt(1);
          completeAttempt(2);
          List<Link> links = first.stream().map(Caller::link).toList();
          pool.giveBack(links.get(1));
          pool.giveBack(links.get(2));
          pool.giveBack(links.get(0));
          assertEquals(
              List.of(links.get(0), links.get(2), links.get(1)),
              take(pool, 3).stream().map(Caller::link).toList());
        });
  }

  @Test
  void waiters_get_new_connections_in_order_of_arrival() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(3);
          take(pool, 3);
          completeAttempt(2);
          completeAttempt(0);
          completeAttempt(1);
          assertEquals(
              List.of("caller 0 connected", "caller 1 connected", "caller 2 connected"), results);
        });
  }

  @Test
  void waiters_get_a_connection_that_is_given_back_in_order_of_arrival() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          List<Caller> callers = take(pool, 3);
          completeAttempt(0);
          pool.giveBack(callers.get(0).link());
          pool.giveBack(callers.get(1).link());
          assertEquals(
              List.of("caller 0 connected", "caller 1 connected", "caller 2 connected"), results);
          assertEquals(1, attempts.size());
        });
  }

  @Test
  void a_connection_is_held_by_one_caller_at_a_time() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          List<Caller> callers = take(pool, 2);
          completeAttempt(0);
          assertNotNull(callers.get(0).link);
          assertNull(callers.get(1).link);
        });
  }

  @Test
  void a_waiter_gets_a_connection_that_is_given_back_before_its_attempt_succeeds() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(2);
          List<Caller> callers = take(pool, 2);
          completeAttempt(0);
          pool.giveBack(callers.get(0).link());
          assertSame(callers.get(0).link(), callers.get(1).link());
        });
  }

  @Test
  void a_connection_that_no_waiter_needs_any_more_becomes_idle() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(2);
          List<Caller> callers = take(pool, 2);
          completeAttempt(0);
          pool.giveBack(callers.get(0).link());
          FakeConnection second = completeAttempt(1);
          Caller third = new Caller("third");
          assertNull(pool.take(third));
          assertSame(second.connection, third.link().connection());
        });
  }

  // ---- the number of connections

  @Test
  void each_waiter_starts_an_attempt_up_to_max_connections() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(3);
          take(pool, 2);
          assertEquals(2, attempts.size());
          take(pool, 2);
          assertEquals(3, attempts.size());
        });
  }

  @Test
  void an_attempt_whose_waiter_was_cancelled_serves_the_next_waiter() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(2);
          Objects.requireNonNull(pool.take(new Caller("first"))).cancel();
          Caller second = new Caller("second");
          pool.take(second);
          assertEquals(1, attempts.size());
          completeAttempt(0);
          assertNotNull(second.link);
        });
  }

  @Test
  void no_connection_beyond_max_connections_is_made_while_all_are_held() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(2);
          take(pool, 2);
          completeAttempt(0);
          completeAttempt(1);
          take(pool, 5);
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_closing_connection_counts_until_it_has_ended() {
    FakeConnection closing = new FakeConnection();
    closing.endsOnClose = false;
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Caller first = new Caller("first");
          pool.take(first);
          attempts.get(0).complete(closing.connection);
          first.link().close();
          pool.giveBack(first.link());
          pool.take(new Caller("second"));
          assertEquals(1, attempts.size());
          closing.end();
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_held_connection_that_ends_makes_room_for_another_connection() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          take(pool, 2);
          FakeConnection held = completeAttempt(0);
          assertEquals(1, attempts.size());
          held.end();
          assertEquals(2, attempts.size());
        });
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void random_use_never_exceeds_max_connections_and_serves_every_waiter_in_order(long seed) {
    runOnEventLoop(() -> new RandomUse(seed).run());
  }

  static IntStream seeds() {
    return IntStream.range(0, 200);
  }

  // ---- attempts that fail

  @Test
  void a_failed_attempt_fails_the_first_waiter_and_another_attempt_serves_the_others() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          List<Caller> callers = take(pool, 3);
          Exception failure = new ConnectException("expected by this test");
          attempts.get(0).fail(failure);
          assertEquals(List.of("caller 0 not connected"), results);
          assertSame(failure, callers.get(0).failure);
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_waiter_that_has_failed_gets_no_connection_later() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          take(pool, 2);
          attempts.get(0).fail("expected by this test");
          completeAttempt(1);
          assertEquals(List.of("caller 0 not connected", "caller 1 connected"), results);
        });
  }

  @Test
  void a_failed_attempt_is_not_repeated_if_every_other_waiter_has_an_attempt() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(3);
          take(pool, 3);
          attempts.get(1).fail("expected by this test");
          assertEquals(3, attempts.size());
          assertEquals(List.of("caller 0 not connected"), results);
        });
  }

  @Test
  void a_failed_attempt_without_a_waiter_makes_room_for_another_attempt() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Objects.requireNonNull(pool.take(new Caller("first"))).cancel();
          attempts.get(0).fail("expected by this test");
          assertEquals(1, attempts.size());
          pool.take(new Caller("second"));
          assertEquals(2, attempts.size());
          assertEquals(List.of(), results);
        });
  }

  @Test
  void a_waiter_that_has_failed_can_wait_again_behind_the_others() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Caller again = new Caller("again");
          pool.take(
              new Caller("first") {
                @Override
                public void notConnected(Throwable cause) {
                  super.notConnected(cause);
                  pool.take(again);
                }
              });
          pool.take(new Caller("second"));
          attempts.get(0).fail("expected by this test");
          assertEquals(2, attempts.size());
          attempts.get(1).fail("expected by this test");
          completeAttempt(2);
          assertEquals(
              List.of("first not connected", "second not connected", "again connected"), results);
        });
  }

  @Test
  void a_connector_that_throws_is_a_failed_attempt() {
    IllegalStateException thrown = new IllegalStateException("expected by this test");
    connector =
        () -> {
          throw thrown;
        };
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Caller caller = new Caller("caller");
          pool.take(caller);
          assertSame(thrown, caller.failure);
          assertEquals(List.of("caller not connected"), results);
        });
  }

  @Test
  void a_connector_that_throws_leaves_room_for_another_attempt() {
    connector =
        () -> {
          throw new IllegalStateException("expected by this test");
        };
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          pool.take(new Caller("first"));
          connector = this::newAttempt;
          pool.take(new Caller("second"));
          completeAttempt(0);
          assertEquals(List.of("first not connected", "second connected"), results);
        });
  }

  @Test
  void cancelling_a_waiter_that_failed_at_once_does_nothing() {
    connector = () -> Future.failedFuture("expected by this test");
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          DeadlineQueue.Entry queued = pool.take(new Caller("first"));
          connector = this::newAttempt;
          Caller second = new Caller("second");
          pool.take(second);
          if (queued != null) {
            queued.cancel();
          }
          completeAttempt(0);
          assertNotNull(second.link);
        });
  }

  @Test
  void ten_thousand_waiters_all_fail_when_attempts_begin_to_fail_at_once() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          take(pool, 10_000);
          connector = () -> Future.failedFuture("expected by this test");
          attempts.get(0).fail("expected by this test");
          assertEquals(10_000, results.size());
        });
  }

  // ---- attempts that time out

  @Test
  void an_attempt_that_has_timed_out_allows_another_attempt() {
    Pool pool = callOnEventLoop(() -> pool(options(2).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    runOnEventLoop(() -> takeAndCancel(pool));
    awaitSecondAttempt(pool);
  }

  @Test
  @Execution(CONCURRENT)
  void an_attempt_that_has_timed_out_counts_as_a_connection_until_it_ends() {
    // it would also stop counting a connectTimeout later
    Pool pool = callOnEventLoop(() -> pool(options(2).setConnectTimeout(Duration.ofSeconds(2))));
    runOnEventLoop(() -> takeAndCancel(pool));
    awaitSecondAttempt(pool);
    runOnEventLoop(
        () -> {
          take(pool, 5);
          assertEquals(2, attempts.size());
          attempts.get(0).fail("expected by this test");
          assertEquals(3, attempts.size());
        });
  }

  @Test
  void an_attempt_that_never_ends_frees_its_place_and_its_late_connection_is_closed() {
    Pool pool = callOnEventLoop(() -> pool(options(1).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    runOnEventLoop(() -> pool.take(new Caller("first")));
    eventually(
        "the place is free",
        () ->
            callOnEventLoop(
                () -> {
                  DeadlineQueue.Entry queued = pool.take(new Caller("next"));
                  if (attempts.size() == 1) {
                    queued.cancel();
                  }
                  return attempts.size() == 2;
                }));
    runOnEventLoop(
        () -> {
          FakeConnection late = new FakeConnection();
          late.endsOnClose = false; // it has no close handler
          attempts.get(0).complete(late.connection);
          assertEquals(1, late.closes);
          assertFalse(results.contains("next connected"));
        });
  }

  @Test
  void an_attempt_that_fails_after_it_has_timed_out_fails_no_waiter() {
    Pool pool = callOnEventLoop(() -> pool(options(2).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    runOnEventLoop(() -> takeAndCancel(pool));
    awaitSecondAttempt(pool);
    runOnEventLoop(
        () -> {
          pool.take(new Caller("caller"));
          attempts.get(0).fail("expected by this test");
          assertEquals(List.of(), results);
        });
  }

  @Test
  void an_attempt_that_succeeds_after_it_has_timed_out_serves_a_waiter() {
    Pool pool = callOnEventLoop(() -> pool(options(2).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    runOnEventLoop(() -> takeAndCancel(pool));
    awaitSecondAttempt(pool);
    runOnEventLoop(
        () -> {
          pool.take(new Caller("caller"));
          completeAttempt(0);
          assertEquals(List.of("caller connected"), results);
        });
  }

  @Test
  @Execution(CONCURRENT)
  void an_attempt_that_has_timed_out_is_followed_by_another_attempt_for_a_waiter() {
    Pool pool = callOnEventLoop(() -> pool(options(2).setConnectTimeout(SECOND)));
    runOnEventLoop(pool::warmUp);
    long half = System.nanoTime() + SECOND.toNanos() / 2;
    eventually("half of the connect timeout has passed", () -> System.nanoTime() > half);
    runOnEventLoop(() -> pool.take(new Caller("caller")));
    eventually("a second attempt is made", () -> callOnEventLoop(() -> attempts.size() == 2));
  }

  // ---- waiters that are cancelled or time out

  @Test
  void a_cancelled_waiter_receives_nothing_and_the_next_waiter_gets_its_connection() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Objects.requireNonNull(pool.take(new Caller("cancelled"))).cancel();
          pool.take(new Caller("next"));
          completeAttempt(0);
          assertEquals(List.of("next connected"), results);
        });
  }

  @Test
  void a_connection_that_was_made_for_a_cancelled_waiter_becomes_idle() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Objects.requireNonNull(pool.take(new Caller("cancelled"))).cancel();
          FakeConnection made = completeAttempt(0);
          assertEquals(List.of(), results);
          Caller next = new Caller("next");
          assertNull(pool.take(next));
          assertSame(made.connection, next.link().connection());
        });
  }

  @Test
  void a_waiter_fails_after_the_connect_timeout() {
    Caller caller = new Caller("caller");
    long began = System.nanoTime();
    Pool pool = callOnEventLoop(() -> pool(options(1).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    runOnEventLoop(() -> pool.take(caller));
    eventually("the waiter has failed", () -> callOnEventLoop(() -> caller.failure != null));
    assertTrue(System.nanoTime() - began >= SHORT_CONNECT_TIMEOUT.toNanos());
    runOnEventLoop(
        () -> {
          ResendException failure = assertInstanceOf(ResendException.class, caller.failure);
          assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
          assertFalse(failure.maybeSent());
        });
  }

  @Test
  void a_waiter_without_a_free_connection_fails_after_the_connect_timeout() {
    Caller waiting = new Caller("waiting");
    Pool pool = callOnEventLoop(() -> pool(options(1).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    runOnEventLoop(
        () -> {
          pool.take(new Caller("first"));
          completeAttempt(0);
          pool.take(waiting);
        });
    eventually("the waiter has failed", () -> callOnEventLoop(() -> waiting.failure != null));
    runOnEventLoop(
        () -> assertEquals(List.of("first connected", "waiting not connected"), results));
  }

  @Test
  void a_waiter_that_has_timed_out_gets_no_connection_later() {
    Caller late = new Caller("late");
    Pool pool = callOnEventLoop(() -> pool(options(1).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    runOnEventLoop(() -> pool.take(late));
    eventually("the waiter has failed", () -> callOnEventLoop(() -> late.failure != null));
    runOnEventLoop(
        () -> {
          completeAttempt(0);
          assertEquals(List.of("late not connected"), results);
        });
  }

  // ---- connections that are not used again

  @Test
  void a_connection_that_has_ended_is_not_reused() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Caller first = new Caller("first");
          pool.take(first);
          completeAttempt(0).end();
          pool.giveBack(first.link());
          assertNotNull(pool.take(new Caller("second")));
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_connection_that_ended_while_it_was_made_is_not_used() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          pool.take(new Caller("caller"));
          FakeConnection ended = new FakeConnection();
          ended.hasEnded = true;
          attempts.get(0).complete(ended.connection);
          assertEquals(List.of(), results);
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_connection_with_unexpected_data_is_closed_when_it_is_given_back() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Caller first = new Caller("first");
          pool.take(first);
          FakeConnection connection = completeAttempt(0);
          connection.receiveUnexpected();
          pool.giveBack(first.link());
          assertEquals(1, connection.closes);
          assertNotNull(pool.take(new Caller("second")));
        });
  }

  @Test
  void an_idle_connection_with_unexpected_data_is_closed_and_not_taken() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(2);
          FakeConnection idle = idleConnection(pool);
          idle.receiveUnexpected();
          assertNotNull(pool.take(new Caller("second")));
          assertEquals(1, idle.closes);
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_connection_with_the_option_close_is_closed_when_it_is_given_back() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Caller first = new Caller("first");
          pool.take(first);
          FakeConnection connection = completeAttempt(0);
          first
              .link()
              .received(answer(MultiMap.caseInsensitiveMultiMap().add("Connection", "close")));
          pool.giveBack(first.link());
          assertEquals(1, connection.closes);
        });
  }

  @Test
  void a_connection_without_the_option_close_is_reused() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Caller first = new Caller("first");
          pool.take(first);
          FakeConnection connection = completeAttempt(0);
          first.link().received(answer(MultiMap.caseInsensitiveMultiMap()));
          pool.giveBack(first.link());
          Caller second = new Caller("second");
          pool.take(second);
          assertSame(connection.connection, second.link().connection());
        });
  }

  @Test
  void a_waiter_gets_a_new_connection_if_a_connection_is_closed_when_it_is_given_back() {
    Pool pool = callOnEventLoop(() -> pool(1));
    Caller first = new Caller("first");
    Caller second = new Caller("second");
    runOnEventLoop(
        () -> {
          pool.take(first);
          pool.take(second);
          completeAttempt(0).receiveUnexpected();
          pool.giveBack(first.link());
        });
    eventually("another attempt is made", () -> callOnEventLoop(() -> attempts.size() == 2));
    runOnEventLoop(
        () -> {
          FakeConnection another = completeAttempt(1);
          assertSame(another.connection, second.link().connection());
        });
  }

  // ---- idle connections

  @Test
  @Execution(CONCURRENT)
  void idle_connections_are_closed_after_the_keep_alive_timeout() {
    Pool pool = callOnEventLoop(() -> pool(options(2).setKeepAliveTimeout(SHORT_KEEP_ALIVE)));
    List<FakeConnection> made = new ArrayList<>();
    List<Caller> callers =
        callOnEventLoop(
            () -> {
              List<Caller> both = take(pool, 2);
              made.add(completeAttempt(0));
              made.add(completeAttempt(1));
              return both;
            });
    List<Long> idleSince = new ArrayList<>();
    for (Caller caller : callers) {
      // the two become idle at different times, so that one timer cannot close both
      long now = System.nanoTime();
      eventually("some time has passed", () -> System.nanoTime() - now > 20_000_000);
      idleSince.add(System.nanoTime());
      runOnEventLoop(() -> pool.giveBack(caller.link()));
    }
    eventually(
        "both connections have ended",
        () -> callOnEventLoop(() -> made.stream().allMatch(c -> c.hasEnded)));
    for (int i = 0; i < 2; i++) {
      long idleNanos = made.get(i).closedAt - idleSince.get(i);
      assertTrue(idleNanos >= SHORT_KEEP_ALIVE.toNanos(), "closed after " + idleNanos + " ns");
      assertEquals(1, made.get(i).closes);
    }
  }

  @Test
  @Execution(CONCURRENT)
  void a_connection_that_becomes_idle_after_all_others_were_closed_is_closed_too() {
    Pool pool = callOnEventLoop(() -> pool(options(1).setKeepAliveTimeout(SHORT_KEEP_ALIVE)));
    for (int i = 0; i < 2; i++) {
      FakeConnection idle = callOnEventLoop(() -> idleConnection(pool));
      eventually("the connection has ended", () -> callOnEventLoop(() -> idle.hasEnded));
      assertEquals(1, idle.closes);
    }
  }

  @Test
  void an_idle_connection_that_has_timed_out_is_closed_and_not_taken() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(options(2).setKeepAliveTimeout(SHORT_KEEP_ALIVE));
          FakeConnection idle = idleConnection(pool);
          // while the event loop is busy, the timer cannot close the connection
          EventLoops.keepBusy(SHORT_KEEP_ALIVE.toNanos());
          assertNotNull(pool.take(new Caller("caller")));
          assertEquals(1, idle.closes);
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_closed_connection_frees_its_place_although_its_close_handler_does_not_run() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          List<Caller> callers = take(pool, 2);
          FakeConnection connection = completeAttempt(0);
          connection.endsOnClose = false;
          pool.lost(callers.get(0).link());
          assertEquals(1, attempts.size());
          connection.endWithoutCloseHandler();
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void an_idle_connection_that_ends_is_removed_from_the_pool() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          FakeConnection ended = idleConnection(pool);
          ended.end();
          assertNotNull(pool.take(new Caller("caller")));
          assertEquals(2, attempts.size());
          assertEquals(0, ended.closes, "the pool still had the connection");
        });
  }

  @Test
  void an_idle_connection_that_ends_does_not_affect_other_idle_connections() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(2);
          List<Caller> callers = take(pool, 2);
          FakeConnection other = completeAttempt(0);
          FakeConnection ended = completeAttempt(1);
          callers.forEach(caller -> pool.giveBack(caller.link()));
          ended.end();
          Caller next = new Caller("next");
          assertNull(pool.take(next));
          assertSame(other.connection, next.link().connection());
        });
  }

  // ---- warming up

  @Test
  void warming_up_makes_one_connection_that_becomes_idle() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(2);
          pool.warmUp();
          assertEquals(1, attempts.size());
          FakeConnection warm = completeAttempt(0);
          Caller caller = new Caller("caller");
          assertNull(pool.take(caller));
          assertSame(warm.connection, caller.link().connection());
        });
  }

  @Test
  void a_connection_that_is_made_by_warming_up_serves_the_first_waiter() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(2);
          pool.warmUp();
          pool.take(new Caller("caller"));
          assertEquals(1, attempts.size());
          completeAttempt(0);
          assertEquals(List.of("caller connected"), results);
        });
  }

  @Test
  void warming_up_makes_no_connection_beyond_max_connections() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          pool.warmUp();
          pool.warmUp();
          assertEquals(1, attempts.size());
        });
  }

  @Test
  void warming_up_that_fails_leaves_room_for_another_attempt() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          pool.warmUp();
          attempts.get(0).fail("expected by this test");
          assertEquals(1, attempts.size());
          pool.take(new Caller("caller"));
          assertEquals(2, attempts.size());
        });
  }

  // ---- closing

  @Test
  void closing_a_pool_closes_the_idle_connections() {
    List<FakeConnection> made = new ArrayList<>();
    runOnEventLoop(
        () -> {
          Pool pool = pool(2);
          List<Caller> callers = take(pool, 2);
          made.add(completeAttempt(0));
          made.add(completeAttempt(1));
          callers.forEach(caller -> pool.giveBack(caller.link()));
          pool.close();
        });
    eventually(
        "both connections have ended",
        () -> callOnEventLoop(() -> made.stream().allMatch(c -> c.hasEnded)));
  }

  @Test
  void closing_a_pool_leaves_a_held_connection_open() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          take(pool, 1);
          FakeConnection held = completeAttempt(0);
          pool.close();
          assertEquals(0, held.closes);
        });
  }

  @Test
  void a_connection_that_is_given_back_after_the_close_is_closed() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          Caller caller = new Caller("caller");
          pool.take(caller);
          FakeConnection held = completeAttempt(0);
          pool.close();
          pool.giveBack(caller.link());
          assertEquals(1, held.closes);
        });
  }

  @Test
  void a_connection_that_is_made_after_the_close_is_closed() {
    runOnEventLoop(
        () -> {
          Pool pool = pool(1);
          pool.warmUp();
          pool.close();
          assertEquals(1, completeAttempt(0).closes);
        });
  }

  @Test
  void a_waiter_does_not_time_out_after_the_close() {
    Pool closed = callOnEventLoop(() -> pool(options(1).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    Pool open = callOnEventLoop(() -> pool(options(1).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    Caller later = new Caller("later");
    runOnEventLoop(
        () -> {
          closed.take(new Caller("closed"));
          closed.close();
          open.take(later);
        });
    eventually("the later waiter times out", () -> callOnEventLoop(() -> later.failure != null));
    runOnEventLoop(() -> assertEquals(List.of("later not connected"), results));
  }

  @Test
  void closing_a_pool_that_was_never_used_does_nothing() {
    runOnEventLoop(() -> pool(1).close());
  }

  // ---- other threads

  @Test
  void taking_a_connection_from_another_thread_fails_an_assertion() {
    Pool pool = callOnEventLoop(() -> pool(1));
    assertThrows(AssertionError.class, () -> pool.take(new Caller("caller")));
  }

  @Test
  void giving_back_a_connection_from_another_thread_fails_an_assertion() {
    Pool pool = callOnEventLoop(() -> pool(1));
    Caller caller = new Caller("caller");
    runOnEventLoop(
        () -> {
          pool.take(caller);
          completeAttempt(0);
        });
    assertThrows(AssertionError.class, () -> pool.giveBack(caller.link()));
  }

  /** A sequence of random actions on a pool, with a model of the expected state. */
  private final class RandomUse {
    private static final int STEPS = 400;

    private final SplittableRandom random;
    private final int maxConnections;
    private final Pool pool;
    private final List<Promise<HttpClientConnection>> pending = new ArrayList<>();
    private final List<FakeConnection> open = new ArrayList<>();
    private final Deque<RandomCaller> waiting = new ArrayDeque<>();
    private final List<RandomCaller> holding = new ArrayList<>();
    private int callers;
    private int stepsLeft = STEPS;

    RandomUse(long seed) {
      random = new SplittableRandom(seed);
      maxConnections = 1 + random.nextInt(4);
      pool = new Pool(context, this::connect, options(maxConnections));
    }

    void run() {
      for (; stepsLeft > 0; stepsLeft--) {
        step();
        check();
      }
      while (!pending.isEmpty()
          || !holding.isEmpty()
          || open.stream().anyMatch(c -> c.closes > 0)) {
        new ArrayList<>(pending).forEach(this::succeed);
        new ArrayList<>(holding).forEach(RandomCaller::giveBack);
        open.stream().filter(c -> c.closes > 0).toList().forEach(this::end);
        check();
      }
      assertEquals(List.of(), List.copyOf(waiting), "these waiters were never served");
    }

    private void step() {
      switch (random.nextInt(10)) {
        case 0, 1, 2 -> new RandomCaller().take();
        case 3 -> withRandom(pending, this::succeed);
        case 4 -> withRandom(pending, this::fail);
        case 5, 6 -> withRandom(holding, RandomCaller::giveBack);
        case 7 -> withRandom(open, this::end);
        case 8 -> withRandom(open, FakeConnection::receiveUnexpected);
        default -> withRandom(new ArrayList<>(waiting), RandomCaller::cancel);
      }
    }

    private <T> void withRandom(List<T> entries, Consumer<T> action) {
      if (!entries.isEmpty()) {
        action.accept(entries.get(random.nextInt(entries.size())));
      }
    }

    private void check() {
      int connections = pending.size() + open.size();
      assertTrue(connections <= maxConnections, connections + " connections");
      // every waiter has an attempt, unless no more connections are allowed
      assertTrue(
          pending.size() >= waiting.size() || connections == maxConnections,
          waiting.size() + " waiters have " + pending.size() + " attempts");
      assertEquals(holding.size(), holding.stream().map(RandomCaller::link).distinct().count());
    }

    private Future<HttpClientConnection> connect() {
      assertTrue(pending.size() + open.size() < maxConnections, "an attempt beyond maxConnections");
      switch (stepsLeft == 0 ? 9 : random.nextInt(10)) {
        case 0:
          throw new IllegalStateException("expected by this test");
        case 1:
          return Future.failedFuture("expected by this test");
        case 2:
          return Future.succeededFuture(opened().connection);
        default:
          Promise<HttpClientConnection> attempt = context.promise();
          pending.add(attempt);
          return attempt.future();
      }
    }

    private FakeConnection opened() {
      FakeConnection connection = new FakeConnection();
      connection.endsOnClose = false; // a later step ends the connection
      open.add(connection);
      return connection;
    }

    private void succeed(Promise<HttpClientConnection> attempt) {
      pending.remove(attempt);
      attempt.complete(opened().connection);
    }

    private void fail(Promise<HttpClientConnection> attempt) {
      pending.remove(attempt);
      attempt.fail("expected by this test");
    }

    private void end(FakeConnection connection) {
      open.remove(connection);
      connection.end();
    }

    /** A caller that may give its connection back, or add a caller, when it gets its result. */
    private final class RandomCaller extends Caller {
      private DeadlineQueue.@Nullable Entry queued;
      private boolean isWaiting;

      RandomCaller() {
        super("caller " + callers++);
      }

      void take() {
        waiting.addLast(this);
        isWaiting = true;
        queued = pool.take(this);
      }

      void cancel() {
        assertTrue(waiting.remove(this));
        isWaiting = false;
        Objects.requireNonNull(queued).cancel();
      }

      void giveBack() {
        assertTrue(holding.remove(this));
        pool.giveBack(link());
      }

      @Override
      public void connected(Link link) {
        checkTurn();
        assertTrue(link.isReusable());
        super.connected(link);
        holding.add(this);
        if (random.nextInt(5) == 0) {
          giveBack();
        }
        takeAgain();
      }

      @Override
      public void notConnected(Throwable cause) {
        checkTurn();
        super.notConnected(cause);
        takeAgain();
      }

      private void checkTurn() {
        assertTrue(isWaiting, this + " received a result but was not waiting");
        assertSame(waiting.pollFirst(), this, "the first waiter must receive the result");
        isWaiting = false;
      }

      private void takeAgain() {
        if (stepsLeft > 0 && random.nextInt(5) == 0) {
          new RandomCaller().take();
        }
      }
    }
  }

  /** A waiter that records the result that it receives. */
  private class Caller implements Pool.Waiter {
    private final String name;
    @Nullable Link link;
    @Nullable Throwable failure;

    Caller(String name) {
      this.name = name;
    }

    Link link() {
      return Objects.requireNonNull(link, name + " has no connection");
    }

    @Override
    public void connected(Link link) {
      results.add(name + " connected");
      this.link = link;
    }

    @Override
    public void notConnected(Throwable cause) {
      results.add(name + " not connected");
      failure = cause;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** A connection that sends nothing. It can end and report unexpected data. */
  private final class FakeConnection {
    final HttpClientConnection connection =
        (HttpClientConnection)
            Proxy.newProxyInstance(
                HttpClientConnection.class.getClassLoader(),
                new Class<?>[] {HttpClientConnection.class},
                (proxy, method, args) -> invoke(proxy, method.getName(), args));

    private @Nullable Handler<Void> closeHandler;
    private @Nullable Handler<Throwable> exceptionHandler;

    /** Whether close ends the connection, in a later task of the event loop as in Vert.x. */
    boolean endsOnClose = true;

    private final Promise<Void> closed = Promise.promise();
    boolean hasEnded;
    int closes;
    long closedAt;

    @SuppressWarnings("unchecked")
    private @Nullable Object invoke(Object proxy, String method, Object @Nullable [] args) {
      switch (method) {
        case "closeHandler":
          closeHandler = (Handler<Void>) Objects.requireNonNull(args)[0];
          if (hasEnded) {
            closeHandler.handle(null);
          }
          return proxy;
        case "exceptionHandler":
          exceptionHandler = (Handler<Throwable>) Objects.requireNonNull(args)[0];
          return proxy;
        case "close":
          closes++;
          closedAt = System.nanoTime();
          if (endsOnClose) {
            context.runOnContext(v -> end());
          }
          return closed.future();
        case "remoteAddress":
          return null;
        case "hashCode":
          return System.identityHashCode(proxy);
        case "equals":
          return proxy == Objects.requireNonNull(args)[0];
        case "toString":
          return "a fake connection";
        default:
          throw new UnsupportedOperationException(method);
      }
    }

    void end() {
      if (!hasEnded) {
        hasEnded = true;
        Objects.requireNonNull(closeHandler).handle(null);
        closed.tryComplete();
      }
    }

    /** Ends as a connection whose metrics throw. */
    void endWithoutCloseHandler() {
      hasEnded = true;
      closed.tryComplete();
    }

    void receiveUnexpected() {
      Objects.requireNonNull(exceptionHandler).handle(new Exception("expected by this test"));
    }
  }

  private Pool pool(int maxConnections) {
    return pool(options(maxConnections));
  }

  private Pool pool(OtpResendOptions options) {
    return new Pool(context, () -> connector.get(), options);
  }

  private static OtpResendOptions options(int maxConnections) {
    return new OtpResendOptions()
        .setMaxConnections(maxConnections)
        .setConnectTimeout(LONG)
        .setKeepAliveTimeout(LONG);
  }

  private Future<HttpClientConnection> newAttempt() {
    Promise<HttpClientConnection> attempt = context.promise();
    attempts.add(attempt);
    return attempt.future();
  }

  /** Completes an attempt and returns the new connection. */
  private FakeConnection completeAttempt(int attempt) {
    FakeConnection connection = new FakeConnection();
    attempts.get(attempt).complete(connection.connection);
    return connection;
  }

  private List<Caller> take(Pool pool, int callers) {
    List<Caller> all = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      Caller caller = new Caller("caller " + i);
      all.add(caller);
      pool.take(caller);
    }
    return all;
  }

  private void takeAndCancel(Pool pool) {
    Objects.requireNonNull(pool.take(new Caller("cancelled"))).cancel();
  }

  /** Waits until the first attempt has timed out, so that a new waiter starts a second attempt. */
  private void awaitSecondAttempt(Pool pool) {
    eventually(
        "a second attempt is made",
        () ->
            callOnEventLoop(
                () -> {
                  takeAndCancel(pool);
                  return attempts.size() == 2;
                }));
  }

  /** Makes a connection, takes it, gives it back and returns it. */
  private FakeConnection idleConnection(Pool pool) {
    Caller caller = new Caller("first");
    pool.take(caller);
    FakeConnection connection = completeAttempt(attempts.size() - 1);
    pool.giveBack(caller.link());
    return connection;
  }

  /** Returns an answer with these headers. */
  private static HttpResponse<?> answer(MultiMap headers) {
    return (HttpResponse<?>)
        Proxy.newProxyInstance(
            HttpResponse.class.getClassLoader(),
            new Class<?>[] {HttpResponse.class},
            (proxy, method, args) ->
                switch (method.getName()) {
                  case "version" -> HttpVersion.HTTP_1_1;
                  case "headers" -> headers;
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private void runOnEventLoop(Runnable task) {
    Calls.run(context, task);
  }

  private <T> T callOnEventLoop(Callable<T> task) {
    return Calls.call(context, task);
  }
}
