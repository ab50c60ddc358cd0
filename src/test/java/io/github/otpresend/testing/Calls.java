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

/** Methods with which tests wait for an outcome or a condition. */
public final class Calls {
  /** The longest time for which a test waits. */
  public static final Duration PATIENCE = Duration.ofSeconds(20);

  private Calls() {}

  /** Waits for a future that must succeed, and returns its result. */
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

  /** Waits for a resend that must fail, and returns its failure. */
  public static ResendException failureOf(Future<?> resend) {
    Throwable failure = causeOf(resend);
    return failure instanceof ResendException e
        ? e
        : fail("not a ResendException: " + failure, failure);
  }

  /** Waits for a future that must fail, and returns the cause. */
  public static Throwable causeOf(Future<?> future) {
    CountDownLatch done = new CountDownLatch(1);
    future.onComplete(result -> done.countDown());
    try {
      assertTrue(done.await(PATIENCE.toSeconds(), TimeUnit.SECONDS), "no outcome");
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return future.failed() ? future.cause() : fail("succeeded with " + future.result());
  }

  /** Runs a task on the event loop of a context, and waits until it has run. */
  public static void run(Context context, Runnable task) {
    call(
        context,
        () -> {
          task.run();
          return null;
        });
  }

  /** Runs a task on the event loop of a context, and returns its result. */
  public static <T> T call(Context context, Callable<T> task) {
    Promise<T> result = Promise.promise();
    context.runOnContext(
        v -> {
          try {
            result.complete(task.call());
          } catch (Throwable e) { // an assertion that fails in the task must fail the test
            result.fail(e);
          }
        });
    return await(result.future());
  }

  /**
   * Waits until a condition is true, and fails after {@link #PATIENCE}.
   *
   * @param what the condition in words
   */
  public static void eventually(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "this has not happened in time: " + what);
      LockSupport.parkNanos(1_000_000);
    }
  }
}
