// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * The JDK's HTTP client, asynchronously. It has no limit of connections.
 *
 * <p>Before JDK 25 it starts a thread for each response where there are one or two processors: it
 * completes them on the default executor of {@code CompletableFuture}, which is the common pool
 * only if that has two threads or more. {@link Main} sees to that.
 */
final class JdkHttpClient implements Contender {
  private final ExecutorService executor =
      Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors());
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).executor(executor).build();
  private final Target target;

  JdkHttpClient(Target target) {
    this.target = target;
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(target.url(requestId)))
            .header("accept", "application/json")
            .header("authorization", Target.BEARER)
            .POST(BodyPublishers.noBody())
            .build();
    client
        .sendAsync(request, BodyHandlers.ofByteArray())
        .whenComplete(
            (response, failure) ->
                done.accept(
                    failure == null
                        ? Outcome.of(response.statusCode(), response.body())
                        : Outcome.ERROR));
  }

  @Override
  public void close() { // the client itself ends when it is collected
    executor.shutdown();
  }
}
