// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A server that sends more than one answer: behind an answer it sends, in the same write, another
 * answer or other data. Only the first answer is used, for its own call.
 */
@ExtendWith(VertxExtension.class)
class SecondAnswerIT {
  private static final int CALLS = 300;
  private static final String GONE =
      FaultServer.response(404, "{\"type\":\"SessionNotFoundException\"}");
  private static final String GARBAGE = "this is no answer\r\n\r\n";

  private final AtomicInteger answers = new AtomicInteger();
  private Vertx vertx;
  private FaultServer server;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** The data behind an answer. */
  enum Excess {
    THE_OPPOSITE_ANSWER,
    THE_SAME_ANSWER,
    NO_ANSWER;

    String behind(String answer) {
      return switch (this) {
        case THE_OPPOSITE_ANSWER -> answer.equals(GONE) ? FaultServer.SUCCESS : GONE;
        case THE_SAME_ANSWER -> answer;
        case NO_ANSWER -> GARBAGE;
      };
    }
  }

  static Stream<Arguments> cases() {
    return Stream.of(Excess.values())
        .flatMap(excess -> Stream.of(1, 5).map(every -> new Object[] {excess, every}))
        .flatMap(c -> Stream.of(false, true).map(overBus -> Arguments.of(c[0], c[1], overBus)));
  }

  /**
   * Starts a server, and returns a client that has one connection to it.
   *
   * @param every the excess follows one of so many answers; the connections of the others are used
   *     again
   */
  private OtpResendClient client(Excess excess, int every, boolean overBus) {
    server =
        FaultServer.onRequest(
            peer -> {
              String answer = peer.head().contains("/gone-") ? GONE : FaultServer.SUCCESS;
              boolean isClean = answers.incrementAndGet() % every != 0;
              peer.write(isClean ? answer : answer + excess.behind(answer));
            });
    OtpResendOptions options =
        server
            .options()
            .setMaxConnections(1)
            .setMaxPending(CALLS)
            // the last of the simultaneous calls waits for all others
            .setTimeout(Duration.ofSeconds(60))
            .setConnectTimeout(Duration.ofSeconds(60));
    OtpResendClient client = OtpResendClient.create(vertx, options);
    if (!overBus) {
      return client;
    }
    await(EventBusAdapter.register(vertx, options.getAddress(), client));
    return OtpResendClient.overEventBus(vertx, options);
  }

  private static String id(int call) {
    return (call % 2 == 0 ? "ok-" : "gone-") + call;
  }

  private static void assertOwnOutcome(int call, Future<ResendResponse> outcome) {
    if (call % 2 == 0) {
      assertTrue(await(outcome).success());
    } else {
      assertEquals(ResendFailure.SESSION_NOT_FOUND, failureOf(outcome).failure());
    }
  }

  private void assertEachIdWasSentOnce() {
    List<String> expected = IntStream.range(0, CALLS).mapToObj(SecondAnswerIT::id).toList();
    List<String> sent = server.requests().stream().map(head -> head.split("/")[2]).toList();
    assertEquals(expected, sent);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void each_of_many_calls_one_after_the_other_has_its_own_outcome(
      Excess excess, int every, boolean overBus) {
    OtpResendClient client = client(excess, every, overBus);
    for (int call = 0; call < CALLS; call++) {
      assertOwnOutcome(call, client.resend(id(call)));
    }
    assertEachIdWasSentOnce();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void each_of_many_calls_at_once_has_its_own_outcome(Excess excess, int every, boolean overBus) {
    OtpResendClient client = client(excess, every, overBus);
    List<Future<ResendResponse>> outcomes = new ArrayList<>();
    for (int call = 0; call < CALLS; call++) {
      outcomes.add(client.resend(id(call)));
    }
    for (int call = 0; call < CALLS; call++) {
      assertOwnOutcome(call, outcomes.get(call));
    }
    assertEachIdWasSentOnce();
  }
}
