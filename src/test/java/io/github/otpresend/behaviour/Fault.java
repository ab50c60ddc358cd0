// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import io.github.otpresend.testing.EventLoops;

/** What the application's code does wrong. */
enum Fault {
  THROWS,
  THROWS_ERROR,

  /** The code throws, and the exception handler of Vert.x throws too. */
  THROWS_AND_SO_DOES_THE_EXCEPTION_HANDLER,
  INTERRUPTS_ITS_THREAD,
  BLOCKS,

  /** The code does not return until the test ends. */
  RUNS_FOR_EVER,

  /** The code calls the same client, for the same request id and for another request id. */
  CALLS_THE_CLIENT,
  CLOSES_THE_CLIENT,
  UNDEPLOYS_THE_CLIENT;

  /** How long code blocks its thread. */
  private static final long BLOCKED_NANOS = 100_000_000;

  /** Returns whether calls of the same client may be refused afterwards. */
  boolean closes() {
    return this == CLOSES_THE_CLIENT || this == UNDEPLOYS_THE_CLIENT;
  }

  void run(FaultyScene scene) {
    switch (this) {
      case THROWS, THROWS_AND_SO_DOES_THE_EXCEPTION_HANDLER ->
          throw new IllegalStateException("thrown by the application");
      case THROWS_ERROR -> throw new LinkageError("thrown by the application");
      case INTERRUPTS_ITS_THREAD -> Thread.currentThread().interrupt();
      case BLOCKS -> EventLoops.keepWaiting(BLOCKED_NANOS);
      case RUNS_FOR_EVER -> BlockingCaller.blockUntil(scene.release);
      case CALLS_THE_CLIENT -> scene.callAgain();
      case CLOSES_THE_CLIENT -> scene.track(scene.client.close());
      case UNDEPLOYS_THE_CLIENT -> scene.undeployOnce();
    }
  }
}
