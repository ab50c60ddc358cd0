// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.github.otpresend.ResendException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Methods that wait for an outcome or a condition. */
public final class Calls {
  public static final Duration PATIENCE = Duration.ofSeconds(20);

  private Calls() {}

  /** Returns the result of a future that must succeed. */
  public static <T> T await(Future<T> future) {
    try {
      return future
          .toCompletionStage()
          .toCompletableFuture()
          .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new AssertionError("failed: " + e.getCause(), e.getCause());
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError("no outcome: " + e, e);
    }
  }

  /** Returns the failure of a resend that must fail. */
  public static ResendException failureOf(Future<?> resend) {
    Throwable failure = causeOf(resend);
    return failure instanceof ResendException e
        ? e
        : fail("not a ResendException: " + failure, failure);
  }

  /** Returns the cause of a future that must fail. */
  public static Throwable causeOf(Future<?> future) {
    CountDownLatch done = new CountDownLatch(1);
    future.onComplete(ar -> done.countDown());
    try {
      assertTrue(done.await(PATIENCE.toSeconds(), TimeUnit.SECONDS), "no outcome");
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return future.failed() ? future.cause() : fail("succeeded with " + future.result());
  }

  /** Runs a task on a context, and waits until it has run. */
  public static void run(Context context, Runnable task) {
    call(
        context,
        () -> {
          task.run();
          return null;
        });
  }

  /** Returns the result of a task that runs on a context. */
  public static <T> T call(Context context, Callable<T> task) {
    Promise<T> result = Promise.promise();
    context.runOnContext(
        v -> {
          try {
            result.complete(task.call());
          } catch (Throwable e) { // a failed assertion on the context fails the test
            result.fail(e);
          }
        });
    return await(result.future());
  }

  /** Waits for a condition, at most for {@link #PATIENCE}. */
  public static void eventually(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "still not: " + what);
      LockSupport.parkNanos(1_000_000);
    }
  }
}
