// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.bus;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.vertx.core.Closeable;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.internal.CloseFuture;

/**
 * A count of the calls in flight. Once it is closing, it refuses new calls, and reports when the
 * last call has ended. While a call is in flight, its owner waits for it before it closes.
 */
final class InFlight {
  private final CloseFuture owner;
  private final Closeable onOwnerClose;
  private final Promise<Void> drained = Promise.promise();
  private int calls;
  private boolean closing;

  InFlight(CloseFuture owner) {
    this.owner = owner;
    onOwnerClose =
        completion -> {
          close();
          drained.future().onComplete(completion);
        };
  }

  /**
   * Counts a new call, which must {@link #leave} later.
   *
   * @throws ResendException CLOSED after {@link #close}, or if the owner is closed
   */
  synchronized void enter() {
    if (closing) {
      throw new ResendException(ResendFailure.CLOSED, "The client is closed");
    }
    // not while the client is idle: a client that is never closed may then be collected
    if (calls == 0 && !owner.add(onOwnerClose)) {
      throw new ResendException(ResendFailure.CLOSED, "Vert.x is closed");
    }
    calls++;
  }

  synchronized void leave() {
    calls--;
    if (calls == 0) {
      owner.remove(onOwnerClose);
    }
  }

  /** Refuses new calls from now on. */
  void close() {
    synchronized (this) {
      closing = true;
    }
    completeIfDrained();
  }

  /** Completes {@link #drained}, if it is closing and the last call has left. */
  void completeIfDrained() {
    synchronized (this) {
      if (!closing || calls > 0) {
        return;
      }
    }
    drained.tryComplete();
  }

  /** Returns a future that completes when it is closed and the last call has left. */
  Future<Void> drained() {
    return drained.future();
  }
}
