// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import io.github.otpresend.OtpResendClient;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.CookieSameSite;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import io.vertx.ext.web.handler.CSRFHandler;
import io.vertx.ext.web.handler.SessionHandler;
import io.vertx.ext.web.handler.StaticHandler;
import io.vertx.ext.web.sstore.LocalSessionStore;
import java.io.IOException;
import java.time.Duration;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Serves the page. A browser sends {@code POST /resend} with its session cookie, and this verticle
 * sends the event-bus message. The address of the event bus is not bridged to browsers: a browser
 * could then ask for the code of any request id.
 */
final class WebVerticle extends VerticleBase {
  private final int port;
  private final Duration cooldown;
  private final Supplier<String> requestIds;
  private final @Nullable SandboxColumn sandbox;
  private int actualPort;

  /**
   * Creates the verticle.
   *
   * @param requestIds returns the request id of a new web session
   * @param sandbox the controls of the sandbox, or null for the real service
   */
  WebVerticle(
      int port, Duration cooldown, Supplier<String> requestIds, @Nullable SandboxColumn sandbox) {
    this.port = port;
    this.cooldown = cooldown;
    this.requestIds = requestIds;
    this.sandbox = sandbox;
  }

  @Override
  public Future<?> start() {
    Router router = Router.router(vertx);
    router
        .route()
        .handler(
            SessionHandler.create(LocalSessionStore.create(vertx))
                .setCookieHttpOnlyFlag(true)
                .setCookieSameSite(CookieSameSite.STRICT));
    router.post().handler(BodyHandler.create(false)); // the next handler needs it
    router.route().handler(CSRFHandler.create(vertx, UUID.randomUUID().toString()));
    router.route().handler(this::startVisit);
    router.get("/").handler(new PageHandler(sandbox != null));
    router.get("/outcome").handler(context -> context.json(Visit.lastOutcome(context.session())));
    router
        .post("/resend")
        .handler(new ResendHandler(OtpResendClient.overEventBus(vertx), cooldown));
    if (sandbox != null) {
      sandbox.mount(router);
    }
    router.get("/static/*").handler(StaticHandler.create("page"));
    return vertx
        .createHttpServer()
        .requestHandler(router)
        .listen(port, "localhost")
        .onSuccess(server -> actualPort = server.actualPort())
        .recover(
            failure ->
                Future.failedFuture(
                    new IOException(
                        "cannot listen on localhost:" + port + ": " + failure.getMessage(),
                        failure)));
  }

  /** Returns the port, once the verticle is deployed. */
  int port() {
    return actualPort;
  }

  private void startVisit(RoutingContext context) {
    if (context.session().get(Visit.REQUEST_ID) == null) {
      Visit.start(context.session(), requestIds.get());
    }
    context.next();
  }
}
