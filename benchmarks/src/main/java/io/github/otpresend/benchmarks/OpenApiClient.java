// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.github.otpresend.benchmarks.openapi.OtpApi;
import io.github.otpresend.benchmarks.openapi.OtpApiImpl;
import io.github.otpresend.benchmarks.openapi.invoker.ApiClient;
import io.github.otpresend.benchmarks.openapi.invoker.ApiException;
import io.vertx.core.json.JsonObject;
import java.util.function.Consumer;

/** The client that openapi-generator generates for this endpoint, on Vert.x. */
final class OpenApiClient extends VertxContender {
  private final OtpApi api;
  private final ApiClient.AuthInfo authorization =
      ApiClient.AuthInfo.forBearerAuthentication(Target.TOKEN);

  OpenApiClient(Target target) {
    super(vertx());
    JsonObject config = new JsonObject().put("basePath", target.baseUrl());
    JsonObject pool = new JsonObject().put("http1MaxSize", target.connections());
    api = new OtpApiImpl(new ApiClient(vertx, config, pool));
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    api.resend(requestId, authorization)
        .onComplete(
            (resend, failure) ->
                done.accept(
                    failure == null ? Outcome.of(201, resend.getSuccess(), "") : of(failure)));
  }

  private static Outcome of(Throwable failure) {
    return failure instanceof ApiException e
        ? Outcome.of(e.getCode(), false, new JsonObject(e.getResponseBody()).getString("type"))
        : Outcome.ERROR;
  }
}
