// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.cluster;

import io.github.otpresend.testing.Calls;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.Message;
import io.vertx.core.json.JsonObject;

/** Deploys and undeploys verticles on its node, as event-bus messages ask. */
public final class RemoteControl extends VerticleBase {
  private static final String DEPLOY = "remote-control.deploy";
  private static final String UNDEPLOY = "remote-control.undeploy";

  /** Deploys a verticle on the node of this verticle. The result is the deployment id. */
  static Future<String> deploy(Vertx vertx, Class<?> verticle, JsonObject config) {
    JsonObject order = new JsonObject().put("verticle", verticle.getName()).put("config", config);
    return vertx.eventBus().<String>request(DEPLOY, order, patiently()).map(Message::body);
  }

  static Future<Void> undeploy(Vertx vertx, String deployment) {
    return vertx.eventBus().request(UNDEPLOY, deployment, patiently()).mapEmpty();
  }

  private static DeliveryOptions patiently() {
    return new DeliveryOptions().setSendTimeout(Calls.PATIENCE.toMillis());
  }

  @Override
  public Future<?> start() {
    return Future.all(
        vertx
            .eventBus()
            .<JsonObject>consumer(
                DEPLOY,
                order ->
                    answer(
                        order,
                        vertx.deployVerticle(
                            order.body().getString("verticle"),
                            new DeploymentOptions()
                                .setConfig(order.body().getJsonObject("config")))))
            .completion(),
        vertx
            .eventBus()
            .<String>consumer(
                UNDEPLOY, order -> answer(order, vertx.undeploy(order.body()).map("undeployed")))
            .completion());
  }

  private static void answer(Message<?> order, Future<String> done) {
    done.onComplete(order::reply, failure -> order.fail(1, "" + failure));
  }
}
