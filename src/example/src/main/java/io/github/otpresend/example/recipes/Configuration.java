// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example.recipes;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.TokenProvider;
import io.vertx.config.ConfigRetriever;
import io.vertx.core.Future;
import io.vertx.core.Vertx;

/** A verticle whose configuration and token come from vertx-config. */
public final class Configuration {
  private Configuration() {}

  /** Deploys the verticle. A token that changes later is used from then on. */
  public static Future<String> deploy(Vertx vertx, ConfigRetriever retriever) {
    TokenProvider tokens =
        () -> Future.succeededFuture(retriever.getCachedConfig().getString("otpToken"));
    return retriever
        .getConfig()
        // a nested object, because the options refuse keys that they do not know
        .map(all -> new OtpResendOptions(all.getJsonObject("otp")))
        .compose(options -> vertx.deployVerticle(new OtpResendVerticle(options, tokens)));
  }
}
