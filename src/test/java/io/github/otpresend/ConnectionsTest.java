// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.VertxInternal;
import io.vertx.ext.web.client.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ConnectionsTest {
  private final CountDownLatch answer = new CountDownLatch(1);
  private Vertx vertx;
  private FaultServer server;
  private DeadlineQueue deadlines;
  private Connections connections;

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
    server =
        FaultServer.onRequest(
            peer -> {
              peer.await(answer);
              peer.write(FaultServer.SUCCESS);
            });
    deadlines =
        new DeadlineQueue(((VertxInternal) vertx).createEventLoopContext(), Duration.ofMillis(500));
    connections =
        new Connections(vertx, new OtpResendOptions().setBaseUrl(server.baseUrl()), deadlines);
  }

  @AfterEach
  void stop() {
    await(vertx.close());
    server.close();
  }

  private Future<HttpResponse<Buffer>> request(Connections.Pool pool) {
    return pool.post("/api/id/resend").send();
  }

  @Test
  void a_pool_that_is_replaced_serves_the_calls_it_has_and_is_closed_by_their_deadline() {
    Connections.Pool lost = connections.pool();
    Future<HttpResponse<Buffer>> call = request(lost);
    eventually("it is sent", () -> server.requests().size() == 1);

    connections.replace(lost);

    assertNotEquals(lost, connections.pool());
    answer.countDown();
    assertEquals(201, await(call).statusCode());
    assertEquals(201, await(request(connections.pool())).statusCode());
    assertEquals(2, server.connections());
    eventually("one connection is closed", () -> server.openConnections() == 1);
    assertEquals(201, await(request(connections.pool())).statusCode());
    assertEquals(2, server.connections());
  }

  @Test
  void a_pool_is_replaced_once_however_many_calls_find_out() {
    Connections.Pool lost = connections.pool();
    connections.replace(lost);
    Connections.Pool next = connections.pool();
    connections.replace(lost);
    assertEquals(next, connections.pool());
  }

  @Test
  void all_pools_are_closed_whatever_their_deadline() {
    answer.countDown();
    Connections.Pool lost = connections.pool();
    await(request(lost));
    connections.replace(lost);
    await(request(connections.pool()));
    deadlines.close();

    await(connections.close());

    eventually("no connection is left", () -> server.openConnections() == 0);
  }
}
