// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.Vertx;
import io.vertx.core.internal.CloseFuture;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.PromiseInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.spi.context.storage.ContextLocal;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** The Vert.x contexts of a call: where it runs, and where its caller waits for the outcome. */
public final class Contexts {
  private Contexts() {}

  /**
   * Returns the {@code Vertx} itself. The reference to it may be a proxy, for example of a
   * framework for dependency injection.
   */
  public static VertxInternal owner(Vertx vertx) {
    return ((ContextInternal) vertx.getOrCreateContext()).owner();
  }

  /** Returns the context of the calling code, which may belong to another {@code Vertx}. */
  public static ContextInternal ofCaller(VertxInternal vertx) {
    Context current = Vertx.currentContext();
    return current == null ? vertx.getOrCreateContext() : (ContextInternal) current;
  }

  /**
   * Returns a new event-loop context that no deployment owns, so that its timers outlive the
   * verticle that creates it.
   *
   * @param creator the context whose event loop is used, if it has the same {@code Vertx}
   * @param closeFuture closes what is created on the context
   */
  public static ContextInternal eventLoop(
      VertxInternal vertx, @Nullable ContextInternal creator, CloseFuture closeFuture) {
    var builder =
        vertx
            .contextBuilder()
            .withThreadingModel(ThreadingModel.EVENT_LOOP)
            .withCloseFuture(closeFuture);
    return creator == null || creator.owner() != vertx
        ? builder.build()
        : builder.withEventLoop(creator.nettyEventLoop()).build();
  }

  /**
   * Returns the event-loop context. If Vert.x has a tracer, returns a duplicate of the context
   * instead, with the caller's context locals, because the tracer looks for the caller's span in
   * them.
   */
  public static ContextInternal traced(ContextInternal eventLoop, ContextInternal caller) {
    VertxInternal vertx = eventLoop.owner();
    if (vertx.tracer() == null || caller.owner() != vertx) {
      return eventLoop;
    }
    ContextInternal duplicate = eventLoop.duplicate();
    vertx.contextLocals().forEach(local -> copy(local, caller, duplicate));
    return duplicate;
  }

  /**
   * Returns a new context on the event loop, with the data and the locals of the caller's context,
   * as interceptors of the event bus look for them.
   */
  public static ContextInternal withData(ContextInternal eventLoop, ContextInternal caller) {
    VertxInternal vertx = eventLoop.owner();
    ContextInternal copy = eventLoop(vertx, eventLoop, vertx.closeFuture());
    copy.contextData().putAll(caller.contextData());
    if (caller.owner() == vertx) {
      vertx.contextLocals().forEach(local -> copy(local, caller, copy));
    }
    return copy;
  }

  private static <T> void copy(ContextLocal<T> local, Context from, Context to) {
    T value = local.get(from);
    if (value != null) {
      local.put(to, value);
    }
  }

  /**
   * Completes a caller's promise, unless the caller's context no longer runs anything. Vert.x
   * passes what a handler throws to the exception handler of the application. If that throws too,
   * the code after this must still run.
   */
  public static <T> void complete(
      Promise<T> promise, @Nullable T result, @Nullable Throwable failure) {
    try {
      promise.complete(result, failure);
    } catch (Throwable thrown) {
      reportLater(promise instanceof PromiseInternal<T> own ? own.context() : null, thrown);
    }
  }

  /** Runs code of the application, such as a logger. What it throws is reported later. */
  public static void shield(ContextInternal context, Runnable foreign) {
    try {
      foreign.run();
    } catch (Throwable thrown) {
      reportLater(context, thrown);
    }
  }

  /** Passes what the application's code has thrown to its exception handler, on a later turn. */
  private static void reportLater(@Nullable ContextInternal context, Throwable thrown) {
    if (context == null) {
      return;
    }
    try {
      context.runOnContext(v -> context.reportException(thrown));
    } catch (RejectedExecutionException e) {
      // the caller's worker pool or its Vert.x is closed, so nobody is left
    }
  }

  /** Returns a failed future, which tells the calling code even after its Vert.x is closed. */
  public static <T> Future<T> failed(ContextInternal caller, Throwable failure) {
    return caller.owner().closeFuture().isClosed()
        ? Future.failedFuture(failure)
        : caller.failedFuture(failure);
  }

  /**
   * Returns a future with the same outcome, on the context of the calling code. If Vert.x is closed
   * and the future is complete, returns the future itself.
   */
  public static <T> Future<T> forCaller(VertxInternal vertx, Future<T> future) {
    if (vertx.closeFuture().isClosed() && future.isComplete()) {
      return future;
    }
    Promise<T> promise = ofCaller(vertx).promise();
    future.onComplete((result, failure) -> complete(promise, result, failure));
    return promise.future();
  }
}
