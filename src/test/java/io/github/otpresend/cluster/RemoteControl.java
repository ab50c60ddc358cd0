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

/** A verticle that deploys and undeploys verticles on its node when a test sends it a message. */
public final class RemoteControl extends VerticleBase {
  private static final String DEPLOY = "remote-control.deploy";
  private static final String UNDEPLOY = "remote-control.undeploy";

  /** Deploys a verticle on the node of the remote control, and returns its deployment id. */
  static Future<String> deploy(Vertx vertx, Class<?> verticle, JsonObject config) {
    JsonObject request = new JsonObject().put("verticle", verticle.getName()).put("config", config);
    return vertx.eventBus().<String>request(DEPLOY, request, deliveryOptions()).map(Message::body);
  }

  /** Undeploys a verticle on the node of the remote control. */
  static Future<Void> undeploy(Vertx vertx, String deploymentId) {
    return vertx.eventBus().request(UNDEPLOY, deploymentId, deliveryOptions()).mapEmpty();
  }

  private static DeliveryOptions deliveryOptions() {
    return new DeliveryOptions().setSendTimeout(Calls.PATIENCE.toMillis());
  }

  @Override
  public Future<?> start() {
    return Future.all(
        vertx
            .eventBus()
            .<JsonObject>consumer(
                DEPLOY,
                message ->
                    reply(
                        message,
                        vertx.deployVerticle(
                            message.body().getString("verticle"),
                            new DeploymentOptions()
                                .setConfig(message.body().getJsonObject("config")))))
            .completion(),
        vertx
            .eventBus()
            .<String>consumer(
                UNDEPLOY,
                message -> reply(message, vertx.undeploy(message.body()).map("undeployed")))
            .completion());
  }

  private static void reply(Message<?> message, Future<String> result) {
    result.onComplete(message::reply, failure -> message.fail(1, "" + failure));
  }
}
