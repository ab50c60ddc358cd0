// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.DeadlineQueue;
import io.vertx.core.Future;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.internal.ContextInternal;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The connections to the service, and the calls that wait for one, in order of arrival. The pool is
 * used on one event loop only.
 *
 * <p>A connection belongs to one call at a time. The connection that was used most recently is
 * taken first. So connections that are not needed stay idle until they are closed.
 */
public final class Pool {
  private final ContextInternal home;
  private final Connector connector;
  private final int maxConnections;
  private final long keepAliveNanos;

  /** The waiters, in order of arrival. */
  private final DeadlineQueue<Queued> waiting;

  /** The attempts to make a connection that have not timed out. Each will serve one waiter. */
  private final DeadlineQueue<Attempt> attempts;

  /** The connections that are being closed, and the attempts whose time is over. */
  private final DeadlineQueue<DeadlineQueue.Entry> ending;

  /** The idle connections. The connection that was used most recently is last. */
  private final Deque<Link> idle = new ArrayDeque<>();

  /** The number of connections that exist or are being made. */
  private int connections;

  private long idleTimer = -1;
  private boolean isServing;
  private boolean closed;

  /** A call that waits for a connection. */
  public interface Waiter {
    /** Receives a connection, which it has to {@linkplain Pool#giveBack give back}. */
    void connected(Link link);

    /**
     * Receives the reason why there is no connection: an attempt to make a connection has failed,
     * or no connection was free in time.
     */
    void notConnected(Throwable cause);
  }

  /** The place of a waiter in the queue. */
  private static final class Queued extends DeadlineQueue.Entry {
    private final Waiter waiter;

    Queued(Waiter waiter) {
      this.waiter = waiter;
    }

    @Override
    public void expire() {
      waiter.notConnected(
          new ResendException(
              ResendFailure.CONNECTION_FAILED, "No connection within connectTimeout"));
    }
  }

  /** An attempt to make a connection, until its time is over. */
  private final class Attempt extends DeadlineQueue.Entry {
    private boolean isOver;
    private boolean isLost;

    /** Goes on counting until Vert.x ends it; but if metrics throw, Vert.x never does. */
    @Override
    public void expire() {
      if (isOver) {
        isLost = true;
        connections--;
      } else {
        isOver = true;
        ending.add(this);
      }
      serve();
    }

    void complete(@Nullable HttpClientConnection made, @Nullable Throwable failure) {
      cancel();
      if (isLost && made != null) {
        made.close();
      } else if (made != null) {
        giveBack(new Link(made, keepAliveNanos, ending, Pool.this::ended));
      } else if (!isLost) {
        connections--;
        Queued first = waiting.first();
        if (first != null && !isOver && attempts.size() < waiting.size()) {
          first.cancel();
          first.waiter.notConnected(Objects.requireNonNull(failure));
        }
        serve();
      }
    }
  }

  public Pool(ContextInternal home, Connector connector, OtpResendOptions options) {
    this.home = home;
    this.connector = connector;
    maxConnections = options.getMaxConnections();
    keepAliveNanos = options.getKeepAliveTimeout().toNanos();
    waiting = new DeadlineQueue<>(home, options.getConnectTimeout());
    attempts = new DeadlineQueue<>(home, options.getConnectTimeout());
    ending = new DeadlineQueue<>(home, options.getConnectTimeout());
  }

  /**
   * Gives the waiter an idle connection and returns null. Otherwise queues the waiter and returns
   * its entry. Cancelling the entry takes the waiter out of the queue.
   */
  public DeadlineQueue.@Nullable Entry take(Waiter waiter) {
    assert home.inThread();
    Link link = takeIdle();
    if (link != null) {
      waiter.connected(link);
      return null;
    }
    Queued queued = new Queued(waiter);
    waiting.add(queued);
    serve();
    return queued;
  }

  /** Takes a connection back, or closes it if it may not be used again. */
  public void giveBack(Link link) {
    assert home.inThread();
    if (closed || !link.isReusable() || !connector.isUsable(link)) {
      link.close();
      return;
    }
    Queued first = waiting.first();
    if (first != null) {
      first.cancel();
      first.waiter.connected(link);
    } else {
      link.markIdle();
      idle.addLast(link);
      if (idleTimer < 0) {
        closeIdleIn(link.idleNanosLeft());
      }
    }
  }

  /** Closes the connection of a call that got no whole answer. */
  public void lost(Link link) {
    connector.lost(link);
    link.close();
  }

  /** Makes a connection before any call waits for it, if maxConnections allows another. */
  public void warmUp() {
    if (connections < maxConnections) {
      connect();
    }
  }

  /** Closes the idle connections, and every other connection once it is given back. */
  public void close() {
    closed = true;
    waiting.close();
    attempts.close();
    home.owner().cancelTimer(idleTimer);
    List.copyOf(idle).forEach(Link::close);
    ending.close();
  }

  /** Makes connections for the waiters, as many as allowed. */
  private void serve() {
    if (isServing) { // an attempt failed as soon as it began; the loop that began it goes on
      return;
    }
    isServing = true;
    try {
      while (attempts.size() < waiting.size() && connections < maxConnections) {
        connect();
      }
    } finally {
      isServing = false;
    }
  }

  private void connect() {
    Attempt attempt = new Attempt();
    attempts.add(attempt);
    connections++;
    Future<HttpClientConnection> made;
    try {
      made = connector.connect();
    } catch (Throwable e) { // Vert.x has closed its HTTP client, for example
      made = Future.failedFuture(e);
    }
    made.onComplete(attempt::complete);
  }

  private void ended(Link link) {
    connections--;
    idle.remove(link);
    serve();
  }

  private @Nullable Link takeIdle() {
    Link link;
    while ((link = idle.pollLast()) != null) {
      if (link.isReusable() && link.idleNanosLeft() > 0 && connector.isUsable(link)) {
        return link;
      }
      link.close();
    }
    return null;
  }

  private void closeIdleIn(long nanos) {
    idleTimer = home.setTimer(nanos / 1_000_000 + 1, id -> closeIdle());
  }

  private void closeIdle() {
    idleTimer = -1;
    long next = Long.MAX_VALUE;
    for (Iterator<Link> links = idle.iterator(); links.hasNext(); ) {
      Link link = links.next();
      long left = link.idleNanosLeft();
      if (left <= 0) {
        links.remove();
        link.close();
      } else {
        next = Math.min(next, left);
      }
    }
    if (!idle.isEmpty()) {
      closeIdleIn(next);
    }
  }
}
