// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import static io.github.otpresend.testing.Calls.PATIENCE;
import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.testing.EventLoops;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.internal.threadchecker.BlockedThreadEvent;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The blocked-thread checker of Vert.x with a limit of 100 ms. It reads a clock. So it also warns
 * of a thread that does not run because of the machine or a garbage collection. Therefore a warning
 * counts only if the thread waits, or if its task has used 100 ms of processor time.
 */
class EventLoopsUnderLoadTest {
  private static final long LIMIT_MILLIS = 100;
  private static final int IN_FLIGHT = 64;

  private final List<String> held = new CopyOnWriteArrayList<>();
  private Vertx vertx;
  private FaultServer server;
  private ProcessorTime processorTime;

  @BeforeEach
  void start() {
    vertx =
        Vertx.vertx(
            new VertxOptions()
                .setMaxEventLoopExecuteTime(LIMIT_MILLIS)
                .setMaxEventLoopExecuteTimeUnit(TimeUnit.MILLISECONDS)
                .setBlockedThreadCheckInterval(LIMIT_MILLIS / 4));
    processorTime = new ProcessorTime();
    ((VertxInternal) vertx).blockedThreadChecker().setThreadBlockedHandler(this::warned);
    server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS));
  }

  @AfterEach
  void stop() {
    await(vertx.close());
    processorTime.close();
    server.close();
  }

  private void warned(BlockedThreadEvent event) {
    Thread thread = event.thread();
    Thread.State state = thread.getState();
    long used = processorTime.of(thread, event.duration());
    if (state != Thread.State.RUNNABLE || used >= event.maxExecTime()) {
      held.add(state + ", used " + used / 1_000_000 + " ms: " + List.of(thread.getStackTrace()));
    }
  }

  @Test
  void an_event_loop_that_waits_is_detected() {
    vertx.runOnContext(v -> EventLoops.keepWaiting(TimeUnit.SECONDS.toNanos(1)));
    eventually("a warning counts", () -> !held.isEmpty());
  }

  @Test
  void a_busy_event_loop_is_detected() {
    vertx.runOnContext(v -> EventLoops.keepBusy(TimeUnit.SECONDS.toNanos(2)));
    eventually("a warning counts", () -> !held.isEmpty());
  }

  @Test
  void many_calls_block_no_event_loop() {
    // long enough for the first call, which loads classes, on a busy machine
    OtpResendOptions options = server.options().setTimeout(PATIENCE).setConnectTimeout(PATIENCE);
    OtpResendClient client = OtpResendClient.create(vertx, options);
    await(EventBusAdapter.register(vertx, OtpResendOptions.DEFAULT_ADDRESS, client));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx, options);
    await(overBus.resend("first"));
    for (int i = 0; i < 10; i++) {
      resendMany(client, 100);
      resendMany(overBus, 100);
    }
    held.clear(); // the classes are loaded now

    for (int i = 0; i < 10; i++) {
      resendMany(client, 1_000);
      resendMany(overBus, 1_000);
    }

    assertEquals(List.of(), held);
    await(client.close());
  }

  private static void resendMany(OtpResendClient client, int calls) {
    AtomicInteger left = new AtomicInteger(calls);
    List<Future<?>> chains = new ArrayList<>();
    for (int i = 0; i < IN_FLIGHT; i++) {
      Promise<Void> end = Promise.promise();
      resendNext(client, left, end);
      chains.add(end.future());
    }
    await(Future.all(chains));
  }

  private static void resendNext(OtpResendClient client, AtomicInteger left, Promise<Void> end) {
    int number = left.getAndDecrement();
    if (number <= 0) {
      end.complete();
    } else {
      client
          .resend("id-" + number)
          .onSuccess(response -> resendNext(client, left, end))
          .onFailure(end::fail);
    }
  }

  /** Records the processor time of all threads every few milliseconds. */
  private static final class ProcessorTime implements AutoCloseable {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final long KEPT_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** The processor times, by the time of the record and the id of the thread. */
    private final NavigableMap<Long, Map<Long, Long>> notes = new ConcurrentSkipListMap<>();

    private volatile boolean closed;

    ProcessorTime() {
      Thread thread = new Thread(this::run, "processor-time");
      thread.setDaemon(true);
      thread.start();
    }

    private void run() {
      while (!closed) {
        long now =
            System.nanoTime(); // read before the threads, so that the record has all threads that
        // existed then
        Map<Long, Long> used = new HashMap<>();
        for (long id : THREADS.getAllThreadIds()) {
          used.put(id, THREADS.getThreadCpuTime(id));
        }
        notes.put(now, used);
        notes.headMap(now - KEPT_NANOS).clear();
        EventLoops.keepWaiting(TimeUnit.MILLISECONDS.toNanos(10));
      }
    }

    /** Returns the processor time of a thread since the first record within a period. */
    long of(Thread thread, long lastNanos) {
      Map.Entry<Long, Map<Long, Long>> note = notes.ceilingEntry(System.nanoTime() - lastNanos);
      Long before = note == null ? null : note.getValue().get(thread.getId());
      return before == null ? 0 : THREADS.getThreadCpuTime(thread.getId()) - before;
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
