// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The pool on a real event loop, with connections that the test makes, fails and ends. */
@ExtendWith(VertxExtension.class)
class PoolTest {
  private static final Duration LONG = Duration.ofHours(1);
  private static final Duration SHORT_CONNECT_TIMEOUT = Duration.ofMillis(30);

  private static final Duration SECOND = Duration.ofSeconds(1);

  /** The shortest keep-alive timeout that can be set. */
  private static final Duration SHORT_KEEP_ALIVE = SECOND;

  private static Vertx vertx;

  private ContextInternal home;

  /** The attempts to connect, in order. */
  private final List<Promise<HttpClientConnection>> attempts = new ArrayList<>();

  /** The behaviour of the connector. */
  private Supplier<Future<HttpClientConnection>> connector = this::attempt;

  private final List<String> told = new ArrayList<>();

  /** The exceptions that Vert.x caught, for example of an assertion in a waiter. */
  private final List<Throwable> thrown = new CopyOnWriteArrayList<>();

  @BeforeAll
  static void startVertx(Vertx vertx) {
    PoolTest.vertx = vertx;
  }

  @BeforeEach
  void start() {
    home = ((VertxInternal) vertx).createEventLoopContext();
    home.exceptionHandler(thrown::add);
  }

  @AfterEach
  void check() {
    assertEquals(List.of(), thrown);
  }

  // ---- who gets which connection

  @Test
  void a_waiter_gets_the_connection_that_is_made_for_it() {
    onHome(
        () -> {
          Pool pool = pool(1);
          Caller caller = new Caller("caller");
          assertNotNull(pool.take(caller));
          assertNull(caller.link);
          FakeConnection made = made(0);
          assertSame(made.connection, caller.link().connection());
        });
  }

  @Test
  void an_idle_connection_is_taken_at_once() {
    onHome(
        () -> {
          Pool pool = pool(1);
          FakeConnection idle = idle(pool);
          Caller caller = new Caller("caller");
          assertNull(pool.take(caller));
          assertSame(idle.connection, caller.link().connection());
          assertEquals(1, attempts.size());
        });
  }

  @Test
  void the_most_recently_used_idle_connection_is_taken_first() {
    onHome(
        () -> {
          Pool pool = pool(3);
          List<Caller> first = take(pool, 3);
          made(0);
          made(1);
          made(2);
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
  void waiters_get_the_connections_that_are_made_in_the_order_of_their_arrival() {
    onHome(
        () -> {
          Pool pool = pool(3);
          take(pool, 3);
          made(2);
          made(0);
          made(1);
          assertEquals(
              List.of("caller 0 connected", "caller 1 connected", "caller 2 connected"), told);
        });
  }

  @Test
  void waiters_get_the_connection_that_is_given_back_in_the_order_of_their_arrival() {
    onHome(
        () -> {
          Pool pool = pool(1);
          List<Caller> callers = take(pool, 3);
          made(0);
          pool.giveBack(callers.get(0).link());
          pool.giveBack(callers.get(1).link());
          assertEquals(
              List.of("caller 0 connected", "caller 1 connected", "caller 2 connected"), told);
          assertEquals(1, attempts.size());
        });
  }

  @Test
  void a_connection_has_one_user_at_a_time() {
    onHome(
        () -> {
          Pool pool = pool(1);
          List<Caller> callers = take(pool, 2);
          made(0);
          assertNotNull(callers.get(0).link);
          assertNull(callers.get(1).link);
        });
  }

  @Test
  void a_waiter_gets_a_released_connection_before_its_own_attempt_succeeds() {
    onHome(
        () -> {
          Pool pool = pool(2);
          List<Caller> callers = take(pool, 2);
          made(0);
          pool.giveBack(callers.get(0).link());
          assertSame(callers.get(0).link(), callers.get(1).link());
        });
  }

  @Test
  void a_new_connection_without_a_waiter_becomes_idle() {
    onHome(
        () -> {
          Pool pool = pool(2);
          List<Caller> callers = take(pool, 2);
          made(0);
          pool.giveBack(callers.get(0).link());
          FakeConnection second = made(1);
          Caller third = new Caller("third");
          assertNull(pool.take(third));
          assertSame(second.connection, third.link().connection());
        });
  }

  // ---- how many connections

  @Test
  void there_is_an_attempt_for_each_waiter_up_to_the_maximum() {
    onHome(
        () -> {
          Pool pool = pool(3);
          take(pool, 2);
          assertEquals(2, attempts.size());
          take(pool, 2);
          assertEquals(3, attempts.size());
        });
  }

  @Test
  void an_attempt_without_a_waiter_serves_the_next_waiter() {
    onHome(
        () -> {
          Pool pool = pool(2);
          Objects.requireNonNull(pool.take(new Caller("first"))).cancel();
          Caller second = new Caller("second");
          pool.take(second);
          assertEquals(1, attempts.size());
          made(0);
          assertNotNull(second.link);
        });
  }

  @Test
  void there_are_no_more_connections_than_the_maximum_while_all_are_in_use() {
    onHome(
        () -> {
          Pool pool = pool(2);
          take(pool, 2);
          made(0);
          made(1);
          take(pool, 5);
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_closing_connection_counts_until_it_has_ended() {
    FakeConnection closing = new FakeConnection();
    closing.endsOnClose = false;
    onHome(
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
  void a_connection_that_ends_in_use_makes_room_for_another() {
    onHome(
        () -> {
          Pool pool = pool(1);
          take(pool, 2);
          FakeConnection held = made(0);
          assertEquals(1, attempts.size());
          held.end();
          assertEquals(2, attempts.size());
        });
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void random_events_break_neither_the_maximum_nor_the_order_and_forget_no_waiter(long seed) {
    onHome(() -> new RandomUse(seed).run());
  }

  static IntStream seeds() {
    return IntStream.range(0, 200);
  }

  // ---- attempts that fail

  @Test
  void a_failed_attempt_fails_the_first_waiter_and_is_repeated_for_the_others() {
    onHome(
        () -> {
          Pool pool = pool(1);
          List<Caller> callers = take(pool, 3);
          Exception failure = new ConnectException("expected by this test");
          attempts.get(0).fail(failure);
          assertEquals(List.of("caller 0 not connected"), told);
          assertSame(failure, callers.get(0).failure);
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_failed_waiter_gets_no_connection_later() {
    onHome(
        () -> {
          Pool pool = pool(1);
          take(pool, 2);
          attempts.get(0).fail("expected by this test");
          made(1);
          assertEquals(List.of("caller 0 not connected", "caller 1 connected"), told);
        });
  }

  @Test
  void a_failed_attempt_is_not_repeated_if_the_other_waiters_have_attempts() {
    onHome(
        () -> {
          Pool pool = pool(3);
          take(pool, 3);
          attempts.get(1).fail("expected by this test");
          assertEquals(3, attempts.size());
          assertEquals(List.of("caller 0 not connected"), told);
        });
  }

  @Test
  void a_failed_attempt_without_a_waiter_makes_room_for_another() {
    onHome(
        () -> {
          Pool pool = pool(1);
          Objects.requireNonNull(pool.take(new Caller("first"))).cancel();
          attempts.get(0).fail("expected by this test");
          assertEquals(1, attempts.size());
          pool.take(new Caller("second"));
          assertEquals(2, attempts.size());
          assertEquals(List.of(), told);
        });
  }

  @Test
  void a_failed_waiter_can_wait_again_behind_the_others() {
    onHome(
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
          made(2);
          assertEquals(
              List.of("first not connected", "second not connected", "again connected"), told);
        });
  }

  @Test
  void a_connector_that_throws_is_a_failed_attempt() {
    IllegalStateException thrown = new IllegalStateException("expected by this test");
    connector =
        () -> {
          throw thrown;
        };
    onHome(
        () -> {
          Pool pool = pool(1);
          Caller caller = new Caller("caller");
          pool.take(caller);
          assertSame(thrown, caller.failure);
          assertEquals(List.of("caller not connected"), told);
        });
  }

  @Test
  void a_connector_that_throws_leaves_room_for_another_attempt() {
    connector =
        () -> {
          throw new IllegalStateException("expected by this test");
        };
    onHome(
        () -> {
          Pool pool = pool(1);
          pool.take(new Caller("first"));
          connector = this::attempt;
          pool.take(new Caller("second"));
          made(0);
          assertEquals(List.of("first not connected", "second connected"), told);
        });
  }

  @Test
  void cancelling_a_waiter_that_failed_at_once_does_nothing() {
    connector = () -> Future.failedFuture("expected by this test");
    onHome(
        () -> {
          Pool pool = pool(1);
          DeadlineQueue.Entry turn = pool.take(new Caller("first"));
          connector = this::attempt;
          Caller second = new Caller("second");
          pool.take(second);
          if (turn != null) {
            turn.cancel();
          }
          made(0);
          assertNotNull(second.link);
        });
  }

  @Test
  void ten_thousand_waiters_all_fail_when_every_attempt_fails_at_once() {
    onHome(
        () -> {
          Pool pool = pool(1);
          take(pool, 10_000);
          connector = () -> Future.failedFuture("expected by this test");
          attempts.get(0).fail("expected by this test");
          assertEquals(10_000, told.size());
        });
  }

  // ---- attempts whose time is over

  @Test
  void an_attempt_that_times_out_is_followed_by_another() {
    Pool pool = fromHome(() -> pool(options(2).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    onHome(() -> takeAndCancel(pool));
    awaitSecondAttempt(pool);
  }

  @Test
  void an_attempt_that_timed_out_counts_until_it_has_ended() {
    Pool pool = fromHome(() -> pool(options(2).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    onHome(() -> takeAndCancel(pool));
    awaitSecondAttempt(pool);
    onHome(
        () -> {
          take(pool, 5);
          assertEquals(2, attempts.size());
          attempts.get(0).fail("expected by this test");
          assertEquals(3, attempts.size());
        });
  }

  @Test
  void an_attempt_that_fails_after_its_timeout_fails_no_waiter() {
    Pool pool = fromHome(() -> pool(options(2).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    onHome(() -> takeAndCancel(pool));
    awaitSecondAttempt(pool);
    onHome(
        () -> {
          pool.take(new Caller("caller"));
          attempts.get(0).fail("expected by this test");
          assertEquals(List.of(), told);
        });
  }

  @Test
  void an_attempt_that_succeeds_after_its_timeout_serves_a_waiter() {
    Pool pool = fromHome(() -> pool(options(2).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    onHome(() -> takeAndCancel(pool));
    awaitSecondAttempt(pool);
    onHome(
        () -> {
          pool.take(new Caller("caller"));
          made(0);
          assertEquals(List.of("caller connected"), told);
        });
  }

  @Test
  void an_attempt_that_times_out_is_followed_by_another_for_the_remaining_waiter() {
    Pool pool = fromHome(() -> pool(options(2).setConnectTimeout(SECOND)));
    onHome(pool::warmUp);
    long half = System.nanoTime() + SECOND.toNanos() / 2;
    eventually("half of the time has passed", () -> System.nanoTime() > half);
    onHome(() -> pool.take(new Caller("caller")));
    eventually("a second attempt is made", () -> fromHome(() -> attempts.size() == 2));
  }

  // ---- waiters that leave

  @Test
  void the_next_waiter_gets_the_connection_of_a_cancelled_waiter() {
    onHome(
        () -> {
          Pool pool = pool(1);
          Objects.requireNonNull(pool.take(new Caller("cancelled"))).cancel();
          pool.take(new Caller("next"));
          made(0);
          assertEquals(List.of("next connected"), told);
        });
  }

  @Test
  void the_connection_of_a_cancelled_waiter_becomes_idle() {
    onHome(
        () -> {
          Pool pool = pool(1);
          Objects.requireNonNull(pool.take(new Caller("cancelled"))).cancel();
          FakeConnection made = made(0);
          assertEquals(List.of(), told);
          Caller next = new Caller("next");
          assertNull(pool.take(next));
          assertSame(made.connection, next.link().connection());
        });
  }

  @Test
  void a_waiter_fails_after_the_connect_timeout() {
    Caller caller = new Caller("caller");
    long began = System.nanoTime();
    Pool pool = fromHome(() -> pool(options(1).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    onHome(() -> pool.take(caller));
    eventually("the waiter fails", () -> fromHome(() -> caller.failure != null));
    assertTrue(System.nanoTime() - began >= SHORT_CONNECT_TIMEOUT.toNanos());
    onHome(
        () -> {
          ResendException failure = assertInstanceOf(ResendException.class, caller.failure);
          assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
          assertFalse(failure.maybeSent());
        });
  }

  @Test
  void a_waiter_beyond_the_maximum_fails_after_the_connect_timeout() {
    Caller waiting = new Caller("waiting");
    Pool pool = fromHome(() -> pool(options(1).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    onHome(
        () -> {
          pool.take(new Caller("first"));
          made(0);
          pool.take(waiting);
        });
    eventually("the waiter fails", () -> fromHome(() -> waiting.failure != null));
    onHome(() -> assertEquals(List.of("first connected", "waiting not connected"), told));
  }

  @Test
  void a_waiter_that_timed_out_gets_no_connection_later() {
    Caller late = new Caller("late");
    Pool pool = fromHome(() -> pool(options(1).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    onHome(() -> pool.take(late));
    eventually("the waiter fails", () -> fromHome(() -> late.failure != null));
    onHome(
        () -> {
          made(0);
          assertEquals(List.of("late not connected"), told);
        });
  }

  // ---- connections that are not used again

  @Test
  void a_connection_that_has_ended_is_not_reused() {
    onHome(
        () -> {
          Pool pool = pool(1);
          Caller first = new Caller("first");
          pool.take(first);
          made(0).end();
          pool.giveBack(first.link());
          assertNotNull(pool.take(new Caller("second")));
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_connection_that_ends_at_once_is_not_used() {
    onHome(
        () -> {
          Pool pool = pool(1);
          pool.take(new Caller("caller"));
          FakeConnection ended = new FakeConnection();
          ended.hasEnded = true;
          attempts.get(0).complete(ended.connection);
          assertEquals(List.of(), told);
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_connection_that_received_unexpected_data_is_closed_on_release() {
    onHome(
        () -> {
          Pool pool = pool(1);
          Caller first = new Caller("first");
          pool.take(first);
          FakeConnection connection = made(0);
          connection.receiveUnexpected();
          pool.giveBack(first.link());
          assertEquals(1, connection.closes);
          assertNotNull(pool.take(new Caller("second")));
        });
  }

  @Test
  void an_idle_connection_that_received_unexpected_data_is_closed() {
    onHome(
        () -> {
          Pool pool = pool(2);
          FakeConnection idle = idle(pool);
          idle.receiveUnexpected();
          assertNotNull(pool.take(new Caller("second")));
          assertEquals(1, idle.closes);
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_connection_with_the_option_close_is_closed_on_release() {
    onHome(
        () -> {
          Pool pool = pool(1);
          Caller first = new Caller("first");
          pool.take(first);
          FakeConnection connection = made(0);
          first
              .link()
              .received(answer(MultiMap.caseInsensitiveMultiMap().add("Connection", "close")));
          pool.giveBack(first.link());
          assertEquals(1, connection.closes);
        });
  }

  @Test
  void a_connection_without_the_option_close_is_reused() {
    onHome(
        () -> {
          Pool pool = pool(1);
          Caller first = new Caller("first");
          pool.take(first);
          FakeConnection connection = made(0);
          first.link().received(answer(MultiMap.caseInsensitiveMultiMap()));
          pool.giveBack(first.link());
          Caller second = new Caller("second");
          pool.take(second);
          assertSame(connection.connection, second.link().connection());
        });
  }

  @Test
  void a_waiter_gets_another_connection_if_a_connection_is_closed_on_release() {
    Pool pool = fromHome(() -> pool(1));
    Caller first = new Caller("first");
    Caller second = new Caller("second");
    onHome(
        () -> {
          pool.take(first);
          pool.take(second);
          made(0).receiveUnexpected();
          pool.giveBack(first.link());
        });
    eventually("another attempt is made", () -> fromHome(() -> attempts.size() == 2));
    onHome(
        () -> {
          FakeConnection another = made(1);
          assertSame(another.connection, second.link().connection());
        });
  }

  // ---- idle connections

  @Test
  void idle_connections_are_closed_after_keep_alive() {
    Pool pool = fromHome(() -> pool(options(2).setKeepAliveTimeout(SHORT_KEEP_ALIVE)));
    List<FakeConnection> made = new ArrayList<>();
    List<Caller> callers =
        fromHome(
            () -> {
              List<Caller> both = take(pool, 2);
              made.add(made(0));
              made.add(made(1));
              return both;
            });
    List<Long> idleSince = new ArrayList<>();
    for (Caller caller : callers) {
      // they expire at different times, so that one timer cannot close both
      long now = System.nanoTime();
      eventually("some time has passed", () -> System.nanoTime() - now > 20_000_000);
      idleSince.add(System.nanoTime());
      onHome(() -> pool.giveBack(caller.link()));
    }
    eventually("both have ended", () -> fromHome(() -> made.stream().allMatch(c -> c.hasEnded)));
    for (int i = 0; i < 2; i++) {
      long idleNanos = made.get(i).closedAt - idleSince.get(i);
      assertTrue(idleNanos >= SHORT_KEEP_ALIVE.toNanos(), "closed after " + idleNanos + " ns");
      assertEquals(1, made.get(i).closes);
    }
  }

  @Test
  void a_connection_that_becomes_idle_later_is_also_closed_after_keep_alive() {
    Pool pool = fromHome(() -> pool(options(1).setKeepAliveTimeout(SHORT_KEEP_ALIVE)));
    for (int i = 0; i < 2; i++) {
      FakeConnection idle = fromHome(() -> idle(pool));
      eventually("it has ended", () -> fromHome(() -> idle.hasEnded));
      assertEquals(1, idle.closes);
    }
  }

  @Test
  void an_idle_connection_that_expired_is_closed_and_not_used() {
    onHome(
        () -> {
          Pool pool = pool(options(2).setKeepAliveTimeout(SHORT_KEEP_ALIVE));
          FakeConnection idle = idle(pool);
          // the event loop is blocked, so that the timer cannot close the connection
          EventLoops.keepBusy(SHORT_KEEP_ALIVE.toNanos());
          assertNotNull(pool.take(new Caller("caller")));
          assertEquals(1, idle.closes);
          assertEquals(2, attempts.size());
        });
  }

  @Test
  void a_connection_that_ends_while_it_is_idle_leaves_the_pool() {
    onHome(
        () -> {
          Pool pool = pool(1);
          FakeConnection ended = idle(pool);
          ended.end();
          assertNotNull(pool.take(new Caller("caller")));
          assertEquals(2, attempts.size());
          assertEquals(0, ended.closes, "it was still there to be closed");
        });
  }

  @Test
  void the_end_of_an_idle_connection_does_not_affect_the_others() {
    onHome(
        () -> {
          Pool pool = pool(2);
          List<Caller> callers = take(pool, 2);
          FakeConnection other = made(0);
          FakeConnection ended = made(1);
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
    onHome(
        () -> {
          Pool pool = pool(2);
          pool.warmUp();
          assertEquals(1, attempts.size());
          FakeConnection warm = made(0);
          Caller caller = new Caller("caller");
          assertNull(pool.take(caller));
          assertSame(warm.connection, caller.link().connection());
        });
  }

  @Test
  void a_connection_that_warming_up_makes_serves_the_first_waiter() {
    onHome(
        () -> {
          Pool pool = pool(2);
          pool.warmUp();
          pool.take(new Caller("caller"));
          assertEquals(1, attempts.size());
          made(0);
          assertEquals(List.of("caller connected"), told);
        });
  }

  @Test
  void warming_up_makes_no_connection_beyond_the_maximum() {
    onHome(
        () -> {
          Pool pool = pool(1);
          pool.warmUp();
          pool.warmUp();
          assertEquals(1, attempts.size());
        });
  }

  @Test
  void warming_up_that_fails_leaves_room_for_another_attempt() {
    onHome(
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
  void closing_closes_the_idle_connections() {
    List<FakeConnection> made = new ArrayList<>();
    onHome(
        () -> {
          Pool pool = pool(2);
          List<Caller> callers = take(pool, 2);
          made.add(made(0));
          made.add(made(1));
          callers.forEach(caller -> pool.giveBack(caller.link()));
          pool.close();
        });
    eventually("both have ended", () -> fromHome(() -> made.stream().allMatch(c -> c.hasEnded)));
  }

  @Test
  void closing_leaves_a_connection_in_use_open() {
    onHome(
        () -> {
          Pool pool = pool(1);
          take(pool, 1);
          FakeConnection held = made(0);
          pool.close();
          assertEquals(0, held.closes);
        });
  }

  @Test
  void a_connection_that_is_released_after_the_close_is_closed() {
    onHome(
        () -> {
          Pool pool = pool(1);
          Caller caller = new Caller("caller");
          pool.take(caller);
          FakeConnection held = made(0);
          pool.close();
          pool.giveBack(caller.link());
          assertEquals(1, held.closes);
        });
  }

  @Test
  void a_connection_that_arrives_after_the_close_is_closed() {
    onHome(
        () -> {
          Pool pool = pool(1);
          pool.warmUp();
          pool.close();
          assertEquals(1, made(0).closes);
        });
  }

  @Test
  void a_waiter_does_not_time_out_after_the_close() {
    Pool closed = fromHome(() -> pool(options(1).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    Pool open = fromHome(() -> pool(options(1).setConnectTimeout(SHORT_CONNECT_TIMEOUT)));
    Caller later = new Caller("later");
    onHome(
        () -> {
          closed.take(new Caller("closed"));
          closed.close();
          open.take(later);
        });
    eventually("the later waiter times out", () -> fromHome(() -> later.failure != null));
    onHome(() -> assertEquals(List.of("later not connected"), told));
  }

  @Test
  void closing_a_pool_that_was_never_used_does_nothing() {
    onHome(() -> pool(1).close());
  }

  // ---- other threads

  @Test
  void taking_from_another_thread_fails_an_assertion() {
    Pool pool = fromHome(() -> pool(1));
    assertThrows(AssertionError.class, () -> pool.take(new Caller("caller")));
  }

  @Test
  void releasing_from_another_thread_fails_an_assertion() {
    Pool pool = fromHome(() -> pool(1));
    Caller caller = new Caller("caller");
    onHome(
        () -> {
          pool.take(caller);
          made(0);
        });
    assertThrows(AssertionError.class, () -> pool.giveBack(caller.link()));
  }

  /** Uses a pool at random, and checks the results. */
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
      pool = new Pool(home, this::connect, options(maxConnections));
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
      assertEquals(List.of(), List.copyOf(waiting), "they were forgotten");
    }

    private void step() {
      switch (random.nextInt(10)) {
        case 0, 1, 2 -> new RandomCaller().take();
        case 3 -> any(pending, this::succeed);
        case 4 -> any(pending, this::fail);
        case 5, 6 -> any(holding, RandomCaller::giveBack);
        case 7 -> any(open, this::end);
        case 8 -> any(open, FakeConnection::receiveUnexpected);
        default -> any(new ArrayList<>(waiting), RandomCaller::cancel);
      }
    }

    private <T> void any(List<T> all, Consumer<T> act) {
      if (!all.isEmpty()) {
        act.accept(all.get(random.nextInt(all.size())));
      }
    }

    private void check() {
      int connections = pending.size() + open.size();
      assertTrue(connections <= maxConnections, connections + " connections");
      // there is an attempt for each waiter, up to the maximum
      assertTrue(
          pending.size() >= waiting.size() || connections == maxConnections,
          waiting.size() + " wait for " + pending.size() + " attempts");
      assertEquals(holding.size(), holding.stream().map(RandomCaller::link).distinct().count());
    }

    private Future<HttpClientConnection> connect() {
      assertTrue(pending.size() + open.size() < maxConnections, "one too many is being made");
      switch (stepsLeft == 0 ? 9 : random.nextInt(10)) {
        case 0:
          throw new IllegalStateException("expected by this test");
        case 1:
          return Future.failedFuture("expected by this test");
        case 2:
          return Future.succeededFuture(opened().connection);
        default:
          Promise<HttpClientConnection> attempt = home.promise();
          pending.add(attempt);
          return attempt.future();
      }
    }

    private FakeConnection opened() {
      FakeConnection connection = new FakeConnection();
      connection.endsOnClose = false; // it ends in another step
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

    /** Waits again or releases its connection at random. */
    private final class RandomCaller extends Caller {
      private DeadlineQueue.@Nullable Entry turn;
      private boolean isWaiting;

      RandomCaller() {
        super("caller " + callers++);
      }

      void take() {
        waiting.addLast(this);
        isWaiting = true;
        turn = pool.take(this);
      }

      void cancel() {
        assertTrue(waiting.remove(this));
        isWaiting = false;
        Objects.requireNonNull(turn).cancel();
      }

      void giveBack() {
        assertTrue(holding.remove(this));
        pool.giveBack(link());
      }

      @Override
      public void connected(Link link) {
        tell();
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
        tell();
        super.notConnected(cause);
        takeAgain();
      }

      private void tell() {
        assertTrue(isWaiting, this + " was told though it did not wait");
        assertSame(waiting.pollFirst(), this, "it was not its turn");
        isWaiting = false;
      }

      private void takeAgain() {
        if (stepsLeft > 0 && random.nextInt(5) == 0) {
          new RandomCaller().take();
        }
      }
    }
  }

  /** A waiter that records its calls. */
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
      told.add(name + " connected");
      this.link = link;
    }

    @Override
    public void notConnected(Throwable cause) {
      told.add(name + " not connected");
      failure = cause;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** A connection that can only end. */
  private final class FakeConnection {
    final HttpClientConnection connection =
        (HttpClientConnection)
            Proxy.newProxyInstance(
                HttpClientConnection.class.getClassLoader(),
                new Class<?>[] {HttpClientConnection.class},
                (proxy, method, args) -> invoke(proxy, method.getName(), args));

    private @Nullable Handler<Void> closeHandler;
    private @Nullable Handler<Throwable> exceptionHandler;

    /** Whether it ends a turn of the event loop after it is closed, as in Vert.x. */
    boolean endsOnClose = true;

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
            home.runOnContext(v -> end());
          }
          return home.succeededFuture();
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
      }
    }

    void receiveUnexpected() {
      Objects.requireNonNull(exceptionHandler).handle(new Exception("expected by this test"));
    }
  }

  private Pool pool(int maxConnections) {
    return pool(options(maxConnections));
  }

  private Pool pool(OtpResendOptions options) {
    return new Pool(home, () -> connector.get(), options);
  }

  private static OtpResendOptions options(int maxConnections) {
    return new OtpResendOptions()
        .setMaxConnections(maxConnections)
        .setConnectTimeout(LONG)
        .setKeepAliveTimeout(LONG);
  }

  private Future<HttpClientConnection> attempt() {
    Promise<HttpClientConnection> attempt = home.promise();
    attempts.add(attempt);
    return attempt.future();
  }

  /** Makes an attempt succeed. */
  private FakeConnection made(int attempt) {
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

  /**
   * Waits until the first attempt has timed out. Before that, the attempt would serve the waiter.
   */
  private void awaitSecondAttempt(Pool pool) {
    eventually(
        "a second attempt is made",
        () ->
            fromHome(
                () -> {
                  takeAndCancel(pool);
                  return attempts.size() == 2;
                }));
  }

  /** Returns a connection that was made, used and released. */
  private FakeConnection idle(Pool pool) {
    Caller caller = new Caller("first");
    pool.take(caller);
    FakeConnection connection = made(attempts.size() - 1);
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

  private void onHome(Runnable task) {
    Calls.run(home, task);
  }

  private <T> T fromHome(Callable<T> task) {
    return Calls.call(home, task);
  }
}
