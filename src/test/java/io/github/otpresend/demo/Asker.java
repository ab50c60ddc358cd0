// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.demo;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.eventbus.Message;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * A verticle like any of an application that needs a resend: it sends messages, and knows nothing
 * of the one that serves them. It asks its questions one after the other, and is deployed when the
 * last one has its answer.
 */
final class Asker extends VerticleBase {
  /** A request id and the event-bus address to ask at. */
  record Question(String address, String requestId) {}

  /** What came of it, and how long it took. */
  record Answer(Future<Message<JsonObject>> reply, Duration time) {}

  private final List<Question> questions;
  private final BiConsumer<Question, Answer> report;

  Asker(List<Question> questions, BiConsumer<Question, Answer> report) {
    this.questions = questions;
    this.report = report;
  }

  @Override
  public Future<?> start() {
    Future<Void> asked = Future.succeededFuture();
    for (Question question : questions) {
      asked = asked.compose(previous -> ask(question));
    }
    return asked;
  }

  private Future<Void> ask(Question question) {
    long start = System.nanoTime();
    Future<Message<JsonObject>> reply =
        vertx
            .eventBus()
            .request(question.address(), new JsonObject().put("requestId", question.requestId()));
    return reply.transform(
        done -> {
          report.accept(question, new Answer(reply, Duration.ofNanos(System.nanoTime() - start)));
          return Future.succeededFuture();
        });
  }
}
