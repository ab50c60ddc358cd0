// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.netty.handler.codec.http.HttpMethod;
import java.util.function.Consumer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/** Reactor Netty. */
final class ReactorNetty implements Contender {
  private final ConnectionProvider pool;
  private final HttpClient client;
  private final Target target;

  ReactorNetty(Target target) {
    this.target = target;
    pool = ConnectionProvider.create("resends", target.connections());
    client =
        HttpClient.create(pool)
            .baseUrl("http://" + Target.HOST + ":" + target.port())
            .headers(
                headers ->
                    headers
                        .set("accept", "application/json")
                        .set("authorization", Target.BEARER)
                        .set("content-length", "0"));
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    client
        .request(HttpMethod.POST)
        .uri(target.uri(requestId))
        .responseSingle(
            (response, body) ->
                body.asByteArray().map(bytes -> Outcome.of(response.status().code(), bytes)))
        .subscribe(done, failure -> done.accept(Outcome.ERROR));
  }

  @Override
  public void close() {
    pool.disposeLater().block();
  }
}
