// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import reactor.blockhound.BlockHound;
import reactor.blockhound.BlockingMethod;

/** Records every blocking call that any code makes on an event loop of Vert.x. */
public final class EventLoops {
  private static final List<BlockingCall> BLOCKING_CALLS = new CopyOnWriteArrayList<>();

  /** Methods that may block, with the methods that they call. */
  private static final Set<String> ALLOWED =
      Set.of(
          // tests block an event loop with these on purpose
          EventLoops.class.getName() + ".keepBusy",
          EventLoops.class.getName() + ".keepWaiting",
          // loading a class, and a version that its initializer reads once
          "java.lang.ClassLoader.loadClass",
          "io.github.otpresend.Transport.<clinit>",
          "io.vertx.core.impl.VertxImpl.version",
          // TLS reads random numbers from /dev/urandom, and once some files of the JDK
          "sun.security.provider.NativePRNG$RandomIO.readFully",
          "sun.security.ssl.TrustStoreManager.getTrustedCerts",
          // the application chooses where logs are written, here to the console
          "java.util.logging.StreamHandler.publish");

  /** The methods of {@code Lock} and {@code StampedLock} that acquire a lock. */
  private static final Set<String> LOCKS = Set.of("lock", "readLock", "writeLock");

  private static boolean watched;

  /** A blocking call with its stack. */
  public record BlockingCall(String method, List<StackTraceElement> stack) {
    @Override
    public String toString() {
      StringBuilder text = new StringBuilder(method);
      stack.forEach(frame -> text.append("\n    at ").append(frame));
      return text.append('\n').toString();
    }
  }

  private EventLoops() {}

  /** Starts recording in this JVM. */
  public static synchronized void watch() {
    if (watched) {
      return;
    }
    BlockHound.builder()
        .nonBlockingThreadPredicate(
            others -> others.or(thread -> thread.getName().startsWith("vert.x-eventloop-thread-")))
        .blockingMethodCallback(EventLoops::record)
        .install();
    watched = true;
  }

  public static synchronized boolean areWatched() {
    return watched;
  }

  /** Returns the recorded calls and forgets them. */
  public static List<BlockingCall> takeBlockingCalls() {
    List<BlockingCall> seen = new ArrayList<>(BLOCKING_CALLS);
    BLOCKING_CALLS.subList(0, seen.size()).clear();
    return seen;
  }

  /** Keeps the calling thread busy. */
  public static void keepBusy(long nanos) {
    long end = System.nanoTime() + nanos;
    while (System.nanoTime() - end < 0) {
      Thread.onSpinWait();
    }
  }

  /** Keeps the calling thread waiting. */
  public static void keepWaiting(long nanos) {
    long end = System.nanoTime() + nanos;
    while (System.nanoTime() - end < 0) {
      LockSupport.parkNanos(end - System.nanoTime());
    }
  }

  private static void record(BlockingMethod method) {
    List<StackTraceElement> stack =
        Stream.of(Thread.currentThread().getStackTrace())
            .dropWhile(frame -> !frame.getMethodName().equals("checkBlocking"))
            .skip(1)
            .toList();
    boolean isAllowed =
        stack.stream()
            .anyMatch(
                frame ->
                    ALLOWED.contains(frame.getClassName() + '.' + frame.getMethodName())
                        || isInitializerOfOthers(frame));
    if (!isAllowed && !isLockOfOthers(stack)) {
      BLOCKING_CALLS.add(new BlockingCall(method.toString(), stack));
    }
  }

  /**
   * Returns whether the frame is a static initializer outside this library. It runs once and may
   * read a file.
   */
  private static boolean isInitializerOfOthers(StackTraceElement frame) {
    return frame.getMethodName().equals("<clinit>")
        && !frame.getClassName().startsWith("io.github.otpresend.");
  }

  /**
   * Returns whether Vert.x, Netty or the JDK acquires a lock. They hold such locks only for
   * moments, for example that of a worker pool's queue. A lock of this library counts as blocking.
   */
  private static boolean isLockOfOthers(List<StackTraceElement> stack) {
    boolean isLock =
        stack.stream()
            .anyMatch(
                frame ->
                    frame.getClassName().startsWith("java.util.concurrent.locks.")
                        && LOCKS.contains(frame.getMethodName()));
    return isLock
        && stack.stream()
            .map(StackTraceElement::getClassName)
            .filter(name -> !name.matches("(java|jdk|sun)\\..*"))
            .findFirst()
            .filter(taker -> !taker.startsWith("io.github.otpresend."))
            .isPresent();
  }
}
