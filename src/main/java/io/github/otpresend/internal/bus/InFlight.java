// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.bus;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.vertx.core.Future;
import io.vertx.core.Promise;

/**
 * A count of the calls in flight. Once it is closing, it refuses new calls, and reports when the
 * last call has ended.
 */
final class InFlight {
  private final Promise<Void> drained = Promise.promise();
  private int calls;
  private boolean closing;

  /**
   * Counts a new call, which must {@link #leave} later.
   *
   * @throws ResendException CLOSED after {@link #close}
   */
  synchronized void enter() {
    if (closing) {
      throw new ResendException(ResendFailure.CLOSED, "The client is closed");
    }
    calls++;
  }

  void leave() {
    boolean last;
    synchronized (this) {
      calls--;
      last = closing && calls == 0;
    }
    if (last) {
      drained.tryComplete();
    }
  }

  /** Refuses new calls from now on. */
  void close() {
    boolean idle;
    synchronized (this) {
      closing = true;
      idle = calls == 0;
    }
    if (idle) {
      drained.tryComplete();
    }
  }

  /** Returns a future that completes when it is closed and the last call has left. */
  Future<Void> drained() {
    return drained.future();
  }
}
