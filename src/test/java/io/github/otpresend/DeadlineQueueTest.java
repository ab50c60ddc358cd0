// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DeadlineQueueTest {
  private static final Duration SHORT = Duration.ofMillis(30);
  private static final Duration LONG = Duration.ofHours(1);

  private Vertx vertx;
  private ContextInternal context;
  private final List<Timer> armed = Collections.synchronizedList(new ArrayList<>());

  private record Timer(long id, Handler<Long> handler) {
    void fire() {
      handler.handle(id);
    }
  }

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
    context = watched(((VertxInternal) vertx).createEventLoopContext());
  }

  @AfterEach
  void stop() {
    Calls.await(vertx.close());
  }

  @Test
  void tasks_run_in_the_order_in_which_they_were_added() throws Exception {
    DeadlineQueue queue = new DeadlineQueue(context, SHORT);
    List<Integer> ran = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch done = new CountDownLatch(1_000);
    for (int i = 0; i < 1_000; i++) {
      int number = i;
      queue.add(
          () -> {
            ran.add(number);
            done.countDown();
          });
    }
    await(done);
    assertEquals(IntStream.range(0, 1_000).boxed().toList(), ran);
  }

  @Test
  void a_task_does_not_run_before_its_delay() throws Exception {
    DeadlineQueue queue = new DeadlineQueue(context, SHORT);
    AtomicLong ranAt = new AtomicLong();
    CountDownLatch done = new CountDownLatch(1);
    long added = System.nanoTime();
    queue.add(
        () -> {
          ranAt.set(System.nanoTime());
          done.countDown();
        });
    await(done);
    assertTrue(ranAt.get() - added >= SHORT.toNanos());
  }

  @Test
  void a_task_runs_on_the_event_loop_of_the_context() throws Exception {
    AtomicReference<Thread> eventLoop = new AtomicReference<>();
    AtomicReference<Thread> ranOn = new AtomicReference<>();
    CountDownLatch done = new CountDownLatch(2);
    context.runOnContext(
        v -> {
          eventLoop.set(Thread.currentThread());
          done.countDown();
        });
    new DeadlineQueue(context, SHORT)
        .add(
            () -> {
              ranOn.set(Thread.currentThread());
              done.countDown();
            });
    await(done);
    assertSame(eventLoop.get(), ranOn.get());
  }

  @Test
  void a_cancelled_task_does_not_run_and_its_neighbours_do() throws Exception {
    DeadlineQueue queue = new DeadlineQueue(context, SHORT);
    List<String> ran = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch done = new CountDownLatch(1);
    queue.add(() -> ran.add("before"));
    DeadlineQueue.Entry cancelled = queue.add(() -> ran.add("cancelled"));
    queue.add(() -> ran.add("after"));
    queue.add(done::countDown);
    cancelled.cancel();
    await(done);
    assertEquals(List.of("before", "after"), ran);
  }

  @Test
  void cancelling_again_or_too_late_does_nothing() throws Exception {
    DeadlineQueue queue = new DeadlineQueue(context, SHORT);
    CountDownLatch first = new CountDownLatch(1);
    DeadlineQueue.Entry cancelled = queue.add(() -> {});
    DeadlineQueue.Entry run = queue.add(first::countDown);
    cancelled.cancel();
    cancelled.cancel();
    await(first);

    CountDownLatch second = new CountDownLatch(2);
    queue.add(second::countDown);
    run.cancel();
    cancelled.cancel();
    queue.add(second::countDown);
    run.cancel();
    await(second);
  }

  @Test
  void ten_thousand_tasks_have_one_timer() {
    DeadlineQueue queue = new DeadlineQueue(context, LONG);
    for (int i = 0; i < 10_000; i++) {
      DeadlineQueue.Entry entry = queue.add(() -> {});
      if (i % 2 == 0) {
        entry.cancel();
      }
    }
    assertEquals(1, armed.size());
  }

  @Test
  void of_ten_thousand_tasks_from_many_threads_all_run_but_the_cancelled() throws Exception {
    int threads = 4;
    int each = 2_500;
    DeadlineQueue queue = new DeadlineQueue(context, Duration.ofMillis(500));
    AtomicInteger cancelledRan = new AtomicInteger();
    CountDownLatch kept = new CountDownLatch(threads * each / 2);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    long longestAdd = 0;
    try {
      Callable<Long> adding =
          () -> {
            long longest = 0;
            for (int i = 0; i < each / 2; i++) {
              long start = System.nanoTime();
              DeadlineQueue.Entry cancelled = queue.add(cancelledRan::incrementAndGet);
              queue.add(kept::countDown);
              cancelled.cancel();
              longest = Math.max(longest, System.nanoTime() - start);
            }
            return longest;
          };
      for (Future<Long> added : pool.invokeAll(Collections.nCopies(threads, adding))) {
        longestAdd = Math.max(longestAdd, added.get(20, TimeUnit.SECONDS));
      }
    } finally {
      pool.shutdownNow();
    }
    await(kept);
    // a machine that stood still between an add and its cancel has let the task run, rightly
    if (longestAdd < Duration.ofMillis(500).toNanos()) {
      assertEquals(0, cancelledRan.get());
    }
  }

  @Test
  void a_task_that_is_added_after_others_have_run_runs_too() throws Exception {
    DeadlineQueue queue = new DeadlineQueue(context, SHORT);
    for (int i = 0; i < 3; i++) {
      CountDownLatch done = new CountDownLatch(1);
      queue.add(done::countDown);
      await(done);
    }
  }

  @Test
  void a_task_can_add_the_next_one() throws Exception {
    DeadlineQueue queue = new DeadlineQueue(context, SHORT);
    CountDownLatch done = new CountDownLatch(1);
    queue.add(() -> queue.add(done::countDown));
    await(done);
  }

  @Test
  void a_task_that_came_later_waits_for_its_own_delay_though_the_oldest_was_cancelled()
      throws Exception {
    DeadlineQueue queue = new DeadlineQueue(context, Duration.ofMillis(100));
    DeadlineQueue.Entry oldest = queue.add(() -> {});
    AtomicLong added = new AtomicLong();
    AtomicLong ranAt = new AtomicLong();
    CountDownLatch done = new CountDownLatch(1);
    vertx.setTimer(
        40,
        id -> {
          added.set(System.nanoTime());
          queue.add(
              () -> {
                ranAt.set(System.nanoTime());
                done.countDown();
              });
          oldest.cancel();
        });
    await(done);
    assertTrue(ranAt.get() - added.get() >= Duration.ofMillis(100).toNanos());
  }

  @Test
  void a_timer_that_fires_when_nothing_is_due_runs_nothing_and_is_armed_again() {
    DeadlineQueue queue = new DeadlineQueue(context, LONG);
    AtomicBoolean ran = new AtomicBoolean();
    queue.add(() -> {}).cancel();
    queue.add(() -> ran.set(true));
    armed.get(0).fire();
    assertFalse(ran.get());
    assertEquals(2, armed.size());
  }

  @Test
  void no_timer_is_armed_again_when_all_tasks_were_cancelled() {
    DeadlineQueue queue = new DeadlineQueue(context, LONG);
    queue.add(() -> {}).cancel();
    armed.get(0).fire();
    assertEquals(1, armed.size());
  }

  @Test
  void a_queue_that_ran_empty_arms_a_timer_for_the_next_task() {
    DeadlineQueue queue = new DeadlineQueue(context, LONG);
    queue.add(() -> {}).cancel();
    armed.get(0).fire();
    queue.add(() -> {});
    assertEquals(2, armed.size());
  }

  @Test
  void a_task_that_throws_does_not_keep_the_next_from_running() throws Exception {
    context.exceptionHandler(expected -> {});
    DeadlineQueue queue = new DeadlineQueue(context, SHORT);
    CountDownLatch done = new CountDownLatch(1);
    context.runOnContext(
        v -> {
          queue.add(
              () -> {
                throw new IllegalStateException("expected by this test");
              });
          queue.add(done::countDown);
          // the event loop is kept from the timer until both are due
          EventLoops.keepBusy(SHORT.toNanos());
        });
    await(done);
  }

  @Test
  void closing_cancels_the_timer() {
    DeadlineQueue queue = new DeadlineQueue(context, LONG);
    queue.add(() -> {});
    queue.close();
    assertFalse(vertx.cancelTimer(armed.get(0).id()), "the timer was still there");
  }

  @Test
  void closing_an_idle_queue_does_nothing() {
    new DeadlineQueue(context, LONG).close();
    assertEquals(0, armed.size());
  }

  @Test
  void a_task_that_is_left_at_the_close_does_not_run() throws Exception {
    DeadlineQueue queue = new DeadlineQueue(context, SHORT);
    AtomicBoolean ran = new AtomicBoolean();
    queue.add(() -> ran.set(true));
    queue.close();
    // a later task of another queue on the same context
    CountDownLatch done = new CountDownLatch(1);
    new DeadlineQueue(context, SHORT.multipliedBy(3)).add(done::countDown);
    await(done);
    assertFalse(ran.get());
  }

  private static void await(CountDownLatch latch) throws InterruptedException {
    assertTrue(latch.await(20, TimeUnit.SECONDS), "still " + latch.getCount() + " to come");
  }

  /** The context, remembering each timer that is armed through it. */
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
                  armed.add(new Timer((Long) result, (Handler<Long>) args[1]));
                }
                return result;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
