// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.codec.BodyCodec;
import io.vertx.ext.web.codec.spi.BodyStream;
import org.jspecify.annotations.Nullable;

/**
 * A response body, collected up to a limit. When the body is longer, the connection is closed, and
 * no more of the body is kept.
 */
public final class BoundedBody implements BodyCodec<Buffer>, BodyStream<Buffer> {
  private static final Buffer EMPTY = Buffer.buffer();

  private final Link link;
  private final int maxBytes;
  private final Promise<Buffer> result = Promise.promise();
  private Buffer body = EMPTY;
  private boolean tooLong;

  public BoundedBody(Link link, int maxBytes) {
    this.link = link;
    this.maxBytes = maxBytes;
  }

  Buffer content() {
    return body;
  }

  boolean isTooLong() {
    return tooLong;
  }

  int maxBytes() {
    return maxBytes;
  }

  /** Returns the failure of a call whose answer is longer than the limit. */
  static ResendException tooLong(int maxBytes) {
    return new ResendException(
        ResendFailure.INVALID_RESPONSE, "The answer is longer than maxResponseBytes, " + maxBytes);
  }

  @Override
  public BodyStream<Buffer> stream() {
    return this;
  }

  @Override
  public Future<Buffer> result() {
    return result.future();
  }

  @Override
  public Future<Void> write(Buffer data) {
    if (tooLong) {
      return Future.succeededFuture();
    }
    if (body.length() + data.length() > maxBytes) {
      tooLong = true;
      link.close();
    } else if (body.length() == 0) {
      body = data; // usually the whole body; nothing else uses this buffer
    } else {
      body.appendBuffer(data);
    }
    // not a failed future: the pipe would then go on reading, but write no more
    return Future.succeededFuture();
  }

  @Override
  public Future<Void> end() {
    result.tryComplete(body);
    return Future.succeededFuture();
  }

  @Override
  public void handle(Throwable cause) {
    result.tryFail(cause);
  }

  @Override
  public boolean writeQueueFull() {
    return false;
  }

  @Override
  public BoundedBody setWriteQueueMaxSize(int maxSize) {
    return this;
  }

  @Override
  public BoundedBody drainHandler(@Nullable Handler<Void> handler) {
    return this;
  }

  @Override
  public BoundedBody exceptionHandler(@Nullable Handler<Throwable> handler) {
    return this;
  }
}
