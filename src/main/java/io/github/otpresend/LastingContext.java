// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.spi.context.storage.ContextLocal;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Where a call runs so that it ends even if its caller does not live to see it. A worker pool of a
 * verticle's own closes with the verticle, and takes along whatever was to run there.
 */
final class LastingContext {
  private LastingContext() {}

  /**
   * The caller's context, or in place of one that may close one of an event loop, with the same
   * context locals, such as the span that the request is a child of.
   */
  static ContextInternal of(ContextInternal caller) {
    VertxInternal vertx = caller.owner();
    boolean mayClose =
        caller.threadingModel() == ThreadingModel.WORKER
            && caller.workerPool() != vertx.workerPool();
    if (!mayClose) {
      return caller;
    }
    ContextInternal lasting = vertx.createEventLoopContext().duplicate();
    vertx.contextLocals().forEach(local -> copy(local, caller, lasting));
    return lasting;
  }

  private static <T> void copy(ContextLocal<T> local, Context from, Context to) {
    T value = local.get(from);
    if (value != null) {
      local.put(to, value);
    }
  }

  /** False once Vert.x is closed: nothing can be completed on any context then. */
  static boolean isAnyLeft(VertxInternal vertx) {
    return !vertx.closeFuture().isClosed();
  }

  /** The same future for a caller, on its context if there is one left. */
  static <T> Future<T> onContextOfCaller(VertxInternal vertx, Future<T> future) {
    if (!isAnyLeft(vertx)) {
      return future;
    }
    Promise<T> promise = vertx.getOrCreateContext().promise();
    future.onComplete(promise);
    return promise.future();
  }

  /** Tells a caller the outcome, if it is still there. */
  static <T> void tell(
      Promise<T> onContextOfCaller, @Nullable T result, @Nullable Throwable failure) {
    try {
      onContextOfCaller.complete(result, failure);
    } catch (RejectedExecutionException e) {
      // its worker pool is closed: nobody is left to be told
    }
  }
}
