// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.Outcome;
import io.github.otpresend.internal.Outcomes;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.ContextInternal;
import io.vertx.ext.web.client.HttpResponse;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer on one connection. An exchange sends the request, decodes the answer,
 * gives the connection back, and only then reports the outcome. It is used on one event loop only.
 */
public final class Exchange {
  private final Transport transport;
  private final Pool pool;
  private final Link link;
  private final BoundedBody body;
  private final String token;
  private final Handler<Outcome> onEnd;

  /** The outcome, once the answer has come. */
  @Nullable Outcome outcome;

  private boolean isOver;

  /**
   * @param link the connection, which the exchange gives back or closes
   * @param onEnd receives the outcome on a later turn of the event loop, unless the exchange is
   *     abandoned
   */
  public Exchange(
      Transport transport,
      Pool pool,
      Link link,
      int maxResponseBytes,
      String token,
      Handler<Outcome> onEnd) {
    this.transport = transport;
    this.pool = pool;
    this.link = link;
    this.token = token;
    this.onEnd = onEnd;
    body = new BoundedBody(link, maxResponseBytes);
  }

  /**
   * Sends the request for this path segment.
   *
   * @param context the context of the call, on the event loop
   */
  public void send(ContextInternal context, String segment) {
    transport
        .send(context, link, segment, token, body)
        .onComplete((answer, cause) -> receive(context, answer, cause));
  }

  private void receive(
      ContextInternal context, @Nullable HttpResponse<Buffer> answer, @Nullable Throwable cause) {
    if (isOver) {
      return;
    }
    Outcome decoded = decode(answer, cause);
    ResendException failure = decoded.failure();
    if (answer == null) {
      pool.lost(link);
    } else if (failure != null && Outcomes.closesConnection(failure.failure())) {
      link.close();
    } else {
      link.received(answer);
    }
    outcome = decoded;
    // Netty may still deliver data that it has already read. So the connection is given back one
    // turn of the event loop later. Data that comes before that closes the connection, and no other
    // request is on it then.
    context.runOnContext(v -> end(decoded));
  }

  private Outcome decode(@Nullable HttpResponse<Buffer> answer, @Nullable Throwable cause) {
    try {
      Outcome decoded = ResponseDecoder.decode(body, answer, cause);
      ResendException failure = decoded.failure();
      return failure == null ? decoded : Outcome.of(Redaction.without(token, failure));
    } catch (ResendException undecodable) {
      return Outcome.of(undecodable);
    } catch (Throwable e) { // for example, a class of Jackson is missing
      String message = "The answer could not be decoded: " + e.getClass().getName();
      return Outcome.of(Failures.of(ResendFailure.INVALID_RESPONSE, message, e));
    }
  }

  private void end(Outcome decoded) {
    if (!isOver) {
      isOver = true;
      pool.giveBack(link);
      onEnd.handle(decoded);
    }
  }

  /** Closes the connection. If the answer has come already, ends the exchange with it instead. */
  public void abandon() {
    if (outcome != null) {
      end(outcome);
    } else {
      isOver = true;
      pool.lost(link);
    }
  }
}
