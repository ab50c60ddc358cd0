// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the gate does to a request, without a socket. */
class GateStateTest {
  private final MultiMap headers = HttpHeaders.headers();
  private final Gate gate = new Gate(HttpHeaders.headers().add("accept", "application/json"));

  /** What was done to the request and its connection, in order. */
  private final List<String> done = new ArrayList<>();

  private final List<Handler<Throwable>> exceptionHandlers = new ArrayList<>();

  private final HttpConnection connection = recorded(HttpConnection.class, "connection.", null);
  private final HttpClientRequest request = recorded(HttpClientRequest.class, "", connection);

  // how it opens

  @Test
  void a_gate_that_nobody_came_to_was_not_opened() {
    assertFalse(gate.wasOpened());
  }

  @Test
  void a_connection_opens_it_and_sends_the_head() {
    Future<Void> sent = gate.pipe().to(request);
    assertTrue(sent.succeeded());
    assertTrue(gate.wasOpened());
    assertEquals(List.of("setChunked", "sendHead"), done);
    assertEquals("application/json", headers.get("accept"));
  }

  @Test
  void what_breaks_later_is_listened_to_and_told_by_the_outcome_alone() {
    gate.pipe().to(request);
    assertEquals(2, exceptionHandlers.size());
    for (Handler<Throwable> handler : exceptionHandlers) {
      assertNotNull(handler);
      handler.handle(new Exception("expected by this test"));
    }
  }

  // how it refuses

  @Test
  void a_gate_can_be_refused_once() {
    assertTrue(gate.refuse());
    assertFalse(gate.refuse());
  }

  @Test
  void a_refused_gate_was_not_opened() {
    assertFalse(gate.wasRefused());
    gate.refuse();
    assertTrue(gate.wasRefused());
    assertFalse(gate.wasOpened());
  }

  @Test
  void a_connection_that_comes_to_a_refused_gate_sends_nothing_and_is_told_so() {
    gate.refuse();
    Future<Void> sent = gate.pipe().to(request);
    assertTrue(sent.failed());
    assertFalse(gate.wasOpened());
    assertEquals(List.of(), done);
  }

  @Test
  void an_open_gate_is_too_late_to_refuse() {
    gate.pipe().to(request);
    assertFalse(gate.refuse());
    assertTrue(gate.wasOpened());
  }

  // how it ends

  @Test
  void the_end_ends_the_request_and_leaves_its_connection_open() {
    gate.pipe().to(request);
    gate.end();
    assertEquals(List.of("setChunked", "sendHead", "end"), done);
  }

  @Test
  void an_abort_closes_the_connection() {
    gate.pipe().to(request);
    gate.abort();
    assertEquals(List.of("setChunked", "sendHead", "connection.close"), done);
  }

  @Test
  void nothing_happens_after_the_end() {
    gate.pipe().to(request);
    gate.end();
    done.clear();
    gate.abort();
    gate.end();
    assertEquals(List.of(), done);
  }

  @Test
  void nothing_happens_after_an_abort() {
    gate.pipe().to(request);
    gate.abort();
    done.clear();
    gate.end();
    gate.abort();
    assertEquals(List.of(), done);
  }

  @Test
  void a_gate_that_is_over_was_opened_and_cannot_be_refused() {
    gate.pipe().to(request);
    gate.end();
    assertTrue(gate.wasOpened());
    assertFalse(gate.refuse());
  }

  @Test
  void a_gate_that_was_never_opened_has_nothing_to_end_or_abort() {
    gate.end();
    gate.abort();
    assertTrue(gate.refuse());
    gate.end();
    gate.abort();
    assertEquals(List.of(), done);
  }

  // what a stream has to have

  @Test
  void as_a_stream_without_content_it_takes_whatever_is_set() {
    assertSame(gate, gate.handler(buffer -> {}));
    assertSame(gate, gate.endHandler(end -> {}));
    assertSame(gate, gate.exceptionHandler(failure -> {}));
    assertSame(gate, gate.pause());
    assertSame(gate, gate.resume());
    assertSame(gate, gate.fetch(1));
    assertSame(gate, gate.pipe());
    assertSame(gate, gate.endOnFailure(true));
    assertSame(gate, gate.endOnSuccess(true));
    assertSame(gate, gate.endOnComplete(true));
    assertTrue(gate.refuse(), "it still waits");
  }

  @Test
  void closing_it_as_a_pipe_sends_nothing() {
    gate.pipe().to(request);
    gate.close();
    assertEquals(List.of("setChunked", "sendHead"), done);
  }

  @SuppressWarnings("unchecked")
  private <T> T recorded(Class<T> type, String prefix, HttpConnection connection) {
    InvocationHandler handler =
        (proxy, method, args) -> {
          String name = method.getName();
          if (name.equals("connection")) {
            return connection;
          } else if (name.equals("headers")) {
            return headers;
          } else if (name.equals("exceptionHandler")) {
            exceptionHandlers.add((Handler<Throwable>) args[0]);
            return proxy;
          }
          done.add(prefix + name);
          return method.getReturnType() == type ? proxy : Future.succeededFuture();
        };
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }
}
