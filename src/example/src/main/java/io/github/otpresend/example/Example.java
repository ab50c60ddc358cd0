// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.sandbox.OtpSandbox;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;

/**
 * Starts the page with the sandbox. With {@code OTP_TOKEN} in the environment it starts the page
 * with the real service, for the request id that is the only argument.
 */
public final class Example {
  static final Duration COOLDOWN = Duration.ofSeconds(30);

  private static final int PORT = 8080;

  private Example() {}

  public static void main(String[] arguments) {
    String token = System.getenv("OTP_TOKEN");
    if ((token == null) != (arguments.length == 0)) {
      System.err.println("Set OTP_TOKEN and pass one request id, or neither.");
      System.exit(2);
    }
    Vertx vertx = Vertx.vertx();
    Future<Integer> port =
        token == null
            ? withSandbox(vertx, PORT, OtpSandbox.start())
            : withService(vertx, PORT, token, arguments[0]);
    port.onSuccess(
            actual -> {
              System.out.println("Open http://localhost:" + actual);
              System.out.println(
                  token == null
                      ? "The sandbox simulates the service. Nothing is sent, and nothing costs."
                      : "Each resend goes to the real service, costs money and reaches a person.");
            })
        .onFailure(
            failure -> {
              System.err.println("The example did not start: " + failure.getMessage());
              System.exit(1);
            });
  }

  /** Starts the page with the sandbox, and returns the port. */
  static Future<Integer> withSandbox(Vertx vertx, int port, OtpSandbox sandbox) {
    SandboxColumn column = new SandboxColumn(sandbox, COOLDOWN);
    OtpResendOptions options =
        new OtpResendOptions().setBaseUrl(sandbox.baseUrl()).setToken(sandbox.token());
    return start(vertx, options, new WebVerticle(port, COOLDOWN, column::newRequestId, column));
  }

  private static Future<Integer> withService(
      Vertx vertx, int port, String token, String requestId) {
    OtpResendOptions options = new OtpResendOptions().setToken(token);
    return start(vertx, options, new WebVerticle(port, COOLDOWN, () -> requestId, null));
  }

  private static Future<Integer> start(Vertx vertx, OtpResendOptions options, WebVerticle web) {
    return vertx
        .deployVerticle(new OtpResendVerticle(options.setCooldown(COOLDOWN)))
        .compose(id -> vertx.deployVerticle(web))
        .map(id -> web.port());
  }
}
