// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.internal.ContextInternal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs tasks a fixed time after they were added, unless they are cancelled. Since that time is the
 * same for all they expire in the order in which they came, so one linked list and one armed timer
 * serve any number of them at a constant cost. It may be used from any thread; tasks run on the
 * given context.
 */
final class DeadlineQueue {
  private final ContextInternal context;
  private final long delayNanos;
  private final Entry ends = new Entry(null, 0); // of the ring: next is the oldest entry
  private long timer = -1;
  private boolean closed;

  DeadlineQueue(ContextInternal context, Duration delay) {
    this.context = context;
    this.delayNanos = delay.toNanos();
  }

  /** Adds a task to run when the delay is over. */
  synchronized Entry add(Runnable task) {
    Entry entry = new Entry(task, System.nanoTime() + delayNanos);
    entry.previous = ends.previous;
    entry.next = ends;
    entry.previous.next = entry;
    ends.previous = entry;
    if (timer < 0 && !closed) {
      arm(delayNanos);
    }
    return entry;
  }

  /** No task runs any more, and no timer is left. */
  synchronized void close() {
    closed = true;
    if (timer >= 0) {
      context.owner().cancelTimer(timer);
    }
  }

  private void arm(long nanos) {
    // rounded up: a timer that fires a moment too early would have to be armed again
    timer = context.setTimer(nanos / 1_000_000 + 1, id -> expire());
  }

  private void expire() {
    List<Runnable> due = new ArrayList<>();
    synchronized (this) {
      timer = -1;
      long now = System.nanoTime();
      while (ends.next.task != null && ends.next.due - now <= 0) {
        due.add(ends.next.task);
        ends.next.unlink();
      }
      if (ends.next != ends && !closed) {
        arm(ends.next.due - now);
      }
    }
    due.forEach(task -> context.emit(v -> task.run())); // which survives a task that throws
  }

  /** A task in the queue. */
  final class Entry {
    private final @Nullable Runnable task;
    private final long due;
    private Entry previous = this;
    private Entry next = this;

    private Entry(@Nullable Runnable task, long due) {
      this.task = task;
      this.due = due;
    }

    /** Takes the task out of the queue, if it is still there. */
    void cancel() {
      synchronized (DeadlineQueue.this) {
        unlink();
      }
    }

    private void unlink() {
      previous.next = next;
      next.previous = previous;
      previous = this;
      next = this;
    }
  }
}
