// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.ext.web.client.HttpResponse;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import java.util.function.Consumer;

/** The bare Web Client of Vert.x: no deadline, no size limit, no typed outcome. */
final class VertxWebClient extends VertxContender {
  private final WebClient client;
  private final Target target;

  VertxWebClient(Target target, Vertx vertx) {
    super(vertx);
    this.target = target;
    client =
        WebClient.create(
            vertx, options(target), new PoolOptions().setHttp1MaxSize(target.connections()));
  }

  static WebClientOptions options(Target target) {
    return target.isTls()
        ? new WebClientOptions()
            .setSsl(true)
            .setTrustOptions(new PemTrustOptions().addCertPath(target.certificate()))
        : new WebClientOptions();
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    client
        .post(target.port(), Target.HOST, target.uri(requestId))
        .putHeader("accept", "application/json")
        .bearerTokenAuthentication(Target.TOKEN)
        .send()
        .onComplete(
            (response, failure) -> done.accept(failure == null ? of(response) : Outcome.ERROR));
  }

  private static Outcome of(HttpResponse<Buffer> response) {
    JsonObject json = response.bodyAsJsonObject();
    return Outcome.of(
        response.statusCode(), json.getBoolean("success", false), json.getString("type"));
  }
}
