// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.function.Consumer;
import org.apache.hc.client5.http.async.methods.SimpleHttpRequest;
import org.apache.hc.client5.http.async.methods.SimpleHttpResponse;
import org.apache.hc.client5.http.async.methods.SimpleRequestBuilder;
import org.apache.hc.client5.http.config.TlsConfig;
import org.apache.hc.client5.http.impl.async.CloseableHttpAsyncClient;
import org.apache.hc.client5.http.impl.async.HttpAsyncClients;
import org.apache.hc.client5.http.impl.nio.PoolingAsyncClientConnectionManagerBuilder;
import org.apache.hc.core5.concurrent.FutureCallback;
import org.apache.hc.core5.http2.HttpVersionPolicy;
import org.apache.hc.core5.io.CloseMode;

/** The asynchronous client of Apache HttpClient 5. */
final class ApacheHttpClient implements Contender {
  private final CloseableHttpAsyncClient client;
  private final Target target;

  ApacheHttpClient(Target target) {
    this.target = target;
    client =
        HttpAsyncClients.custom()
            .setConnectionManager(
                PoolingAsyncClientConnectionManagerBuilder.create()
                    .setMaxConnTotal(target.connections())
                    .setMaxConnPerRoute(target.connections())
                    .setDefaultTlsConfig(
                        TlsConfig.custom().setVersionPolicy(HttpVersionPolicy.FORCE_HTTP_1).build())
                    .build())
            .build();
    client.start();
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    SimpleHttpRequest request =
        SimpleRequestBuilder.post(target.url(requestId))
            .setHeader("accept", "application/json")
            .setHeader("authorization", Target.BEARER)
            .build();
    client.execute(
        request,
        new FutureCallback<>() {
          @Override
          public void completed(SimpleHttpResponse response) {
            done.accept(Outcome.of(response.getCode(), response.getBodyBytes()));
          }

          @Override
          public void failed(Exception e) {
            done.accept(Outcome.ERROR);
          }

          @Override
          public void cancelled() {
            done.accept(Outcome.ERROR);
          }
        });
  }

  @Override
  public void close() {
    client.close(CloseMode.GRACEFUL);
  }
}
