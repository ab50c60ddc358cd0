// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.Future;
import io.vertx.core.Promise;

/** Counts the calls in flight: refuses new ones once closing, and knows when none is left. */
final class InFlight {
  private final Promise<Void> drained = Promise.promise();
  private int calls;
  private boolean closing;

  /**
   * Lets a call in, which has to {@link #leave}.
   *
   * @throws ResendException CLOSED, if it may not
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

  /** From now on no call gets in. */
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

  /** Completed when closed and the last call has left. */
  Future<Void> drained() {
    return drained.future();
  }
}
