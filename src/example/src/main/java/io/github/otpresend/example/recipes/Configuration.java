// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example.recipes;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.TokenProvider;
import io.vertx.config.ConfigRetriever;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;

/**
 * A verticle whose configuration and token come from vertx-config.
 *
 * <p>It promises: the options are read once, from the object {@code otp}, and a wrong option fails
 * the deployment with its name. The token is read for each resend, from {@code otpToken}.
 */
public final class Configuration {
  private Configuration() {}

  /** Deploys the verticle. The future fails if the configuration has no object {@code otp}. */
  public static Future<String> deploy(Vertx vertx, ConfigRetriever retriever) {
    TokenProvider tokens =
        () -> Future.succeededFuture(retriever.getCachedConfig().getString("otpToken"));
    return retriever
        .getConfig()
        .map(Configuration::options)
        .compose(options -> vertx.deployVerticle(new OtpResendVerticle(options, tokens)));
  }

  private static OtpResendOptions options(JsonObject all) {
    // a nested object, because the options refuse keys that they do not know
    JsonObject otp = all.getJsonObject("otp");
    if (otp == null) {
      throw new IllegalArgumentException("The configuration has no object otp");
    }
    return new OtpResendOptions(otp);
  }
}
