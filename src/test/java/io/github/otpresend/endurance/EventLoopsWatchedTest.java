// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import static io.github.otpresend.testing.Calls.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.otpresend.testing.EventLoops;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

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

  private static List<String> blockingCallsOf(boolean onEventLoop) {
    Vertx vertx = Vertx.vertx();
    try {
      Promise<Void> done = Promise.promise();
      Runnable sleep =
          () -> {
            try {
              Thread.sleep(1);
              done.complete();
            } catch (InterruptedException e) {
              done.fail(e);
            }
          };
      if (onEventLoop) {
        vertx.runOnContext(v -> sleep.run());
      } else {
        vertx.executeBlocking(
            () -> {
              sleep.run();
              return null;
            });
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
    assertEquals(List.of("java.lang.Thread.sleep"), blockingCallsOf(true));
  }

  @Test
  void a_blocking_call_on_a_worker_is_allowed() {
    assertEquals(List.of(), blockingCallsOf(false));
  }
}
