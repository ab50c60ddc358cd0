// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** This library: directly, over the event bus of one node, or across a cluster. */
final class ThisLibrary extends VertxContender {
  private final OtpResendClient client;
  private final Runnable alsoClose;

  private ThisLibrary(ContextInternal caller, OtpResendClient client) {
    super(caller);
    this.client = client;
    alsoClose = () -> {};
  }

  private ThisLibrary(Vertx vertx, OtpResendClient client, Runnable alsoClose) {
    super(vertx);
    this.client = client;
    this.alsoClose = alsoClose;
  }

  static OtpResendOptions options(Target target) {
    OtpResendOptions options =
        new OtpResendOptions()
            .setBaseUrl(target.baseUrl())
            .setToken(Target.TOKEN)
            .setMaxConnections(target.connections())
            .setKeepAliveTimeout(Duration.ofMinutes(1)); // other contenders take turns meanwhile
    if (target.isTls()) {
      options.setWebClient(VertxWebClient.options(target));
    }
    return target.waiting() == 0
        ? options
        : options
            .setMaxPending(target.waiting())
            .setTimeout(Duration.ofMinutes(1)) // 100,000 waiting calls may take as long
            .setConnectTimeout(Duration.ofMinutes(1));
  }

  static Contender directly(Target target, Vertx vertx) {
    return new ThisLibrary(vertx, OtpResendClient.create(vertx, options(target)), () -> {});
  }

  static Contender withRedis(Target target) {
    RedisProcess redis = RedisProcess.start();
    Vertx vertx = VertxContender.vertx();
    OtpResendClient client = OtpResendClient.create(vertx, options(target).setRedis(redis.url()));
    return new ThisLibrary(vertx, client, redis::close);
  }

  /** The client is owned by another event loop than the loop from which the calls come. */
  static Contender fromAnotherLoop(Target target) {
    VertxInternal vertx = (VertxInternal) VertxContender.vertxWithTwoLoops();
    ContextInternal home = vertx.createEventLoopContext();
    ContextInternal caller = vertx.createEventLoopContext(); // Netty gives out its loops in turn
    if (caller.nettyEventLoop() == home.nettyEventLoop()) {
      throw new IllegalStateException("the calls come from the event loop of the client");
    }
    CompletableFuture<OtpResendClient> client = new CompletableFuture<>();
    home.runOnContext(v -> client.complete(OtpResendClient.create(vertx, options(target))));
    return new ThisLibrary(caller, client.join());
  }

  static Contender overEventBus(Target target, Vertx vertx) {
    vertx.deployVerticle(new OtpResendVerticle(options(target))).await();
    return new ThisLibrary(vertx, OtpResendClient.overEventBus(vertx, options(target)), () -> {});
  }

  static Contender acrossCluster(Target target, ClusterNode.Service service) {
    ClusterNode.Ports ports = ClusterNode.freePorts();
    Vertx vertx = ClusterNode.join(ports.requester(), ports);
    ChildProcess serving = ClusterNode.start(target, ports, service);
    return new ThisLibrary(
        vertx, OtpResendClient.overEventBus(vertx, options(target)), serving::close);
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    client
        .resend(requestId)
        .onComplete(
            (response, failure) ->
                done.accept(failure == null && response.success() ? Outcome.SUCCESS : of(failure)));
  }

  private static Outcome of(Throwable failure) {
    return failure instanceof ResendException e
            && e.failure() == ResendFailure.RESTART_COOLDOWN_ACTIVE
        ? Outcome.COOLDOWN
        : Outcome.ERROR;
  }

  @Override
  public void close() {
    client.close().await();
    alsoClose.run();
    super.close();
  }
}
