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
 * The JDK's HTTP client, used asynchronously. It has no limit of connections.
 *
 * <p>It completes responses on the default executor of {@code CompletableFuture}. Before JDK 25
 * that is the common pool only if the pool has at least two threads, and otherwise a new thread for
 * each response. So {@link Comparison} gives the pool two threads.
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
  public void close() { // the client ends when it is garbage collected
    executor.shutdown();
  }
}
