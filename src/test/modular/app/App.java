// SPDX-License-Identifier: Apache-2.0
package app;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;

/** Asks for a resend by message, and for the next one, which is refused, by future. */
public final class App {
  private App() {}

  /**
   * Asks twice, prints both outcomes and ends.
   *
   * @param args base URL, token, request id
   */
  public static void main(String[] args) {
    JsonObject config =
        new JsonObject()
            .put("baseUrl", args[0])
            .put("token", args[1])
            .put("timeout", 50_000) // a JVM starts slowly on a busy machine
            .put("connectTimeout", 50_000);
    Vertx vertx = Vertx.vertx();
    vertx
        .deployVerticle(
            "io.github.otpresend.OtpResendVerticle", new DeploymentOptions().setConfig(config))
        .await();
    OtpResendOptions options = new OtpResendOptions(config);
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx, options);
    System.out.println(overBus.resend(args[2]).await().toJson());
    OtpResendClient client = OtpResendClient.create(vertx, options);
    try {
      client.resend(args[2]).await();
    } catch (ResendException refusal) {
      System.out.println(refusal.toJson());
    }
    client.close().await();
    vertx.close().await();
  }
}
