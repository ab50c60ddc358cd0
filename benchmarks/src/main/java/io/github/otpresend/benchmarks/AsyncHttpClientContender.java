// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import org.asynchttpclient.AsyncHttpClient;
import org.asynchttpclient.Dsl;

/** The project async-http-client. */
final class AsyncHttpClientContender implements Contender {
  private final AsyncHttpClient client;
  private final Target target;

  AsyncHttpClientContender(Target target) {
    this.target = target;
    client =
        Dsl.asyncHttpClient(
            Dsl.config()
                .setMaxConnections(target.connections())
                .setMaxConnectionsPerHost(target.connections()));
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
