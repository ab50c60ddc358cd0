// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.PATIENCE;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.ThreadingModel;
import io.vertx.core.Vertx;
import io.vertx.core.internal.VertxInternal;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/** Kinds of verticles on whose threads the handler of an outcome may block. */
enum BlockingCaller {
  WORKER_WITH_OWN_POOL,
  WORKER_WITH_SHARED_POOL,
  VIRTUAL_THREAD;

  /** Returns the deployment options. Skips the test if the JDK lacks virtual threads. */
  DeploymentOptions deployment() {
    DeploymentOptions deployment = new DeploymentOptions();
    return switch (this) {
      case WORKER_WITH_OWN_POOL ->
          deployment
              .setThreadingModel(ThreadingModel.WORKER)
              .setWorkerPoolName("own-pool")
              .setWorkerPoolSize(1);
      case WORKER_WITH_SHARED_POOL -> deployment.setThreadingModel(ThreadingModel.WORKER);
      case VIRTUAL_THREAD -> {
        assumeVirtualThreads();
        yield deployment.setThreadingModel(ThreadingModel.VIRTUAL_THREAD);
      }
    };
  }

  /** Skips the test if the JDK has no virtual threads. */
  static void assumeVirtualThreads() {
    assumeTrue(Runtime.version().feature() >= 21, "this JDK has no virtual threads");
  }

  /**
   * Starts an action, and blocks this thread until the action is done. For a worker, the action
   * starts on an event loop. Otherwise Vert.x would complete its future on the worker thread, and
   * that thread is blocked.
   */
  void waitFor(Vertx vertx, Supplier<Future<Void>> action) {
    if (this == VIRTUAL_THREAD) {
      try {
        action.get().await(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      } catch (TimeoutException e) {
        throw new AssertionError(e);
      }
      return;
    }
    CountDownLatch done = new CountDownLatch(1);
    ((VertxInternal) vertx)
        .createEventLoopContext()
        .runOnContext(v -> action.get().onSuccess(result -> done.countDown()));
    blockUntil(done);
  }

  /** Blocks this thread until the latch is released. */
  static void blockUntil(CountDownLatch latch) {
    try {
      assertTrue(latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS), "the latch was not released");
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
