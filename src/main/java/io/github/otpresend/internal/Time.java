// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import io.vertx.core.internal.ContextInternal;

/** The clocks of a node, and the timers of one of its event loops. A test can simulate them. */
public interface Time {
  /** Returns the time as {@link System#nanoTime()} does. */
  long now();

  /** Returns the time as {@link System#currentTimeMillis()} does. Other nodes may have another. */
  long wallClock();

  /** Runs a task on the event loop after some milliseconds. Returns what cancels the task. */
  Runnable after(long millis, Runnable task);

  /** Runs a task on the event loop; at once, if this thread is the event loop. */
  void run(Runnable task);

  /** Returns the real clocks, and the timers of a context. */
  static Time of(ContextInternal eventLoop) {
    return new Time() {
      @Override
      public long now() {
        return System.nanoTime();
      }

      @Override
      public long wallClock() {
        return System.currentTimeMillis();
      }

      @Override
      public Runnable after(long millis, Runnable task) {
        long timer = eventLoop.setTimer(millis, id -> task.run());
        return () -> eventLoop.owner().cancelTimer(timer);
      }

      @Override
      public void run(Runnable task) {
        eventLoop.emit(task, Runnable::run);
      }
    };
  }
}
