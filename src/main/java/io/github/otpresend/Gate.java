// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.streams.ReadStream;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The empty body of one request, given to the Web Client as a stream because of when it is read:
 * the Web Client sets the data handler and resumes the stream once the request has its connection,
 * and never before. So the gate knows whether anything was transmitted, refuses a connection that
 * comes too late, and aborts the exchange when it fails between its empty buffer, which sends the
 * request's head, and its end.
 *
 * <p>It works with HTTP/1.1 alone: on HTTP/2 a server would wait for the end of the stream. It may
 * be refused and aborted from any thread.
 */
final class Gate implements ReadStream<Buffer> {
  private enum State {
    WAITING,
    OPEN,
    REFUSED
  }

  private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);

  private volatile @Nullable Handler<Buffer> dataHandler;
  private volatile @Nullable Handler<Void> endHandler;
  private volatile @Nullable Handler<Throwable> exceptionHandler;

  /** Shuts the gate for good; false if it is too late for that, or was done before. */
  boolean refuse() {
    return state.compareAndSet(State.WAITING, State.REFUSED);
  }

  /** Whether the request was transmitted, and the service may have acted. */
  boolean isOpen() {
    return state.get() == State.OPEN;
  }

  /** Resets the exchange: its connection is closed. Nothing happens after the end. */
  void abort(Throwable cause) {
    Handler<Throwable> handler = exceptionHandler;
    if (handler != null) {
      handler.handle(cause);
    }
  }

  /** Ends the request, which gives its connection back: for when the response is complete. */
  void end() {
    Handler<Void> handler = endHandler;
    if (handler != null) {
      handler.handle(null);
    }
  }

  @Override
  public ReadStream<Buffer> resume() {
    Handler<Buffer> handler = dataHandler;
    if (handler == null) {
      return this; // the Web Client lets go of the stream of a request that failed
    }
    if (state.compareAndSet(State.WAITING, State.OPEN)) {
      handler.handle(Buffer.buffer());
    } else if (state.get() == State.REFUSED) {
      abort(new IllegalStateException("A connection came when the call had ended"));
    }
    return this;
  }

  @Override
  public ReadStream<Buffer> handler(@Nullable Handler<Buffer> handler) {
    dataHandler = handler;
    return this;
  }

  @Override
  public ReadStream<Buffer> endHandler(@Nullable Handler<Void> handler) {
    endHandler = handler;
    return this;
  }

  @Override
  public ReadStream<Buffer> exceptionHandler(@Nullable Handler<Throwable> handler) {
    exceptionHandler = handler;
    return this;
  }

  @Override
  public ReadStream<Buffer> pause() {
    return this; // one empty buffer needs no flow control
  }

  @Override
  public ReadStream<Buffer> fetch(long amount) {
    return resume();
  }
}
