// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.testing.Calls;
import io.github.otpresend.testing.EventLoops;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.junit5.VertxExtension;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(VertxExtension.class)
class DeadlineQueueTest {
  private static final Duration SHORT = Duration.ofMillis(30);
  private static final Duration LONG = Duration.ofHours(1);

  private Vertx vertx;
  private ContextInternal context;

  /** The timers that the queue has armed, in order. */
  private final List<Timer> armed = Collections.synchronizedList(new ArrayList<>());

  /** The names of the entries that have expired, in order. */
  private final List<String> expired = Collections.synchronizedList(new ArrayList<>());

  private record Timer(long id, Handler<Long> handler) {
    void fire() {
      handler.handle(id);
    }
  }

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    context = recordingTimers(((VertxInternal) vertx).createEventLoopContext());
  }

  // ---- expiry

  @Test
  void entries_expire_in_the_order_in_which_they_were_added() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    runOnEventLoop(
        () -> {
          for (int i = 0; i < 1_000; i++) {
            queue.add(named("entry " + i));
          }
        });
    awaitExpired("entry 999");
    assertEquals(IntStream.range(0, 1_000).mapToObj(i -> "entry " + i).toList(), expired);
  }

  @Test
  void an_entry_does_not_expire_before_its_delay() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    AtomicLong expiredAt = new AtomicLong();
    long added = System.nanoTime();
    runOnEventLoop(() -> queue.add(entry(() -> expiredAt.set(System.nanoTime()))));
    eventually("the entry has expired", () -> expiredAt.get() != 0);
    assertTrue(expiredAt.get() - added >= SHORT.toNanos());
  }

  @Test
  void an_entry_expires_on_the_event_loop_of_the_context() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    AtomicReference<@Nullable Thread> expiredOn = new AtomicReference<>();
    runOnEventLoop(() -> queue.add(entry(() -> expiredOn.set(Thread.currentThread()))));
    eventually("the entry has expired", () -> expiredOn.get() != null);
    assertSame(Calls.call(context, Thread::currentThread), expiredOn.get());
  }

  @Test
  void an_entry_that_expires_has_left_the_queue() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    runOnEventLoop(() -> queue.add(entry(() -> expired.add(queue.size() + " " + queue.first()))));
    awaitExpired("0 null");
  }

  @Test
  void an_entry_that_is_added_after_others_have_expired_expires_too() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    for (String name : List.of("first", "second", "third")) {
      runOnEventLoop(() -> queue.add(named(name)));
      awaitExpired(name);
    }
  }

  @Test
  void an_entry_that_expires_can_add_another_entry() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    runOnEventLoop(() -> queue.add(entry(() -> queue.add(named("next")))));
    awaitExpired("next");
  }

  @Test
  void an_entry_that_has_expired_can_be_added_again() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    DeadlineQueue.Entry entry = named("entry");
    runOnEventLoop(() -> queue.add(entry));
    awaitExpired("entry");
    runOnEventLoop(() -> queue.add(entry));
    eventually("the entry has expired again", () -> expired.equals(List.of("entry", "entry")));
  }

  @Test
  void an_entry_that_throws_does_not_prevent_the_next_entry_from_expiring() {
    context.exceptionHandler(expected -> {});
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    runOnEventLoop(
        () -> {
          queue.add(
              entry(
                  () -> {
                    throw new IllegalStateException("expected by this test");
                  }));
          queue.add(named("next"));
          keepBusyUntilAllAreDue();
        });
    awaitExpired("next");
  }

  @Test
  void an_entry_that_throws_is_reported_to_the_context() {
    AtomicReference<@Nullable Throwable> reported = new AtomicReference<>();
    context.exceptionHandler(reported::set);
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    IllegalStateException thrown = new IllegalStateException("expected by this test");
    runOnEventLoop(
        () ->
            queue.add(
                entry(
                    () -> {
                      throw thrown;
                    })));
    eventually("the exception is reported", () -> reported.get() == thrown);
  }

  // ---- cancelling

  @Test
  void a_cancelled_entry_does_not_expire_but_its_neighbours_do() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    runOnEventLoop(
        () -> {
          DeadlineQueue.Entry cancelled = named("cancelled");
          queue.add(named("before"));
          queue.add(cancelled);
          queue.add(named("after"));
          cancelled.cancel();
        });
    awaitExpired("after");
    assertEquals(List.of("before", "after"), expired);
  }

  @Test
  void cancelling_an_entry_again_does_not_affect_later_entries() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    runOnEventLoop(
        () -> {
          DeadlineQueue.Entry cancelled = named("cancelled");
          queue.add(cancelled);
          cancelled.cancel();
          queue.add(named("first"));
          cancelled.cancel();
          queue.add(named("second"));
          cancelled.cancel();
          assertEquals(2, queue.size());
        });
    awaitExpired("second");
    assertEquals(List.of("first", "second"), expired);
  }

  @Test
  void cancelling_an_entry_that_has_expired_does_not_affect_later_entries() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    DeadlineQueue.Entry early = named("early");
    runOnEventLoop(() -> queue.add(early));
    awaitExpired("early");
    runOnEventLoop(
        () -> {
          queue.add(named("first"));
          early.cancel();
          queue.add(named("second"));
          early.cancel();
          assertEquals(2, queue.size());
        });
    awaitExpired("second");
    assertEquals(List.of("early", "first", "second"), expired);
  }

  @Test
  void cancelling_an_entry_that_is_in_no_queue_does_nothing() {
    runOnEventLoop(() -> named("entry").cancel());
  }

  @Test
  void an_entry_that_is_cancelled_when_another_entry_expires_does_not_expire() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    runOnEventLoop(
        () -> {
          DeadlineQueue.Entry cancelled = named("cancelled");
          queue.add(entry(cancelled::cancel));
          queue.add(cancelled);
          queue.add(named("after"));
          keepBusyUntilAllAreDue();
        });
    awaitExpired("after");
    assertEquals(List.of("after"), expired);
  }

  @Test
  void a_cancelled_entry_can_be_added_again_with_a_new_deadline() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry entry = named("entry");
    runOnEventLoop(
        () -> {
          queue.add(entry);
          queue.add(named("other"));
          entry.cancel();
          queue.add(entry);
          assertEquals("other", String.valueOf(queue.first()));
          assertEquals(2, queue.size());
        });
  }

  // ---- the first entry, and the size

  @Test
  void an_empty_queue_has_no_first_entry() {
    assertNull(queue(LONG).first());
  }

  @Test
  void the_first_entry_is_the_entry_that_was_added_first() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry first = named("first");
    runOnEventLoop(
        () -> {
          queue.add(first);
          queue.add(named("second"));
        });
    assertSame(first, queue.first());
  }

  @Test
  void the_second_entry_becomes_first_when_the_first_entry_is_cancelled() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry second = named("second");
    runOnEventLoop(
        () -> {
          DeadlineQueue.Entry first = named("first");
          queue.add(first);
          queue.add(second);
          first.cancel();
        });
    assertSame(second, queue.first());
  }

  @Test
  void the_size_counts_the_entries_that_were_added_and_not_cancelled() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    runOnEventLoop(
        () -> {
          DeadlineQueue.Entry first = named("first");
          DeadlineQueue.Entry second = named("second");
          assertEquals(0, queue.size());
          queue.add(first);
          queue.add(second);
          assertEquals(2, queue.size());
          first.cancel();
          assertEquals(1, queue.size());
          second.cancel();
          assertEquals(0, queue.size());
        });
  }

  // ---- entries that began earlier

  @Test
  void an_entry_that_began_earlier_than_the_last_entry_expires_before_it() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    runOnEventLoop(
        () -> {
          long now = System.nanoTime();
          queue.add(named("first"), now - 2_000_000);
          queue.add(named("third"), now);
          queue.add(named("second"), now - 1_000_000);
        });
    awaitExpired("third");
    assertEquals(List.of("first", "second", "third"), expired);
  }

  @Test
  void an_entry_that_began_earlier_than_all_others_is_the_first() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry earlier = named("earlier");
    runOnEventLoop(
        () -> {
          long now = System.nanoTime();
          queue.add(named("one"), now);
          queue.add(named("another"), now);
          queue.add(earlier, now - 1);
        });
    assertSame(earlier, queue.first());
  }

  @Test
  void entries_that_began_at_the_same_time_keep_the_order_in_which_they_were_added() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    runOnEventLoop(
        () -> {
          long now = System.nanoTime();
          queue.add(named("first"), now);
          queue.add(named("second"), now);
          queue.add(named("third"), now);
        });
    awaitExpired("third");
    assertEquals(List.of("first", "second", "third"), expired);
  }

  @Test
  void entries_that_are_added_in_any_order_expire_in_the_order_in_which_they_began() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    SplittableRandom random = new SplittableRandom(1);
    List<Long> ages = random.longs(200, 0, 1_000_000).boxed().toList();
    runOnEventLoop(
        () -> {
          long now = System.nanoTime();
          ages.forEach(age -> queue.add(named("age " + age), now - age));
        });
    eventually("all entries have expired", () -> expired.size() == ages.size());
    assertEquals(
        ages.stream().sorted(Comparator.reverseOrder()).map(age -> "age " + age).toList(), expired);
  }

  @Test
  void an_overdue_entry_expires_at_once() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    runOnEventLoop(() -> queue.add(named("overdue"), System.nanoTime() - LONG.toNanos()));
    awaitExpired("overdue");
  }

  @Test
  void an_overdue_entry_does_not_expire_while_it_is_added() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    runOnEventLoop(
        () -> {
          queue.add(named("overdue"), System.nanoTime() - LONG.multipliedBy(2).toNanos());
          assertEquals(List.of(), expired);
        });
  }

  @Test
  void an_overdue_entry_does_not_wait_for_an_entry_that_began_later() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    runOnEventLoop(
        () -> {
          queue.add(named("later"));
          queue.add(named("overdue"), System.nanoTime() - LONG.toNanos());
        });
    awaitExpired("overdue");
    assertEquals(List.of("overdue"), expired);
  }

  // ---- the time that is left

  @Test
  void an_entry_that_has_just_begun_has_all_of_its_time_left() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry entry = named("entry");
    runOnEventLoop(() -> queue.add(entry));
    assertTrue(entry.nanosLeft() <= LONG.toNanos());
    assertTrue(entry.nanosLeft() > LONG.dividedBy(2).toNanos());
  }

  @Test
  void an_overdue_entry_has_negative_time_left() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry entry = named("entry");
    runOnEventLoop(() -> queue.add(entry, System.nanoTime() - LONG.toNanos() - 1));
    assertTrue(entry.nanosLeft() < 0);
  }

  // ---- timers

  @Test
  void ten_thousand_entries_share_one_timer() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    runOnEventLoop(
        () -> {
          for (int i = 0; i < 10_000; i++) {
            DeadlineQueue.Entry entry = named("entry");
            queue.add(entry);
            if (i % 2 == 0) {
              entry.cancel();
            }
          }
        });
    assertEquals(1, armed.size());
  }

  @Test
  void an_entry_waits_for_its_full_delay_after_an_older_entry_is_cancelled() {
    Duration delay = Duration.ofMillis(100);
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(delay);
    DeadlineQueue.Entry oldest = named("oldest");
    AtomicLong added = new AtomicLong();
    AtomicLong expiredAt = new AtomicLong();
    runOnEventLoop(
        () -> {
          queue.add(oldest);
          context.setTimer(
              40,
              id -> {
                added.set(System.nanoTime());
                queue.add(entry(() -> expiredAt.set(System.nanoTime())));
                oldest.cancel();
              });
        });
    eventually("the entry has expired", () -> expiredAt.get() != 0);
    assertTrue(expiredAt.get() - added.get() >= delay.toNanos());
  }

  @Test
  void a_timer_that_fires_when_no_entry_is_due_expires_no_entry() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    runOnEventLoop(
        () -> {
          addCancelled(queue);
          queue.add(named("entry"));
          armed.get(0).fire();
        });
    assertEquals(List.of(), expired);
    assertEquals(1, queue.size());
  }

  @Test
  void a_timer_that_fires_when_no_entry_is_due_is_armed_again() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    runOnEventLoop(
        () -> {
          addCancelled(queue);
          queue.add(named("entry"));
          armed.get(0).fire();
        });
    assertEquals(2, armed.size());
  }

  @Test
  void the_timer_is_not_armed_again_when_all_entries_were_cancelled() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    runOnEventLoop(
        () -> {
          addCancelled(queue);
          armed.get(0).fire();
        });
    assertEquals(1, armed.size());
  }

  @Test
  void a_queue_that_became_empty_arms_a_timer_for_the_next_entry() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    runOnEventLoop(
        () -> {
          addCancelled(queue);
          armed.get(0).fire();
          queue.add(named("next"));
        });
    assertEquals(2, armed.size());
  }

  // ---- closing

  @Test
  void closing_a_queue_cancels_the_timer() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    runOnEventLoop(
        () -> {
          queue.add(named("entry"));
          queue.close();
        });
    assertFalse(vertx.cancelTimer(armed.get(0).id()), "the timer was still active");
  }

  @Test
  void closing_a_queue_cancels_a_timer_that_was_armed_again() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    runOnEventLoop(
        () -> {
          queue.add(named("entry"));
          armed.get(0).fire();
          queue.close();
        });
    assertFalse(vertx.cancelTimer(armed.get(1).id()), "the timer was still active");
  }

  @Test
  void closing_an_empty_queue_does_nothing() {
    runOnEventLoop(() -> queue(LONG).close());
    assertEquals(0, armed.size());
  }

  @Test
  void an_entry_that_is_in_the_queue_at_the_close_does_not_expire() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    DeadlineQueue<DeadlineQueue.Entry> laterQueue = queue(SHORT.multipliedBy(3));
    runOnEventLoop(
        () -> {
          queue.add(named("left"));
          queue.close();
          laterQueue.add(named("later"));
        });
    awaitExpired("later");
    assertEquals(List.of("later"), expired);
  }

  @Test
  void an_entry_that_is_added_after_the_close_does_not_expire() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    DeadlineQueue<DeadlineQueue.Entry> laterQueue = queue(SHORT.multipliedBy(3));
    runOnEventLoop(
        () -> {
          queue.close();
          queue.add(named("too late"));
          laterQueue.add(named("later"));
        });
    awaitExpired("later");
    assertEquals(List.of("later"), expired);
  }

  // ---- other threads

  @Test
  void adding_an_entry_from_another_thread_fails_an_assertion() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    assertThrows(AssertionError.class, () -> queue.add(named("entry")));
  }

  @Test
  void cancelling_an_entry_from_another_thread_fails_an_assertion() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry entry = named("entry");
    runOnEventLoop(() -> queue.add(entry));
    assertThrows(AssertionError.class, entry::cancel);
  }

  private DeadlineQueue<DeadlineQueue.Entry> queue(Duration delay) {
    return new DeadlineQueue<>(context, delay);
  }

  private static DeadlineQueue.Entry entry(Runnable onExpiry) {
    return new DeadlineQueue.Entry() {
      @Override
      public void expire() {
        onExpiry.run();
      }
    };
  }

  /** Returns an entry that records its expiry. */
  private DeadlineQueue.Entry named(String name) {
    return new DeadlineQueue.Entry() {
      @Override
      public void expire() {
        expired.add(name);
      }

      @Override
      public String toString() {
        return name;
      }
    };
  }

  /** Adds and cancels an entry, so that a timer is armed that no entry needs. */
  private void addCancelled(DeadlineQueue<DeadlineQueue.Entry> queue) {
    DeadlineQueue.Entry cancelled = named("cancelled");
    queue.add(cancelled);
    cancelled.cancel();
  }

  private void awaitExpired(String name) {
    eventually(name + " has expired", () -> expired.contains(name));
  }

  /** Blocks the event loop until all entries are due, so that one timer finds them all. */
  private static void keepBusyUntilAllAreDue() {
    EventLoops.keepBusy(SHORT.toNanos());
  }

  private void runOnEventLoop(Runnable task) {
    Calls.run(context, task);
  }

  /** Returns a proxy of the context that records each timer that is set through it. */
  @SuppressWarnings("unchecked")
  private ContextInternal recordingTimers(ContextInternal context) {
    return (ContextInternal)
        Proxy.newProxyInstance(
            ContextInternal.class.getClassLoader(),
            new Class<?>[] {ContextInternal.class},
            (proxy, method, args) -> {
              try {
                Object result = method.invoke(context, args);
                if (method.getName().equals("setTimer")) {
                  armed.add(
                      new Timer((Long) Objects.requireNonNull(result), (Handler<Long>) args[1]));
                }
                return result;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
