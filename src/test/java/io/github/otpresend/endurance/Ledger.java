// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.vertx.core.Future;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/**
 * A record of the outcome of each numbered call. It compares the outcomes with the faults of the
 * server and the requests that the server received. Its size is fixed, so that it does not
 * influence the measurement of the heap.
 */
final class Ledger {
  private static final ResendFailure[] FAILURES = ResendFailure.values();
  private static final int SUCCESS = FAILURES.length;
  private static final int MAYBE_SENT = 1 << 8;

  private final RandomFaults server;
  private final AtomicIntegerArray outcomeCounts;
  private final AtomicIntegerArray outcomeCodes;

  Ledger(RandomFaults server, int calls) {
    this.server = server;
    outcomeCounts = new AtomicIntegerArray(calls);
    outcomeCodes = new AtomicIntegerArray(calls);
  }

  /** Records the outcome of a call each time that it completes, and then runs the next task. */
  void recordOutcome(int call, Future<ResendResponse> outcome, Runnable next) {
    outcome.onComplete(
        (response, failure) -> {
          outcomeCodes.set(call, failure == null ? SUCCESS : codeOf(failure));
          outcomeCounts.incrementAndGet(call);
          next.run();
        });
  }

  private static int codeOf(Throwable failure) {
    return failure instanceof ResendException e
        ? e.failure().ordinal() | (e.maybeSent() ? MAYBE_SENT : 0)
        : SUCCESS + 1; // no call may fail with another type
  }

  /** Checks the calls in a range of numbers, and returns the number of calls by outcome. */
  Map<String, Integer> check(int from, int to) {
    Map<String, Integer> outcomes = new TreeMap<>();
    for (int call = from; call < to; call++) {
      outcomes.merge(check(call), 1, Integer::sum);
    }
    assertEquals(0, server.tokensUsedTwice(), "calls sent again with the rejected token");
    return outcomes;
  }

  private String check(int call) {
    int code = outcomeCodes.get(call) & ~MAYBE_SENT;
    boolean maybeSent = (outcomeCodes.get(call) & MAYBE_SENT) != 0;
    int received = server.timesReceived(call);
    int rejections = server.faultOf(call).startsWithUnauthorized() ? 1 : 0;
    ResendFailure expected = server.outcomeOf(call);
    @Nullable ResendFailure failure = code < SUCCESS ? FAILURES[code] : null;
    String what =
        "call %d, fault %s, outcome %s, maybe sent %s, received %d times"
            .formatted(
                call,
                server.faultOf(call),
                code == SUCCESS ? "success" : failure,
                maybeSent,
                received);

    assertEquals(1, outcomeCounts.get(call), what);
    assertTrue(code <= SUCCESS, what);
    // a request is sent again only after a 401
    assertTrue(received <= 1 + rejections, what);
    boolean isJustInTime =
        code == SUCCESS && server.faultOf(call) == RandomFaults.Fault.AT_THE_DEADLINE;
    boolean isAnswer = !failedBeforeSending(failure) && !isWithoutValidAnswer(failure);
    if (isAnswer) {
      // the outcome must be the answer of the server to this call
      assertEquals(isJustInTime ? null : expected, failure, what);
      assertEquals(1 + rejections, received, what);
    } else if (!maybeSent) {
      // the server may have received the request only to reject it with a 401
      assertTrue(received <= rejections, what);
    }
    return failure == null
        ? "SUCCESS"
        : failure == expected ? failure.name() : failure + " (not injected)";
  }

  /**
   * Returns whether the call failed before it was sent. TOKEN_UNAVAILABLE means here that the
   * deadline came before the first step.
   */
  private static boolean failedBeforeSending(@Nullable ResendFailure failure) {
    return failure == ResendFailure.CONNECTION_FAILED || failure == ResendFailure.TOKEN_UNAVAILABLE;
  }

  private static boolean isWithoutValidAnswer(@Nullable ResendFailure failure) {
    return failure == ResendFailure.CONNECTION_LOST
        || failure == ResendFailure.INVALID_RESPONSE
        || failure == ResendFailure.TIMEOUT;
  }
}
