// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.function.Consumer;

/** A client that is measured, ready to ask for resends. */
interface Contender {
  /** Runs the load's first step where this client's calls are to come from. */
  default void begin(Runnable load) {
    load.run();
  }

  /** Asks once, and tells the outcome on whichever thread it comes. */
  void resend(String requestId, Consumer<Outcome> done);

  /** Closes it; called when nothing is in flight. */
  void close();
}
