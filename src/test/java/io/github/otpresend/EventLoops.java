// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import reactor.blockhound.BlockHound;
import reactor.blockhound.BlockingMethod;

/** Records every blocking call that is made on an event loop of Vert.x, whoever makes it. */
final class EventLoops {
  private static final List<BlockingCall> BLOCKING_CALLS = new CopyOnWriteArrayList<>();

  /** Methods that may block, and whatever they call. */
  private static final Set<String> ALLOWED =
      Set.of(
          // tests that hold an event loop on purpose
          EventLoops.class.getName() + ".keepBusy",
          EventLoops.class.getName() + ".keepWaiting",
          // the loading of a class, and what is read once with it: a version
          "java.lang.ClassLoader.loadClass",
          Transport.class.getName() + ".<clinit>",
          "io.vertx.core.impl.VertxImpl.version",
          // TLS needs random numbers, which /dev/urandom has at once, and once some files of the
          // JDK
          "sun.security.provider.NativePRNG$RandomIO.readFully",
          "sun.security.ssl.TrustStoreManager.getTrustedCerts",
          // where logs go is the application's choice, here the console
          "java.util.logging.StreamHandler.publish");

  /** The methods that take a lock: of {@code Lock}, and of {@code StampedLock}. */
  private static final Set<String> LOCKS = Set.of("lock", "readLock", "writeLock");

  private static boolean watched;

  /** A blocking call, and from where it was made. */
  record BlockingCall(String method, List<StackTraceElement> stack) {
    @Override
    public String toString() {
      StringBuilder text = new StringBuilder(method);
      stack.forEach(frame -> text.append("\n    at ").append(frame));
      return text.append('\n').toString();
    }
  }

  private EventLoops() {}

  /** From now on, in this JVM. */
  static synchronized void watch() {
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

  static synchronized boolean areWatched() {
    return watched;
  }

  /** The blocking calls seen, which are forgotten with this. */
  static List<BlockingCall> takeBlockingCalls() {
    List<BlockingCall> seen = new ArrayList<>(BLOCKING_CALLS);
    BLOCKING_CALLS.subList(0, seen.size()).clear();
    return seen;
  }

  /** Holds the calling thread, with work. */
  static void keepBusy(long nanos) {
    long end = System.nanoTime() + nanos;
    while (System.nanoTime() - end < 0) {
      Thread.onSpinWait();
    }
  }

  /** Holds the calling thread, without work. */
  static void keepWaiting(long nanos) {
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

  /** It runs once, and some read a file of their own. */
  private static boolean isInitializerOfOthers(StackTraceElement frame) {
    return frame.getMethodName().equals("<clinit>")
        && !frame.getClassName().startsWith("io.github.otpresend.");
  }

  /**
   * Vert.x, Netty and the JDK have locks that are held for moments, such as that of a worker pool's
   * queue or of Netty's buffers; whether a thread finds one taken is chance. One that is not theirs
   * counts.
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
