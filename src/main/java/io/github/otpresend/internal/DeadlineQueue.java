// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import io.vertx.core.internal.ContextInternal;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A queue of entries. Each entry expires a fixed time after it began, unless it is cancelled. Since
 * that time is the same for all, entries expire in the order in which they began. So one linked
 * list and one timer serve any number of entries, at a constant cost for each. The queue is used on
 * one event loop only.
 */
public final class DeadlineQueue<E extends DeadlineQueue.Entry> {
  private final ContextInternal context;
  private final long delayNanos;

  /** The entry that links the first entry and the last entry to a ring. */
  private final Entry ends =
      new Entry() {
        @Override
        public void expire() {}
      };

  private int size;
  private long timer = -1;
  private long timerDue;
  private boolean closed;

  public DeadlineQueue(ContextInternal context, Duration delay) {
    this.context = context;
    this.delayNanos = delay.toNanos();
  }

  /** An entry with a deadline. It is in one queue at most. */
  public abstract static class Entry {
    private long due;
    private Entry previous = this;
    private Entry next = this;
    private @Nullable DeadlineQueue<?> queue;

    /** Runs when the deadline has come. The entry has already left the queue. */
    public abstract void expire();

    /** Returns the deadline, by {@link System#nanoTime()}. */
    public final long due() {
      return due;
    }

    /** Returns the nanoseconds left to the deadline; negative when it has passed. */
    public final long nanosLeft() {
      return due - System.nanoTime();
    }

    /** Removes the entry from its queue, if it is in a queue. */
    public final void cancel() {
      if (queue != null) {
        queue.remove(this);
      }
    }
  }

  /** Adds an entry that begins now. */
  public void add(E entry) {
    add(entry, System.nanoTime());
  }

  /** Adds an entry that began at a time of {@link System#nanoTime()}. */
  public void add(E entry, long began) {
    assert context.inThread();
    Entry added = entry;
    added.due = began + delayNanos;
    added.queue = this;
    Entry previous = ends.previous;
    while (previous != ends && previous.due - added.due > 0) { // the added entry began earlier
      previous = previous.previous;
    }
    added.previous = previous;
    added.next = previous.next;
    previous.next.previous = added;
    previous.next = added;
    size++;
    if (timer < 0 || timerDue - added.due > 0) {
      arm(added);
    }
  }

  /** Returns the entry that began first, or null if there is none. */
  @SuppressWarnings("unchecked") // only add puts entries into the ring
  public @Nullable E first() {
    return ends.next == ends ? null : (E) ends.next;
  }

  public int size() {
    return size;
  }

  private void remove(Entry entry) {
    assert context.inThread();
    entry.previous.next = entry.next;
    entry.next.previous = entry.previous;
    entry.previous = entry;
    entry.next = entry;
    entry.queue = null;
    size--;
  }

  /** Stops the timer. Nothing expires any more. */
  public void close() {
    closed = true;
    context.owner().cancelTimer(timer);
  }

  private void arm(Entry first) {
    context.owner().cancelTimer(timer);
    if (!closed) {
      timerDue = first.due;
      // rounded up: a timer that fires a moment too early would have to be armed again
      timer = context.setTimer(Math.max(0, first.nanosLeft()) / 1_000_000 + 1, id -> expire());
    }
  }

  private void expire() {
    timer = -1;
    long now = System.nanoTime();
    Entry first;
    try {
      while (!closed && (first = ends.next) != ends && first.due - now <= 0) {
        remove(first);
        context.dispatch(first::expire); // dispatch catches what an entry throws
      }
    } finally { // also if the application's exception handler throws
      if (ends.next != ends) {
        arm(ends.next);
      }
    }
  }
}
