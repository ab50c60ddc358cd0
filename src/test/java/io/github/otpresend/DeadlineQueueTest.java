// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

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

  /** The timers that were started. */
  private final List<Timer> armed = Collections.synchronizedList(new ArrayList<>());

  /** The names of the entries that have expired. */
  private final List<String> expired = Collections.synchronizedList(new ArrayList<>());

  private record Timer(long id, Handler<Long> handler) {
    void fire() {
      handler.handle(id);
    }
  }

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    context = watched(((VertxInternal) vertx).createEventLoopContext());
  }

  // ---- expiry

  @Test
  void entries_expire_in_the_order_in_which_they_were_added() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    onLoop(
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
    onLoop(() -> queue.add(entry(() -> expiredAt.set(System.nanoTime()))));
    eventually("it has expired", () -> expiredAt.get() != 0);
    assertTrue(expiredAt.get() - added >= SHORT.toNanos());
  }

  @Test
  void an_entry_expires_on_the_event_loop_of_the_context() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    AtomicReference<@Nullable Thread> expiredOn = new AtomicReference<>();
    onLoop(() -> queue.add(entry(() -> expiredOn.set(Thread.currentThread()))));
    eventually("it has expired", () -> expiredOn.get() != null);
    assertSame(Calls.call(context, Thread::currentThread), expiredOn.get());
  }

  @Test
  void an_entry_that_expires_has_left_the_queue() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    onLoop(() -> queue.add(entry(() -> expired.add(queue.size() + " " + queue.first()))));
    awaitExpired("0 null");
  }

  @Test
  void an_entry_that_is_added_after_others_have_expired_expires_too() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    for (String name : List.of("first", "second", "third")) {
      onLoop(() -> queue.add(named(name)));
      awaitExpired(name);
    }
  }

  @Test
  void an_entry_that_expires_can_add_the_next_one() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    onLoop(() -> queue.add(entry(() -> queue.add(named("next")))));
    awaitExpired("next");
  }

  @Test
  void an_entry_that_has_expired_can_be_added_again() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    DeadlineQueue.Entry entry = named("entry");
    onLoop(() -> queue.add(entry));
    awaitExpired("entry");
    onLoop(() -> queue.add(entry));
    eventually("it has expired again", () -> expired.equals(List.of("entry", "entry")));
  }

  @Test
  void an_entry_expires_although_the_one_before_it_throws() {
    context.exceptionHandler(expected -> {});
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    onLoop(
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
    onLoop(
        () ->
            queue.add(
                entry(
                    () -> {
                      throw thrown;
                    })));
    eventually("it is reported", () -> reported.get() == thrown);
  }

  // ---- cancelling

  @Test
  void a_cancelled_entry_does_not_expire_but_its_neighbours_do() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    onLoop(
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
  void cancelling_an_entry_again_does_not_affect_newer_entries() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    onLoop(
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
  void cancelling_an_expired_entry_does_not_affect_newer_entries() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    DeadlineQueue.Entry early = named("early");
    onLoop(() -> queue.add(early));
    awaitExpired("early");
    onLoop(
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
    onLoop(() -> named("entry").cancel());
  }

  @Test
  void an_entry_does_not_expire_if_the_entry_before_it_cancels_it() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    onLoop(
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
  void a_cancelled_entry_can_be_added_again_with_a_new_delay() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry entry = named("entry");
    onLoop(
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
  void the_first_entry_is_the_oldest() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry first = named("first");
    onLoop(
        () -> {
          queue.add(first);
          queue.add(named("second"));
        });
    assertSame(first, queue.first());
  }

  @Test
  void the_second_entry_becomes_the_first_when_the_first_is_cancelled() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry second = named("second");
    onLoop(
        () -> {
          DeadlineQueue.Entry first = named("first");
          queue.add(first);
          queue.add(second);
          first.cancel();
        });
    assertSame(second, queue.first());
  }

  @Test
  void the_size_does_not_count_cancelled_entries() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    onLoop(
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
  void an_entry_with_an_earlier_start_expires_before_the_last_entry() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    onLoop(
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
  void an_entry_with_the_earliest_start_is_the_first() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry earlier = named("earlier");
    onLoop(
        () -> {
          long now = System.nanoTime();
          queue.add(named("one"), now);
          queue.add(named("another"), now);
          queue.add(earlier, now - 1);
        });
    assertSame(earlier, queue.first());
  }

  @Test
  void entries_with_the_same_start_expire_in_the_order_in_which_they_were_added() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    onLoop(
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
  void entries_expire_in_the_order_of_their_starts() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    SplittableRandom random = new SplittableRandom(1);
    List<Long> ages = random.longs(200, 0, 1_000_000).boxed().toList();
    onLoop(
        () -> {
          long now = System.nanoTime();
          ages.forEach(age -> queue.add(named("age " + age), now - age));
        });
    eventually("all have expired", () -> expired.size() == ages.size());
    assertEquals(
        ages.stream().sorted(Comparator.reverseOrder()).map(age -> "age " + age).toList(), expired);
  }

  @Test
  void an_entry_whose_deadline_has_passed_already_expires_at_once() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    onLoop(() -> queue.add(named("overdue"), System.nanoTime() - LONG.toNanos()));
    awaitExpired("overdue");
  }

  @Test
  void an_entry_whose_deadline_has_passed_already_does_not_expire_while_it_is_added() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    onLoop(
        () -> {
          queue.add(named("overdue"), System.nanoTime() - LONG.multipliedBy(2).toNanos());
          assertEquals(List.of(), expired);
        });
  }

  @Test
  void an_entry_whose_deadline_has_passed_already_does_not_wait_for_a_newer_entry() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    onLoop(
        () -> {
          queue.add(named("later"));
          queue.add(named("overdue"), System.nanoTime() - LONG.toNanos());
        });
    awaitExpired("overdue");
    assertEquals(List.of("overdue"), expired);
  }

  // ---- the time that is left

  @Test
  void a_new_entry_has_its_whole_delay_left() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry entry = named("entry");
    onLoop(() -> queue.add(entry));
    assertTrue(entry.nanosLeft() <= LONG.toNanos());
    assertTrue(entry.nanosLeft() > LONG.dividedBy(2).toNanos());
  }

  @Test
  void an_entry_whose_deadline_has_passed_has_a_negative_time_left() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry entry = named("entry");
    onLoop(() -> queue.add(entry, System.nanoTime() - LONG.toNanos() - 1));
    assertTrue(entry.nanosLeft() < 0);
  }

  // ---- timers

  @Test
  void ten_thousand_entries_have_one_timer() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    onLoop(
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
  void an_entry_waits_for_its_own_delay_after_the_oldest_entry_is_cancelled() {
    Duration delay = Duration.ofMillis(100);
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(delay);
    DeadlineQueue.Entry oldest = named("oldest");
    AtomicLong added = new AtomicLong();
    AtomicLong expiredAt = new AtomicLong();
    onLoop(
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
    eventually("it has expired", () -> expiredAt.get() != 0);
    assertTrue(expiredAt.get() - added.get() >= delay.toNanos());
  }

  @Test
  void a_timer_that_fires_before_an_entry_is_due_expires_nothing() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    onLoop(
        () -> {
          addCancelled(queue);
          queue.add(named("entry"));
          armed.get(0).fire();
        });
    assertEquals(List.of(), expired);
    assertEquals(1, queue.size());
  }

  @Test
  void a_timer_that_fires_before_an_entry_is_due_is_started_again() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    onLoop(
        () -> {
          addCancelled(queue);
          queue.add(named("entry"));
          armed.get(0).fire();
        });
    assertEquals(2, armed.size());
  }

  @Test
  void no_timer_is_started_when_all_entries_are_cancelled() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    onLoop(
        () -> {
          addCancelled(queue);
          armed.get(0).fire();
        });
    assertEquals(1, armed.size());
  }

  @Test
  void a_queue_that_was_empty_starts_a_timer_for_the_next_entry() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    onLoop(
        () -> {
          addCancelled(queue);
          armed.get(0).fire();
          queue.add(named("next"));
        });
    assertEquals(2, armed.size());
  }

  // ---- closing

  @Test
  void closing_cancels_the_timer() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    onLoop(
        () -> {
          queue.add(named("entry"));
          queue.close();
        });
    assertFalse(vertx.cancelTimer(armed.get(0).id()), "the timer was still there");
  }

  @Test
  void closing_cancels_a_timer_that_was_started_again() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    onLoop(
        () -> {
          queue.add(named("entry"));
          armed.get(0).fire();
          queue.close();
        });
    assertFalse(vertx.cancelTimer(armed.get(1).id()), "the timer was still there");
  }

  @Test
  void closing_an_empty_queue_does_nothing() {
    onLoop(() -> queue(LONG).close());
    assertEquals(0, armed.size());
  }

  @Test
  void an_entry_does_not_expire_after_the_close() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(SHORT);
    DeadlineQueue<DeadlineQueue.Entry> laterQueue = queue(SHORT.multipliedBy(3));
    onLoop(
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
    onLoop(
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
  void adding_from_another_thread_fails_an_assertion() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    assertThrows(AssertionError.class, () -> queue.add(named("entry")));
  }

  @Test
  void cancelling_from_another_thread_fails_an_assertion() {
    DeadlineQueue<DeadlineQueue.Entry> queue = queue(LONG);
    DeadlineQueue.Entry entry = named("entry");
    onLoop(() -> queue.add(entry));
    assertThrows(AssertionError.class, entry::cancel);
  }

  private DeadlineQueue<DeadlineQueue.Entry> queue(Duration delay) {
    return new DeadlineQueue<>(context, delay);
  }

  private static DeadlineQueue.Entry entry(Runnable onExpiry) {
    return new DeadlineQueue.Entry() {
      @Override
      void expire() {
        onExpiry.run();
      }
    };
  }

  /** An entry that records its expiry. */
  private DeadlineQueue.Entry named(String name) {
    return new DeadlineQueue.Entry() {
      @Override
      void expire() {
        expired.add(name);
      }

      @Override
      public String toString() {
        return name;
      }
    };
  }

  /** Makes the queue start a timer that no entry needs. */
  private void addCancelled(DeadlineQueue<DeadlineQueue.Entry> queue) {
    DeadlineQueue.Entry cancelled = named("cancelled");
    queue.add(cancelled);
    cancelled.cancel();
  }

  private void awaitExpired(String name) {
    eventually(name + " has expired", () -> expired.contains(name));
  }

  /** Blocks the event loop until all entries are due, so that one timer expires them. */
  private static void keepBusyUntilAllAreDue() {
    EventLoops.keepBusy(SHORT.toNanos());
  }

  private void onLoop(Runnable task) {
    Calls.run(context, task);
  }

  /** Returns the context, which records each timer that is started. */
  @SuppressWarnings("unchecked")
  private ContextInternal watched(ContextInternal context) {
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
