// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.streams.Pipe;
import io.vertx.core.streams.ReadStream;
import io.vertx.core.streams.WriteStream;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * The empty body of one request, given to the Web Client as a stream because of when it is piped:
 * once the request has its connection, and never before. So the gate knows whether anything was
 * transmitted, and refuses a connection that comes too late. It sends the head and keeps the
 * request open until its owner ends it, which gives the connection back, or aborts it, which closes
 * the connection.
 *
 * <p>It also puts the headers, since the Web Client would copy them three times on their way.
 *
 * <p>It works with HTTP/1.1 alone: on HTTP/2 a server would wait for the end of the stream. It may
 * be refused, ended and aborted from any thread.
 */
class Gate implements ReadStream<Buffer>, Pipe<Buffer> {
  private enum State {
    WAITING,
    REFUSED,
    OPEN,
    OVER
  }

  private static final AtomicReferenceFieldUpdater<Gate, State> STATE =
      AtomicReferenceFieldUpdater.newUpdater(Gate.class, State.class, "state");

  private final MultiMap headers;
  private volatile State state = State.WAITING;
  private volatile @Nullable HttpClientRequest request;

  /**
   * @param headers of the request; that of its length has to be there
   */
  Gate(MultiMap headers) {
    this.headers = headers;
  }

  /** Shuts the gate for good; false if it is too late for that, or was done before. */
  boolean refuse() {
    return STATE.compareAndSet(this, State.WAITING, State.REFUSED);
  }

  /** Whether the request was transmitted, and the service may have acted. */
  boolean wasOpened() {
    State now = state;
    return now == State.OPEN || now == State.OVER;
  }

  boolean wasRefused() {
    return state == State.REFUSED;
  }

  /** Ends the request, which gives its connection back: for when the response is complete. */
  void end() {
    HttpClientRequest open = over();
    if (open != null) {
      open.end();
    }
  }

  /** Closes the connection, whatever else is on it. Nothing happens after the end. */
  void abort() {
    HttpClientRequest open = over();
    if (open != null) {
      // a reset would leave it open if the response is already complete
      open.connection().close();
    }
  }

  private @Nullable HttpClientRequest over() {
    if (!STATE.compareAndSet(this, State.OPEN, State.OVER)) {
      return null;
    }
    HttpClientRequest open = request;
    request = null; // a call that waited has become old, and would have the collector keep all this
    return open;
  }

  @Override
  public Pipe<Buffer> pipe() {
    return this;
  }

  @Override
  public Future<Void> to(WriteStream<Buffer> connected) {
    HttpClientRequest opened = (HttpClientRequest) connected;
    // the outcome tells it all; Vert.x would log what the server sent, which may be the token
    opened.exceptionHandler(failure -> {});
    opened.connection().exceptionHandler(failure -> {});
    request = opened;
    if (!STATE.compareAndSet(this, State.WAITING, State.OPEN)) { // a failure resets the connection
      return Future.failedFuture("A connection came when the call had ended");
    }
    opened.setChunked(false); // which the Web Client takes any stream to be
    opened.headers().addAll(headers);
    return opened.sendHead();
  }

  @Override
  public void close() {}

  // all that follows is for streams that hold something

  @Override
  public Gate handler(@Nullable Handler<Buffer> handler) {
    return this;
  }

  @Override
  public Gate endHandler(@Nullable Handler<Void> handler) {
    return this;
  }

  @Override
  public Gate exceptionHandler(@Nullable Handler<Throwable> handler) {
    return this;
  }

  @Override
  public Gate pause() {
    return this;
  }

  @Override
  public Gate resume() {
    return this;
  }

  @Override
  public Gate fetch(long amount) {
    return this;
  }

  @Override
  public Gate endOnFailure(boolean end) {
    return this;
  }

  @Override
  public Gate endOnSuccess(boolean end) {
    return this;
  }

  @Override
  public Gate endOnComplete(boolean end) {
    return this;
  }
}
