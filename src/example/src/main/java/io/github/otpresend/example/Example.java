// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.sandbox.OtpSandbox;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Starts the page with the sandbox. With {@code OTP_TOKEN} in the environment it starts the page
 * with the real service, for the request id that is the only argument.
 *
 * <p>With {@code -Dredis=redis://localhost:6379} several processes of the example, each with
 * another {@code -Dport}, share the claims and the sandbox.
 */
public final class Example {
  static final Duration COOLDOWN = Duration.ofSeconds(30);

  private final Vertx vertx;
  private final int port;
  private final @Nullable String redis;

  /**
   * @param port the port of the page; 0 is a free port
   * @param redis the connection string of the Redis that the processes share, or null
   */
  Example(Vertx vertx, int port, @Nullable String redis) {
    this.vertx = vertx;
    this.port = port;
    this.redis = redis;
  }

  public static void main(String[] arguments) {
    String token = System.getenv("OTP_TOKEN");
    if ((token == null) != (arguments.length == 0)) {
      System.err.println("Set OTP_TOKEN and pass one request id, or neither.");
      System.exit(2);
    }
    Example example =
        new Example(Vertx.vertx(), Integer.getInteger("port", 8080), System.getProperty("redis"));
    Future<Integer> port =
        token == null ? example.withSandbox() : example.withService(token, arguments[0]);
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

  private Future<Integer> withSandbox() {
    return redis == null
        ? withSandbox(OtpSandbox.start())
        : SharedSandbox.join(vertx, redis)
            .compose(
                sandbox ->
                    start(
                        options(sandbox.baseUrl(), sandbox.token()),
                        sandbox.isOwn() ? "sandbox" : "other-sandbox",
                        sandbox::requestId,
                        sandbox.panel()));
  }

  /** Starts the page with a sandbox, and returns the port. */
  Future<Integer> withSandbox(OtpSandbox sandbox) {
    SandboxPanel panel = new SandboxPanel(sandbox);
    return start(
        options(sandbox.baseUrl(), sandbox.token()), "sandbox", panel::newRequestId, panel);
  }

  private Future<Integer> withService(String token, String requestId) {
    return withService(new OtpResendOptions().setToken(token), requestId);
  }

  /** Starts the page with a service, and returns the port. */
  Future<Integer> withService(OtpResendOptions options, String requestId) {
    return start(options, "real", () -> requestId, null);
  }

  private static OtpResendOptions options(String baseUrl, String token) {
    return new OtpResendOptions().setBaseUrl(baseUrl).setToken(token);
  }

  private Future<Integer> start(
      OtpResendOptions options,
      String mode,
      Supplier<String> requestIds,
      @Nullable SandboxPanel panel) {
    if (redis != null) {
      options.setRedis(redis);
    }
    WebVerticle web = new WebVerticle(port, mode, requestIds, panel);
    return vertx
        .deployVerticle(new OtpResendVerticle(options.setCooldown(COOLDOWN)))
        .compose(id -> vertx.deployVerticle(web))
        .map(id -> web.port());
  }
}
