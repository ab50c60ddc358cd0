// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;

/**
 * Calls at the time at which the server closes idle connections. It closes them as good servers do:
 * it sends a FIN, and still reads data that was on its way, but does not serve it.
 */
@ExtendWith(VertxExtension.class)
class StaleRaceIT {
  private static final int CALLS = 500;
  private static final int MOST_CALLS = 50_000;

  private final Map<String, String> outcomes = new ConcurrentHashMap<>();
  private final AtomicInteger started = new AtomicInteger();
  private final AtomicInteger lost = new AtomicInteger();
  private final AtomicInteger tooLate = new AtomicInteger();
  private Vertx vertx;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
  }

  @Test
  @Execution(CONCURRENT)
  void with_the_defaults_no_call_is_lost_to_a_server_that_closes_after_5_s() {
    try (FaultServer server = server(Duration.ofSeconds(5))) {
      // each client makes a call, is idle, and makes another call
      run(server, CALLS, new OtpResendOptions(), 3_500, 5_500, () -> started.get() >= 2 * CALLS);
      System.out.println("stale race, defaults: " + summary(server));
      assertEquals(0, tooLate.get());
      assertEquals(outcomes.size(), successes());
    }
  }

  @Test
  void
      a_connection_kept_longer_than_the_server_keeps_it_may_cost_a_call_but_never_sends_it_twice() {
    try (FaultServer server = server(Duration.ofMillis(300))) {
      run(
          server,
          100,
          new OtpResendOptions().setKeepAliveTimeout(Duration.ofSeconds(10)),
          298,
          303,
          () -> started.get() >= CALLS && lost.get() > 0 || started.get() >= MOST_CALLS);
      System.out.println("stale race, kept too long: " + summary(server));
      assertTrue(lost.get() > 0, "no race in " + started + " calls");
      assertEquals(outcomes.size(), successes() + lost.get());
    }
  }

  private FaultServer server(Duration idleLimit) {
    return FaultServer.onConnection(
        peer -> {
          peer.limitIdleTo(idleLimit);
          try {
            while (peer.readRequest()) {
              peer.write(FaultServer.SUCCESS);
            }
          } catch (SocketTimeoutException idle) {
            peer.finish();
            peer.limitIdleTo(Duration.ZERO);
            while (peer.readRequest()) {
              tooLate.incrementAndGet();
            }
          }
        });
  }

  /**
   * Runs many clients with one connection each, whose calls have such pauses, and checks the
   * outcomes.
   */
  private void run(
      FaultServer server,
      int clientCount,
      OtpResendOptions options,
      int shortestGap,
      int longestGap,
      BooleanSupplier enough) {
    options.setBaseUrl(server.baseUrl()).setToken("secret-token").setMaxConnections(1);
    AtomicInteger lanes = new AtomicInteger(clientCount);
    List<OtpResendClient> clients = new ArrayList<>();
    for (int i = 0; i < clientCount; i++) {
      OtpResendClient client = OtpResendClient.create(vertx, options);
      clients.add(client);
      new Object() {
        void next() {
          if (enough.getAsBoolean()) {
            lanes.decrementAndGet();
            return;
          }
          String id = "id-" + started.getAndIncrement();
          client
              .resend(id)
              .onComplete(
                  (response, failure) -> {
                    outcomes.merge(
                        id, failure == null ? "success" : outcome(failure), (a, b) -> a + b);
                    vertx.setTimer(
                        ThreadLocalRandom.current().nextInt(shortestGap, longestGap + 1),
                        timer -> next());
                  });
        }
      }.next();
    }
    while (lanes.get() > 0) {
      int before = outcomes.size();
      eventually("another call has ended", () -> outcomes.size() > before || lanes.get() == 0);
    }
    clients.forEach(client -> await(client.close()));
    server.awaitDisconnected();

    Map<String, Integer> seen = new TreeMap<>();
    for (String head : server.requests()) {
      seen.merge(head.substring("POST /api/".length(), head.indexOf("/resend")), 1, Integer::sum);
    }
    assertEquals(started.get(), outcomes.size());
    outcomes.forEach(
        (id, outcome) -> {
          int times = seen.getOrDefault(id, 0);
          assertTrue(times <= 1, id + " was sent " + times + " times");
          assertEquals(outcome.equals("success") ? 1 : times, times, id + " " + outcome);
          assertTrue(!outcome.equals("not sent") || times == 0, id + " was sent");
        });
  }

  private String outcome(Throwable failure) {
    ResendException e = ResendException.from(failure);
    if (e.failure() == ResendFailure.CONNECTION_LOST) {
      lost.incrementAndGet();
    }
    return e.maybeSent() ? "maybe sent" : "not sent";
  }

  private int successes() {
    return (int) outcomes.values().stream().filter("success"::equals).count();
  }

  private String summary(FaultServer server) {
    return "%d calls, %d successes, %d lost, %d of them read by the server, %d connections"
        .formatted(outcomes.size(), successes(), lost.get(), tooLate.get(), server.connections());
  }
}
