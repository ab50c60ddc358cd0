// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.github.otpresend.internal.Contexts;
import io.github.otpresend.internal.call.HttpResendClient;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.internal.ContextInternal;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * A verticle that serves a client at an event-bus address while it is deployed.
 *
 * <p>If it is deployed by its class name, its options come from its configuration:
 *
 * <pre>{@code
 * vertx.deployVerticle(
 *     "io.github.otpresend.OtpResendVerticle",
 *     new DeploymentOptions().setConfig(new JsonObject().put("token", token)));
 * }</pre>
 *
 * <p>A bad configuration fails the deployment with an {@link IllegalArgumentException} that names
 * the key. Undeploying first unbinds the address. Then the calls in flight finish and get their
 * replies. Then the connections are closed.
 */
public class OtpResendVerticle extends VerticleBase {
  private static final System.Logger LOG = System.getLogger(OtpResendVerticle.class.getName());

  private final @Nullable OtpResendOptions givenOptions;
  private final @Nullable TokenProvider tokens;
  private volatile @Nullable OtpResendClient client;
  private @Nullable EventBusAdapter adapter;

  /** Creates a verticle with the options of its configuration, see {@link OtpResendOptions}. */
  public OtpResendVerticle() {
    givenOptions = null;
    tokens = null;
  }

  /**
   * Creates a verticle with these options. It ignores its configuration.
   *
   * @param options the settings, which are copied; they must have a token
   */
  public OtpResendVerticle(OtpResendOptions options) {
    givenOptions = new OtpResendOptions(options);
    tokens = null;
  }

  /**
   * Creates a verticle with these options and tokens. It ignores its configuration.
   *
   * @param options the settings, which are copied
   * @param tokens the provider of the tokens
   */
  public OtpResendVerticle(OtpResendOptions options, TokenProvider tokens) {
    givenOptions = new OtpResendOptions(options);
    this.tokens = tokens;
  }

  /**
   * Asks the service once to send the code of a request again, see {@link OtpResendClient#resend}.
   *
   * @param requestId the id of the authentication request
   * @return the service's answer; {@link ResendFailure#CLOSED} while this verticle is not deployed
   */
  public Future<ResendResponse> resend(String requestId) {
    OtpResendClient deployed = client;
    return deployed == null
        ? Future.failedFuture(
            new ResendException(ResendFailure.CLOSED, "The verticle is not deployed"))
        : deployed.resend(requestId);
  }

  @Override
  public Future<?> start() {
    OtpResendOptions options = givenOptions == null ? new OtpResendOptions(config()) : givenOptions;
    HttpResendClient created = HttpResendClient.create(vertx, options, tokens);
    return created
        .serve(vertx, options.getAddress())
        .onSuccess(
            registered -> {
              client = created;
              adapter = registered;
              created.warmUp();
              Contexts.shield(
                  (ContextInternal) context,
                  () ->
                      LOG.log(
                          Level.INFO,
                          "Resends to "
                              + options.getBaseUrl()
                              + " are served at event-bus address "
                              + options.getAddress()));
            })
        .recover(failure -> created.close().transform(done -> Future.failedFuture(failure)));
  }

  @Override
  public Future<?> stop() {
    OtpResendClient deployed = client;
    EventBusAdapter registered = adapter;
    client = null; // a reference to this verticle must not keep the client in memory
    adapter = null;
    return registered == null || deployed == null
        ? Future.succeededFuture()
        : registered.unregister().eventually(deployed::close);
  }
}
