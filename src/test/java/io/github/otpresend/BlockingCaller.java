// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.PATIENCE;
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

/** A verticle on whose threads the handler of an outcome may block. */
enum BlockingCaller {
  WORKER_WITH_A_POOL_OF_ITS_OWN,
  WORKER_WITH_THE_SHARED_POOL,
  VIRTUAL_THREAD;

  /** Returns how it is deployed, where the JDK can do that. */
  DeploymentOptions deployment() {
    DeploymentOptions deployment = new DeploymentOptions();
    return switch (this) {
      case WORKER_WITH_A_POOL_OF_ITS_OWN ->
          deployment
              .setThreadingModel(ThreadingModel.WORKER)
              .setWorkerPoolName("own-pool")
              .setWorkerPoolSize(1);
      case WORKER_WITH_THE_SHARED_POOL -> deployment.setThreadingModel(ThreadingModel.WORKER);
      case VIRTUAL_THREAD -> {
        assumeVirtualThreads();
        yield deployment.setThreadingModel(ThreadingModel.VIRTUAL_THREAD);
      }
    };
  }

  static void assumeVirtualThreads() {
    assumeTrue(Runtime.version().feature() >= 21, "this JDK has no virtual threads");
  }

  /**
   * Begins something, and blocks this thread until that is done. A worker begins it on an event
   * loop: Vert.x goes on with a future of a worker's own on that worker only, which would wait for
   * itself.
   */
  void waitFor(Vertx vertx, Supplier<Future<Void>> beginning) {
    if (this == VIRTUAL_THREAD) {
      try {
        beginning.get().await(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      } catch (TimeoutException e) {
        throw new AssertionError(e);
      }
      return;
    }
    CountDownLatch done = new CountDownLatch(1);
    ((VertxInternal) vertx)
        .createEventLoopContext()
        .runOnContext(v -> beginning.get().onSuccess(ended -> done.countDown()));
    blockUntil(done);
  }

  /** Blocks this thread. */
  static void blockUntil(CountDownLatch released) {
    try {
      assertTrue(released.await(PATIENCE.toSeconds(), TimeUnit.SECONDS), "it was not released");
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
