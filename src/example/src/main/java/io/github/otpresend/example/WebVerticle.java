// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import io.github.otpresend.OtpResendClient;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.CookieSameSite;
import io.vertx.core.json.JsonObject;
import io.vertx.core.net.HostAndPort;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import io.vertx.ext.web.handler.CSRFHandler;
import io.vertx.ext.web.handler.SessionHandler;
import io.vertx.ext.web.handler.StaticHandler;
import io.vertx.ext.web.sstore.LocalSessionStore;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Serves the page. A browser sends {@code POST /resend} with its session cookie, and this verticle
 * sends the event-bus message. The address of the event bus is not bridged to browsers: a browser
 * could then ask for the code of any request id.
 */
final class WebVerticle extends VerticleBase {
  private static final System.Logger LOG = System.getLogger(WebVerticle.class.getName());

  /** The names under which the page is known. A page of another site may use any other name. */
  private static final Set<String> HOSTS = Set.of("localhost", "127.0.0.1", "[::1]", "::1");

  private final int port;
  private final String mode;
  private final Supplier<String> requestIds;
  private final @Nullable SandboxPanel panel;
  private int actualPort;

  /**
   * @param port the port; 0 is a free port
   * @param mode see {@link PageHandler}
   * @param requestIds returns the request id of a new web session
   * @param panel the controls of the sandbox, or null if this process has none
   */
  WebVerticle(int port, String mode, Supplier<String> requestIds, @Nullable SandboxPanel panel) {
    this.port = port;
    this.mode = mode;
    this.requestIds = requestIds;
    this.panel = panel;
  }

  @Override
  public Future<?> start() {
    return vertx
        .createHttpServer()
        .requestHandler(router())
        .listen(port, "localhost")
        .onSuccess(server -> actualPort = server.actualPort())
        .recover(
            failure ->
                Future.failedFuture(
                    new IOException(
                        "cannot listen on localhost:" + port + ": " + failure.getMessage(),
                        failure)));
  }

  private Router router() {
    // browsers send a cookie to all ports of a host, so the processes need cookies of their own
    String csrfCookie = "csrf-" + port;
    Router router = Router.router(vertx);
    router.errorHandler(403, WebVerticle::refused);
    router.route().handler(this::checkHost);
    router.get("/static/*").handler(StaticHandler.create("page"));
    router.post().handler(BodyHandler.create(false)); // the next handler needs it
    // before the session: then two tabs may press at the same time
    router
        .route()
        .handler(CSRFHandler.create(vertx, UUID.randomUUID().toString()).setCookieName(csrfCookie));
    router
        .route()
        .handler(
            SessionHandler.create(LocalSessionStore.create(vertx))
                .setSessionCookieName("session-" + port)
                .setCookieHttpOnlyFlag(true)
                .setCookieSameSite(CookieSameSite.STRICT));
    router.get("/").handler(this::startVisit).handler(new PageHandler(mode, csrfCookie));
    router.get("/again").handler(WebVerticle::endVisit);
    router.route().handler(this::checkVisit);
    router.get("/outcome").handler(context -> context.json(Visit.lastOutcome(context.session())));
    router.post("/resend").handler(new ResendHandler(OtpResendClient.overEventBus(vertx)));
    if (panel != null) {
      panel.mount(router);
    }
    return router;
  }

  /** Returns the port, once the verticle is deployed. */
  int port() {
    return actualPort;
  }

  /** Refuses a host name that leads here from a page of another site. */
  private void checkHost(RoutingContext context) {
    HostAndPort authority = context.request().authority();
    if (authority != null && HOSTS.contains(authority.host().toLowerCase(Locale.ROOT))) {
      context.response().putHeader("Cache-Control", "no-store");
      context.next();
    } else {
      context.response().setStatusCode(421).end("This is not that host.");
    }
  }

  /** Begins an authentication request, unless the session has one. */
  private void startVisit(RoutingContext context) {
    if (!Visit.isStarted(context.session())) {
      Visit.start(context.session(), requestIds.get());
    }
    context.next();
  }

  /** Leads to a page that begins again. A reload of that page does not begin once more. */
  private static void endVisit(RoutingContext context) {
    Visit.end(context.session());
    context.response().setStatusCode(303).putHeader("Location", "./").end();
  }

  /** Lets a request pass only if the page was opened in this session. */
  private void checkVisit(RoutingContext context) {
    if (Visit.isStarted(context.session())) {
      context.next();
    } else {
      context.response().setStatusCode(403);
      context.json(new JsonObject().put("outcome", "EXPIRED"));
    }
  }

  private static void refused(RoutingContext context) {
    LOG.log(Level.WARNING, "Refused a POST without a valid token against forged requests");
    // JSON, because a proxy can also answer with 403, and nobody knows what it did before
    context.response().setStatusCode(403);
    context.json(new JsonObject().put("outcome", "REFUSED"));
  }
}
