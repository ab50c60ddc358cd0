// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.github.otpresend.OtpResendClient;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.util.function.Consumer;

/**
 * A plain request over the event bus of a cluster. The node that replies calls this library
 * directly, so it does the same work for a request as the verticle.
 */
final class BareEventBus extends VertxContender {
  private static final String ADDRESS = "bare";

  private final ChildProcess serving;

  private BareEventBus(Target target, ClusterNode.Ports ports) {
    super(ClusterNode.join(ports.requester(), ports));
    serving = ClusterNode.start(target, ports, ClusterNode.Service.BARE);
  }

  static Contender acrossCluster(Target target) {
    return new BareEventBus(target, ClusterNode.freePorts());
  }

  /** Registers the consumer of the replying node. */
  static void serve(Vertx vertx, OtpResendClient client) {
    JsonObject success = new JsonObject().put("success", true);
    vertx
        .eventBus()
        .<JsonObject>consumer(
            ADDRESS,
            message ->
                client
                    .resend(message.body().getString("requestId"))
                    .onSuccess(response -> message.reply(success))
                    .onFailure(cause -> message.fail(1, cause.getMessage())))
        .completion()
        .await();
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    vertx
        .eventBus()
        .<JsonObject>request(ADDRESS, new JsonObject().put("requestId", requestId))
        .onComplete(
            (reply, failure) ->
                done.accept(
                    failure == null && reply.body().getBoolean("success")
                        ? Outcome.SUCCESS
                        : Outcome.ERROR));
  }

  @Override
  public void close() {
    serving.close();
    super.close();
  }
}
