// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.VertxInternal;
import io.vertx.ext.web.client.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ConnectionsTest {
  private final CountDownLatch answer = new CountDownLatch(1);
  private Vertx vertx;
  private FaultServer server;
  private DeadlineQueue deadlines;
  private Connections connections;
  private final List<String> turns = new ArrayList<>();
  private Connections.@Nullable Pool latest;

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
        new Connections(
            vertx,
            new OtpResendOptions().setBaseUrl(server.baseUrl()).setMaxConnections(2),
            deadlines);
  }

  @AfterEach
  void stop() {
    await(vertx.close());
    server.close();
  }

  private Future<HttpResponse<Buffer>> request(Connections.Pool pool) {
    return pool.post("/api/id/resend").send();
  }

  private Connections.@Nullable Pool enter(String name) {
    return connections.enter(
        granted -> {
          turns.add(name);
          latest = granted;
        });
  }

  /** The one that serves now, none of whose connections is taken. */
  private Connections.Pool pool() {
    Connections.Pool pool = Objects.requireNonNull(connections.enter(granted -> {}));
    connections.leave(pool);
    return pool;
  }

  @Test
  void a_pool_that_is_replaced_serves_the_calls_it_has_and_is_closed_by_their_deadline() {
    Connections.Pool lost = pool();
    Future<HttpResponse<Buffer>> call = request(lost);
    eventually("it is sent", () -> server.requests().size() == 1);

    connections.replace(lost);

    assertNotEquals(lost, pool());
    answer.countDown();
    assertEquals(201, await(call).statusCode());
    assertEquals(201, await(request(pool())).statusCode());
    assertEquals(2, server.connections());
    eventually("one connection is closed", () -> server.openConnections() == 1);
    assertEquals(201, await(request(pool())).statusCode());
    assertEquals(2, server.connections());
  }

  @Test
  void a_pool_is_replaced_once_however_many_calls_find_out() {
    Connections.Pool lost = pool();
    connections.replace(lost);
    Connections.Pool next = pool();
    connections.replace(lost);
    assertEquals(next, pool());
  }

  @Test
  void attempts_wait_for_their_turn_in_the_order_in_which_they_came() {
    Connections.Pool pool = pool();
    assertSame(pool, enter("a"));
    assertSame(pool, enter("b"));
    assertNull(enter("c"));
    assertNull(enter("d"));
    assertEquals(List.of(), turns);

    connections.leave(pool);
    assertEquals(List.of("c"), turns);
    connections.leave(pool);
    assertEquals(List.of("c", "d"), turns);

    connections.leave(pool);
    assertSame(pool, enter("e"));
    assertNull(enter("f"));
  }

  @Test
  void an_attempt_that_is_withdrawn_has_no_turn() {
    Connections.Pool pool = pool();
    enter("a");
    enter("b");
    Connections.Waiter waiter = granted -> turns.add("c");
    assertNull(connections.enter(waiter));
    enter("d");

    assertTrue(connections.withdraw(waiter));
    assertFalse(connections.withdraw(waiter));

    connections.leave(pool);
    assertEquals(List.of("d"), turns);
  }

  @Test
  void a_new_pool_serves_those_that_waited_and_those_of_the_lost_one_make_no_room_in_it() {
    Connections.Pool lost = pool();
    for (String name : List.of("a", "b", "c", "d", "e")) {
      enter(name);
    }

    connections.replace(lost);
    assertEquals(List.of("c", "d"), turns);

    connections.leave(lost);
    assertEquals(List.of("c", "d"), turns);
    connections.leave(Objects.requireNonNull(latest));
    assertEquals(List.of("c", "d", "e"), turns);
  }

  @Test
  void all_pools_are_closed_whatever_their_deadline() {
    answer.countDown();
    Connections.Pool lost = pool();
    await(request(lost));
    connections.replace(lost);
    await(request(pool()));
    deadlines.close();

    await(connections.close());

    server.awaitDisconnected();
  }
}
