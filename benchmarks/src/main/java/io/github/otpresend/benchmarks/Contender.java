// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.function.Consumer;

/** A client that is measured. */
interface Contender {
  /** Runs a step of the load on the thread from which the calls come. */
  default void begin(Runnable load) {
    load.run();
  }

  /** Makes a call. The outcome may come on any thread. */
  void resend(String requestId, Consumer<Outcome> done);

  /** Closes the client, which has no call in flight. */
  void close();
}
