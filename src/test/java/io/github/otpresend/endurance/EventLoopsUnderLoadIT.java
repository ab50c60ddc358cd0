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
import java.util.function.LongConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Tests with Vert.x's blocked-thread checker at a limit of 100 ms. The checker reads a clock, so it
 * also warns if the machine or a garbage collection pauses a thread. So a warning counts here only
 * if the thread waits for something, or if its task has used 100 ms of processor time.
 */
class EventLoopsUnderLoadIT {
  private static final long LIMIT_MILLIS = 100;
  private static final int IN_FLIGHT = 64;

  private final List<String> countedWarnings = new CopyOnWriteArrayList<>();
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
    ((VertxInternal) vertx).blockedThreadChecker().setThreadBlockedHandler(this::onWarning);
    server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS));
  }

  @AfterEach
  void stop() {
    await(vertx.close());
    processorTime.close();
    server.close();
  }

  private void onWarning(BlockedThreadEvent event) {
    Thread thread = event.thread();
    Thread.State state = thread.getState();
    long used = processorTime.of(thread, event.duration());
    if (state != Thread.State.RUNNABLE || used >= event.maxExecTime()) {
      countedWarnings.add(
          state + ", used " + used / 1_000_000 + " ms: " + List.of(thread.getStackTrace()));
    }
  }

  @Test
  void an_event_loop_that_waits_is_detected() {
    assertDetected(EventLoops::keepWaiting);
  }

  @Test
  void an_event_loop_that_is_kept_busy_is_detected() {
    assertDetected(EventLoops::keepBusy);
  }

  /** Occupies an event loop until a warning counts. */
  private void assertDetected(LongConsumer occupyForNanos) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    vertx.runOnContext(
        v -> {
          while (countedWarnings.isEmpty() && System.nanoTime() < end) {
            occupyForNanos.accept(TimeUnit.MILLISECONDS.toNanos(LIMIT_MILLIS));
          }
        });
    eventually("a warning counts", () -> !countedWarnings.isEmpty());
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
    countedWarnings.clear(); // the first calls may block while they load classes

    for (int i = 0; i < 10; i++) {
      resendMany(client, 1_000);
      resendMany(overBus, 1_000);
    }

    assertEquals(List.of(), countedWarnings);
    await(client.close());
  }

  private static void resendMany(OtpResendClient client, int calls) {
    AtomicInteger remaining = new AtomicInteger(calls);
    List<Future<?>> chains = new ArrayList<>();
    for (int i = 0; i < IN_FLIGHT; i++) {
      Promise<Void> done = Promise.promise();
      resendNext(client, remaining, done);
      chains.add(done.future());
    }
    await(Future.all(chains));
  }

  private static void resendNext(
      OtpResendClient client, AtomicInteger remaining, Promise<Void> done) {
    int number = remaining.getAndDecrement();
    if (number <= 0) {
      done.complete();
    } else {
      client
          .resend("id-" + number)
          .onSuccess(response -> resendNext(client, remaining, done))
          .onFailure(done::fail);
    }
  }

  /** A recorder that samples the processor time of all threads, every 10 ms. */
  private static final class ProcessorTime implements AutoCloseable {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final long MAX_AGE_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** The processor time in nanoseconds, by the time of the sample and the thread id. */
    private final NavigableMap<Long, Map<Long, Long>> samples = new ConcurrentSkipListMap<>();

    private volatile boolean closed;

    ProcessorTime() {
      Thread thread = new Thread(this::run, "processor-time");
      thread.setDaemon(true);
      thread.start();
    }

    private void run() {
      while (!closed) {
        long now = System.nanoTime(); // read first, so that the sample has all threads of this time
        Map<Long, Long> used = new HashMap<>();
        for (long id : THREADS.getAllThreadIds()) {
          used.put(id, THREADS.getThreadCpuTime(id));
        }
        samples.put(now, used);
        samples.headMap(now - MAX_AGE_NANOS).clear();
        EventLoops.keepWaiting(TimeUnit.MILLISECONDS.toNanos(10));
      }
    }

    /** Returns the processor time of a thread since the oldest sample in {@code lastNanos}. */
    long of(Thread thread, long lastNanos) {
      Map.Entry<Long, Map<Long, Long>> sample = samples.ceilingEntry(System.nanoTime() - lastNanos);
      Long before = sample == null ? null : sample.getValue().get(thread.getId());
      return before == null ? 0 : THREADS.getThreadCpuTime(thread.getId()) - before;
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
