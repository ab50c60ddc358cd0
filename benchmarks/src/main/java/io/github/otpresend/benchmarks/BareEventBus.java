// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.vertx.core.json.JsonObject;
import java.util.function.Consumer;

/** A plain request over the event bus of a cluster, to a node that replies at once. */
final class BareEventBus extends VertxContender {
  static final String ADDRESS = "bare";

  private final ChildProcess serving;

  private BareEventBus(Target target, ClusterNode.Ports ports) {
    super(ClusterNode.join(ports.requester(), ports));
    serving = ClusterNode.start(target, ports, ClusterNode.Service.BARE);
  }

  static Contender acrossCluster(Target target) {
    return new BareEventBus(target, ClusterNode.freePorts());
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
