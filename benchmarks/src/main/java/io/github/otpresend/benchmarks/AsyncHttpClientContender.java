// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;
import org.asynchttpclient.AsyncHttpClient;
import org.asynchttpclient.DefaultAsyncHttpClientConfig;
import org.asynchttpclient.Dsl;

/** The project async-http-client. */
final class AsyncHttpClientContender implements Contender {
  private final AsyncHttpClient client;
  private final Target target;

  AsyncHttpClientContender(Target target) {
    this.target = target;
    DefaultAsyncHttpClientConfig.Builder config =
        Dsl.config()
            .setMaxConnections(target.connections())
            .setMaxConnectionsPerHost(target.connections());
    client = Dsl.asyncHttpClient(target.isTls() ? config.setSslContext(tls(target)) : config);
  }

  private static SslContext tls(Target target) {
    try {
      return SslContextBuilder.forClient().trustManager(new File(target.certificate())).build();
    } catch (SSLException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    client
        .preparePost(target.url(requestId))
        .setHeader("accept", "application/json")
        .setHeader("authorization", Target.BEARER)
        .execute()
        .toCompletableFuture()
        .whenComplete(
            (response, failure) ->
                done.accept(
                    failure == null
                        ? Outcome.of(response.getStatusCode(), response.getResponseBodyAsBytes())
                        : Outcome.ERROR));
  }

  @Override
  public void close() {
    try {
      client.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
