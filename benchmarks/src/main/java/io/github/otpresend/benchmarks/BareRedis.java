// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.Request;
import java.util.function.Consumer;

/**
 * A lock in Redis around a request of the bare Web Client, as an application might write it: {@code
 * SET NX} with a time to live before the request, and {@code DEL} after the answer.
 */
final class BareRedis implements Contender {
  private final RedisProcess process = RedisProcess.start();
  private final VertxWebClient web;
  private final RedisConnection redis;

  BareRedis(Target target) {
    web = new VertxWebClient(target, VertxContender.vertx());
    redis = connect();
  }

  private RedisConnection connect() {
    RedisOptions options = new RedisOptions().setConnectionString(process.url()).setMaxPoolSize(1);
    return Redis.createClient(web.vertx, options).connect().await();
  }

  @Override
  public void begin(Runnable load) {
    web.begin(load);
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    redis
        .send(Request.cmd(Command.SET).arg(requestId).arg("").arg("NX").arg("PX").arg(10_000))
        .onComplete(
            (ok, failure) -> {
              if (ok == null) {
                done.accept(Outcome.ERROR);
              } else {
                web.resend(requestId, outcome -> unlock(requestId, outcome, done));
              }
            });
  }

  private void unlock(String requestId, Outcome outcome, Consumer<Outcome> done) {
    redis
        .send(Request.cmd(Command.DEL).arg(requestId))
        .onComplete((deleted, failure) -> done.accept(outcome));
  }

  @Override
  public void close() {
    web.close();
    process.close();
  }
}
