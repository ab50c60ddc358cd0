// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.spi.tracing.SpanKind;
import io.vertx.core.spi.tracing.TagExtractor;
import io.vertx.core.spi.tracing.VertxTracer;
import io.vertx.core.tracing.TracingPolicy;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests share their prepared headers. What one request adds must be in no other request. */
class SharedHeadersTest {
  /** Adds a header to every request that has an odd number. */
  private static final class AddingTracer implements VertxTracer<Object, Object> {
    private final AtomicInteger requests = new AtomicInteger();

    @Override
    public <R> Object sendRequest(
        Context context,
        SpanKind kind,
        TracingPolicy policy,
        R request,
        String operation,
        BiConsumer<String, String> headers,
        TagExtractor<R> tags) {
      int number = requests.getAndIncrement();
      if (number % 2 == 1) {
        headers.accept("x-added", "to " + number);
        headers.accept("accept", "of " + number);
      }
      return number;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void what_a_tracer_adds_to_a_request_is_in_no_other_request(int connections) {
    AddingTracer tracer = new AddingTracer();
    Vertx vertx = Vertx.builder().withTracer(options -> tracer).build();
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendClient client =
          OtpResendClient.create(vertx, server.options().setMaxConnections(connections));
      for (int i = 0; i < 6; i++) {
        await(client.resend("id-" + i));
      }
      List<String> heads =
          server.requests().stream().map(head -> head.toLowerCase(Locale.ROOT)).toList();
      for (int i = 0; i < 6; i++) {
        List<String> added =
            Stream.of(heads.get(i).split("\r\n"))
                .filter(line -> line.startsWith("x-added") || line.startsWith("accept"))
                .sorted()
                .toList();
        assertEquals(
            i % 2 == 1
                ? List.of("accept: application/json", "accept: of " + i, "x-added: to " + i)
                : List.of("accept: application/json"),
            added);
      }
    } finally {
      await(vertx.close());
    }
  }
}
