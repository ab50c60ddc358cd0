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
 * A verticle of an application that needs resends. It sends one message after the other, and its
 * deployment completes when the last message has its reply.
 */
final class Asker extends VerticleBase {
  /** A request id, and the event-bus address for its message. */
  record Question(String address, String requestId) {}

  /** The outcome of a message, and how long it took. */
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
