// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.call;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.internal.Outcome;
import io.github.otpresend.internal.Setting;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientConnection;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.internal.http.HttpClientInternal;
import io.vertx.ext.web.client.WebClient;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.junit5.VertxExtension;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What the library and the Web Client need of each other, and what a connection needs of both. */
@ExtendWith(VertxExtension.class)
class TransportTest {
  /** The methods of the HTTP client that the Web Client calls. */
  /** Those of the four methods that this version of Vert.x has: {@code config} is new in 5.2. */
  private static final Set<String> CALLED =
      Arrays.stream(HttpClientInternal.class.getMethods())
          .map(Method::getName)
          .filter(Set.of("config", "options", "request", "vertx")::contains)
          .collect(Collectors.toCollection(TreeSet::new));

  private FaultServer server;
  private ContextInternal home;
  private Transport transport;

  @BeforeEach
  void start(Vertx vertx) {
    server =
        FaultServer.onRequest(
            peer ->
                peer.write(
                    peer.head().startsWith("POST /302 ")
                        ? FaultServer.response(302, "Connection: close", "")
                        : FaultServer.SUCCESS));
    home = ((VertxInternal) vertx).createEventLoopContext();
    transport =
        call(
            home,
            () -> new Transport(home, server.options(), Setting.url("baseUrl", server.baseUrl())));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void the_web_client_calls_four_methods_of_the_http_client() {
    Set<String> called = new ConcurrentSkipListSet<>();
    HttpClientInternal seam = transport.seam();
    HttpClientConnection connection = await(connect()).connection();
    HttpClientInternal recorder =
        (HttpClientInternal)
            Proxy.newProxyInstance(
                HttpClientInternal.class.getClassLoader(),
                new Class<?>[] {HttpClientInternal.class},
                (proxy, method, arguments) -> {
                  called.add(method.getName());
                  if (method.getName().equals("request")) {
                    assertTrue(arguments.length == 1 && arguments[0] instanceof RequestOptions);
                    return connection.request((RequestOptions) arguments[0]);
                  }
                  return method.invoke(seam, arguments);
                });
    WebClient client = WebClient.wrap(recorder, new WebClientOptions());
    for (int status : new int[] {201}) {
      assertEquals(
          status,
          await(
                  call(
                      home,
                      () ->
                          client
                              .request(HttpMethod.POST, server.port(), "localhost", "/" + status)
                              .send()))
              .statusCode());
    }
    assertEquals(CALLED, called);
  }

  @Test
  void every_other_method_of_the_http_client_throws() {
    HttpClientInternal seam = transport.seam();
    for (Method method : HttpClientInternal.class.getMethods()) {
      if (CALLED.contains(method.getName())
          || java.lang.reflect.Modifier.isStatic(method.getModifiers())) {
        continue;
      }
      Object[] arguments =
          Arrays.stream(method.getParameterTypes()).map(TransportTest::zero).toArray();
      Throwable thrown =
          assertThrows(
                  java.lang.reflect.InvocationTargetException.class,
                  () -> method.invoke(seam, arguments),
                  method::toString)
              .getCause();
      assertEquals(UnsupportedOperationException.class, thrown.getClass());
      assertTrue(thrown.getMessage().contains(method.getName()), thrown.getMessage());
    }
    assertThrows(UnsupportedOperationException.class, seam::hashCode);
    assertEquals(home.owner(), seam.vertx());
  }

  private static Object zero(Class<?> type) {
    return type == boolean.class
        ? false
        : type == int.class ? (Object) 0 : type == long.class ? 0L : null;
  }

  // ---- the one turn between an answer and the return of its connection

  @Test
  void a_request_in_the_turn_of_an_answer_would_wait_inside_the_connection() {
    Promise<Boolean> begunAtOnce = Promise.promise();
    connect()
        .onSuccess(
            link ->
                transport
                    .send(home, link, "id", "token", new BoundedBody(link, 1_000))
                    .onSuccess(answer -> begunAtOnce.complete(isBegunAtOnce(link))));
    assertFalse(await(begunAtOnce.future()), "then the one turn is no longer needed");
  }

  @Test
  void an_exchange_gives_its_connection_back_when_the_next_request_can_begin_at_once() {
    List<Outcome> outcomes = new CopyOnWriteArrayList<>();
    Promise<Boolean> begunAtOnce = Promise.promise();
    home.runOnContext(
        v -> {
          Pool pool = new Pool(home, transport, server.options().setMaxConnections(1));
          pool.take(
              new Waiter() {
                @Override
                public void connected(Link link) {
                  new Exchange(transport, pool, link, 1_000, "token", outcomes::add)
                      .send(home, "id");
                  pool.take(
                      new Waiter() {
                        @Override
                        public void connected(Link same) {
                          assertEquals(link, same);
                          assertEquals(List.of(), outcomes, "the outcome comes last");
                          begunAtOnce.complete(isBegunAtOnce(same));
                        }
                      });
                }
              });
        });
    assertTrue(await(begunAtOnce.future()));
    eventually("the exchange has ended", () -> outcomes.size() == 1);
    assertTrue(outcomes.get(0).maybeSent());
  }

  @Test
  void an_exchange_that_is_abandoned_in_the_turn_after_its_answer_ends_with_the_answer_once() {
    List<Outcome> outcomes = new CopyOnWriteArrayList<>();
    Promise<Void> later = Promise.promise();
    home.runOnContext(
        v -> {
          Pool pool = new Pool(home, transport, server.options());
          pool.take(
              new Waiter() {
                @Override
                public void connected(Link link) {
                  Exchange exchange =
                      new Exchange(transport, pool, link, 1_000, "token", outcomes::add);
                  exchange.send(home, "id");
                  abandonOnceReceived(exchange);
                }

                /** Abandons it after each turn, so also between the answer and the next turn. */
                private void abandonOnceReceived(Exchange exchange) {
                  if (server.requests().isEmpty() || exchange.outcome == null) {
                    home.runOnContext(again -> abandonOnceReceived(exchange));
                  } else {
                    exchange.abandon();
                    home.runOnContext(next -> home.runOnContext(last -> later.complete()));
                  }
                }
              });
        });
    await(later.future());
    assertEquals(1, outcomes.size());
    assertTrue(outcomes.get(0).response() != null, outcomes::toString);
  }

  private abstract static class Waiter implements Pool.Waiter {
    @Override
    public void notConnected(Throwable cause) {
      throw new AssertionError(cause);
    }
  }

  private Future<Link> connect() {
    // of the event loop, so that what follows runs there even if it is added after the connection
    Promise<HttpClientConnection> made = home.promise();
    home.runOnContext(v -> transport.connect().onComplete(made));
    return made.future().map(connection -> new Link(connection, 1_000_000_000L, null, ended -> {}));
  }

  private static boolean isBegunAtOnce(Link link) {
    Future<HttpClientRequest> next = link.connection().request(new RequestOptions());
    return next.isComplete();
  }
}
