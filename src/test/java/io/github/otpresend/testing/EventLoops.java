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

/** A recorder of all blocking calls on the event loops of Vert.x, by any code. */
public final class EventLoops {
  private static final List<BlockingCall> BLOCKING_CALLS = new CopyOnWriteArrayList<>();

  /** The methods that may block, directly or in a method that they call. */
  private static final Set<String> ALLOWED =
      Set.of(
          // tests that block an event loop on purpose
          EventLoops.class.getName() + ".keepBusy",
          EventLoops.class.getName() + ".keepWaiting",
          // classes are loaded once; the library and Vert.x then read a version
          "java.lang.ClassLoader.loadClass",
          "io.github.otpresend.internal.http.RequestHeaders.<clinit>",
          "io.vertx.core.impl.VertxImpl.version",
          // TLS reads random numbers from /dev/urandom without waiting, and files of the JDK once
          "sun.security.provider.NativePRNG$RandomIO.readFully",
          "sun.security.ssl.TrustStoreManager.getTrustedCerts",
          // Hazelcast creates a map once; a second thread that asks for it waits until it is there
          "com.hazelcast.spi.impl.proxyservice.impl.ProxyRegistry.getOrCreateProxy",
          // the application chooses where its logs are written; here it is the console
          "java.util.logging.ConsoleHandler.publish");

  /** The methods of {@code Lock} and {@code StampedLock} that acquire a lock. */
  private static final Set<String> LOCKS = Set.of("lock", "readLock", "writeLock");

  private static boolean watched;

  /** A blocking call and its stack trace. */
  public record BlockingCall(String method, List<StackTraceElement> stack) {
    @Override
    public String toString() {
      StringBuilder text = new StringBuilder(method);
      stack.forEach(frame -> text.append("\n    at ").append(frame));
      return text.append('\n').toString();
    }
  }

  private EventLoops() {}

  /** Starts the recording in this JVM. It does not end. */
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

  /** Returns whether the recording has started. */
  public static synchronized boolean areWatched() {
    return watched;
  }

  /** Removes the recorded blocking calls, and returns them. */
  public static List<BlockingCall> takeBlockingCalls() {
    List<BlockingCall> recorded = new ArrayList<>(BLOCKING_CALLS);
    BLOCKING_CALLS.subList(0, recorded.size()).clear();
    return recorded;
  }

  /** Keeps the calling thread busy with work. */
  public static void keepBusy(long nanos) {
    long end = System.nanoTime() + nanos;
    while (System.nanoTime() - end < 0) {
      Thread.onSpinWait();
    }
  }

  /** Makes the calling thread wait without work. */
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
                        || isInitializerOfAnotherLibrary(frame));
    if (!isAllowed && !isLockOfAnotherLibrary(stack)) {
      BLOCKING_CALLS.add(new BlockingCall(method.toString(), stack));
    }
  }

  /** Returns whether this is a static initializer of another library. It may read a file once. */
  private static boolean isInitializerOfAnotherLibrary(StackTraceElement frame) {
    return frame.getMethodName().equals("<clinit>")
        && !frame.getClassName().startsWith("io.github.otpresend.");
  }

  /**
   * Returns whether the call waits for a lock of Vert.x, Netty or the JDK. They hold their locks
   * only for a moment, for example for the queue of a worker pool or the buffers of Netty, so a
   * thread has to wait only by chance. A lock of this library counts as a blocking call.
   */
  private static boolean isLockOfAnotherLibrary(List<StackTraceElement> stack) {
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
            .filter(caller -> !caller.startsWith("io.github.otpresend."))
            .isPresent();
  }
}
