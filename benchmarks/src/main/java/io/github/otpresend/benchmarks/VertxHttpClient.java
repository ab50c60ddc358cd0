// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.json.JsonObject;
import java.util.function.Consumer;

/** Vert.x's core HTTP client. */
final class VertxHttpClient extends VertxContender {
  private final HttpClient client;
  private final Target target;

  VertxHttpClient(Target target) {
    super(vertx());
    this.target = target;
    client =
        vertx.createHttpClient(
            VertxWebClient.options(target),
            new PoolOptions().setHttp1MaxSize(target.connections()));
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    client
        .request(HttpMethod.POST, target.port(), Target.HOST, target.uri(requestId))
        .compose(
            request ->
                request
                    .putHeader("accept", "application/json")
                    .putHeader("authorization", Target.BEARER)
                    .send())
        .compose(
            response ->
                response
                    .body()
                    .map(
                        body -> {
                          JsonObject json = body.toJsonObject();
                          return Outcome.of(
                              response.statusCode(),
                              json.getBoolean("success", false),
                              json.getString("type"));
                        }))
        .onComplete((outcome, failure) -> done.accept(failure == null ? outcome : Outcome.ERROR));
  }
}
