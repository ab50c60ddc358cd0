// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import static io.github.otpresend.testing.Calls.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.otpresend.testing.EventLoops;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.logging.ConsoleHandler;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/**
 * The first test class of a run. It starts to watch the event loops of all tests, and checks that a
 * blocking call is detected.
 */
@Order(1)
class EventLoopsWatchedTest {
  @BeforeAll
  static void watch() {
    EventLoops.watch();
    EventLoops.takeBlockingCalls();
  }

  private static List<String> blockingCallsOf(boolean onEventLoop, Executable action) {
    Vertx vertx = Vertx.vertx();
    try {
      Promise<Void> done = Promise.promise();
      Runnable run =
          () -> {
            try {
              action.execute();
              done.complete();
            } catch (Throwable e) {
              done.fail(e);
            }
          };
      if (onEventLoop) {
        vertx.runOnContext(v -> run.run());
      } else {
        vertx.executeBlocking(Executors.callable(run));
      }
      await(done.future());
    } finally {
      await(vertx.close());
    }
    return EventLoops.takeBlockingCalls().stream()
        .filter(call -> call.toString().contains("blockingCallsOf"))
        .map(call -> call.method().replaceAll("sleep\\w+", "sleep")) // the name differs by JDK
        .toList();
  }

  @Test
  void a_blocking_call_on_an_event_loop_is_detected() {
    assertEquals(List.of("java.lang.Thread.sleep"), blockingCallsOf(true, () -> Thread.sleep(1)));
  }

  @Test
  void a_blocking_call_on_a_worker_is_allowed() {
    assertEquals(List.of(), blockingCallsOf(false, () -> Thread.sleep(1)));
  }

  @Test
  void a_log_on_the_console_is_allowed(@TempDir Path directory) throws IOException {
    PrintStream console = System.err;
    try (PrintStream file = new PrintStream(directory.resolve("console").toFile())) {
      System.setErr(file);
      Handler handler = new ConsoleHandler(); // keeps this System.err; no other handler must do so
      System.setErr(console);
      LogRecord message = new LogRecord(Level.INFO, "a message");
      assertEquals(List.of(), blockingCallsOf(true, () -> handler.publish(message)));
    }
  }
}
