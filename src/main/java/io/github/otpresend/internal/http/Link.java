// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import io.github.otpresend.internal.DeadlineQueue;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.SocketAddress;
import io.vertx.ext.web.client.HttpResponse;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One connection to the service. One call at a time sends a request over it. */
public final class Link extends DeadlineQueue.Entry {
  private static final String CLOSE = "close";
  private static final String KEEP_ALIVE = "keep-alive";

  // more digits would be more than a day, the longest keepAliveTimeout
  private static final Pattern TIMEOUT =
      Pattern.compile(
          "(?:^|[,;\\s])timeout\\s*=\\s*\"?(\\d{1,6})(?!\\d)", Pattern.CASE_INSENSITIVE);

  private final HttpClientConnection connection;
  private final long maxKeepAliveNanos;
  private final DeadlineQueue<DeadlineQueue.Entry> ending;
  private final Consumer<Link> onEnd;

  /** The IP address of the other end. A closed connection no longer returns it. */
  private final @Nullable String remoteAddress;

  /** The time for which the connection may be idle. */
  private long keepAliveNanos;

  private boolean isClosing;
  private boolean hasEnded;

  /** Whether the connection is open; also false once it has received data without a request. */
  private boolean isOpen = true;

  /** Whether the answer received last allows another request. */
  private boolean isPersistent = true;

  /** The {@link System#nanoTime()} at which the connection has been idle for too long. */
  private long idleUntil;

  /**
   * Sets the handlers of a connection that has just been made. A handler that is set later may
   * never run.
   *
   * @param maxKeepAliveNanos the longest time for which the connection may be idle
   * @param ending the time limits of the connections that are being closed
   * @param onEnd runs once, when the connection has ended
   */
  Link(
      HttpClientConnection connection,
      long maxKeepAliveNanos,
      DeadlineQueue<DeadlineQueue.Entry> ending,
      Consumer<Link> onEnd) {
    this.connection = connection;
    this.maxKeepAliveNanos = maxKeepAliveNanos;
    this.ending = ending;
    this.onEnd = onEnd;
    keepAliveNanos = maxKeepAliveNanos;
    SocketAddress remote = connection.remoteAddress();
    remoteAddress = remote == null ? null : remote.hostAddress();
    connection.closeHandler(v -> end());
    // without a handler Vert.x logs what the server sent, which may be the token
    connection.exceptionHandler(unexpected -> isOpen = false);
  }

  HttpClientConnection connection() {
    return connection;
  }

  /** Returns the IP address of the other end as a text; null if it is not known. */
  @Nullable String remoteAddress() {
    return remoteAddress;
  }

  /**
   * Stores what an answer says about the connection: whether it may be used again (RFC 9112,
   * section 9.3), and the {@code timeout} of {@code Keep-Alive}. A second is subtracted from that
   * time, because a request takes time to arrive.
   */
  public void received(HttpResponse<?> answer) {
    MultiMap headers = answer.headers();
    isPersistent =
        answer.version() == HttpVersion.HTTP_1_1
            ? !hasOption(headers, HttpHeaders.CONNECTION, CLOSE)
            : hasOption(headers, HttpHeaders.CONNECTION, KEEP_ALIVE);
    keepAliveNanos = maxKeepAliveNanos;
    for (String value : headers.getAll(HttpHeaders.KEEP_ALIVE)) {
      Matcher timeout = TIMEOUT.matcher(value);
      if (timeout.find()) {
        long nanos = TimeUnit.SECONDS.toNanos(Long.parseLong(timeout.group(1)) - 1);
        keepAliveNanos = Math.min(keepAliveNanos, nanos);
      }
    }
  }

  /**
   * Returns whether a header has an option. The value of the header is a list, which may be spread
   * over several lines.
   */
  private static boolean hasOption(MultiMap headers, CharSequence name, String option) {
    for (String value : headers.getAll(name)) {
      for (String listed : value.split(",", -1)) {
        if (listed.strip().equalsIgnoreCase(option)) {
          return true;
        }
      }
    }
    return false;
  }

  /** Returns whether another request may be sent over this connection. */
  boolean isReusable() {
    return isOpen && isPersistent && keepAliveNanos > 0;
  }

  /** Marks the connection as idle from now on. */
  void markIdle() {
    idleUntil = System.nanoTime() + keepAliveNanos;
  }

  /** Returns the nanoseconds for which an idle connection may still be kept. */
  long idleNanosLeft() {
    return idleUntil - System.nanoTime();
  }

  /** Closes the connection, even if a request is in flight. */
  public void close() {
    isOpen = false;
    if (isClosing || hasEnded) {
      return;
    }
    isClosing = true;
    // the close handler may not run if the metrics of the application throw
    ending.add(this);
    connection.close().onComplete(closed -> end());
  }

  /** Counts the connection as ended, since Vert.x cannot close it any more. */
  @Override
  public void expire() {
    end();
  }

  private void end() {
    isOpen = false;
    cancel();
    if (!hasEnded) {
      hasEnded = true;
      onEnd.accept(this);
    }
  }
}
