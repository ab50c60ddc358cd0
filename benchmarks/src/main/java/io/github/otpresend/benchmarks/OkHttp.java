// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.ConnectionPool;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;

/** OkHttp, used asynchronously. It has a thread for each call in flight. */
final class OkHttp implements Contender {
  private static final RequestBody NO_BODY = RequestBody.create(new byte[0], null);

  private final OkHttpClient client;
  private final Target target;

  OkHttp(Target target) {
    this.target = target;
    Dispatcher dispatcher = new Dispatcher();
    dispatcher.setMaxRequests(target.connections());
    dispatcher.setMaxRequestsPerHost(target.connections());
    client =
        new OkHttpClient.Builder()
            .dispatcher(dispatcher)
            .connectionPool(new ConnectionPool(target.connections(), 1, TimeUnit.MINUTES))
            .build();
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    Request request =
        new Request.Builder()
            .url(target.url(requestId))
            .header("accept", "application/json")
            .header("authorization", Target.BEARER)
            .post(NO_BODY)
            .build();
    client
        .newCall(request)
        .enqueue(
            new Callback() {
              @Override
              public void onFailure(Call call, IOException e) {
                done.accept(Outcome.ERROR);
              }

              @Override
              public void onResponse(Call call, Response response) throws IOException {
                Outcome outcome;
                try (response) {
                  outcome = Outcome.of(response.code(), response.body().bytes());
                }
                done.accept(outcome);
              }
            });
  }

  @Override
  public void close() {
    client.dispatcher().executorService().shutdown();
    client.connectionPool().evictAll();
  }
}
