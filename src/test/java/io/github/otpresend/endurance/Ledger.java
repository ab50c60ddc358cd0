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
 * The outcome of each numbered call, to be compared with what the server did and received. Its size
 * does not depend on the number of recorded outcomes.
 */
final class Ledger {
  private static final ResendFailure[] FAILURES = ResendFailure.values();
  private static final int SUCCESS = FAILURES.length;
  private static final int MAYBE_SENT = 1 << 8;

  private final RandomFaults server;
  private final AtomicIntegerArray timesTold;
  private final AtomicIntegerArray told;

  Ledger(RandomFaults server, int calls) {
    this.server = server;
    timesTold = new AtomicIntegerArray(calls);
    told = new AtomicIntegerArray(calls);
  }

  /** Records an outcome of a call. */
  void await(int call, Future<ResendResponse> outcome, Runnable then) {
    outcome.onComplete(
        (response, failure) -> {
          told.set(call, failure == null ? SUCCESS : codeOf(failure));
          timesTold.incrementAndGet(call);
          then.run();
        });
  }

  private static int codeOf(Throwable failure) {
    return failure instanceof ResendException e
        ? e.failure().ordinal() | (e.maybeSent() ? MAYBE_SENT : 0)
        : SUCCESS + 1; // no call may fail so
  }

  /** Checks the calls in a range, and counts their outcomes by kind. */
  Map<String, Integer> check(int from, int to) {
    Map<String, Integer> outcomes = new TreeMap<>();
    for (int call = from; call < to; call++) {
      outcomes.merge(check(call), 1, Integer::sum);
    }
    assertEquals(0, server.tokensUsedTwice(), "calls sent again with the rejected token");
    return outcomes;
  }

  private String check(int call) {
    int code = told.get(call) & ~MAYBE_SENT;
    boolean maybeSent = (told.get(call) & MAYBE_SENT) != 0;
    int seen = server.timesSeen(call);
    int refusals = server.faultOf(call).isUnauthorizedFirst() ? 1 : 0;
    ResendFailure expected = server.outcomeOf(call);
    @Nullable ResendFailure failure = code < SUCCESS ? FAILURES[code] : null;
    String what =
        "call %d, fault %s, told %s, maybe sent %s, seen %d times"
            .formatted(
                call, server.faultOf(call), code == SUCCESS ? "success" : failure, maybeSent, seen);

    assertEquals(1, timesTold.get(call), what);
    assertTrue(code <= SUCCESS, what);
    // a second request only after a 401
    assertTrue(seen <= 1 + refusals, what);
    boolean isJustInTime =
        code == SUCCESS && server.faultOf(call) == RandomFaults.Fault.AT_THE_DEADLINE;
    boolean isAnswer = !neverGotThere(failure) && !isBroken(failure);
    if (isAnswer) {
      // an outcome of this call that the server caused
      assertEquals(isJustInTime ? null : expected, failure, what);
      assertEquals(1 + refusals, seen, what);
    } else if (!maybeSent) {
      // a call that never arrived and would have been refused
      assertTrue(seen <= refusals, what);
    }
    return failure == null
        ? "SUCCESS"
        : failure == expected ? failure.name() : failure + " by accident";
  }

  /** A call whose deadline passes before its first step also fails so. */
  private static boolean neverGotThere(@Nullable ResendFailure failure) {
    return failure == ResendFailure.CONNECTION_FAILED || failure == ResendFailure.TOKEN_UNAVAILABLE;
  }

  private static boolean isBroken(@Nullable ResendFailure failure) {
    return failure == ResendFailure.CONNECTION_LOST
        || failure == ResendFailure.INVALID_RESPONSE
        || failure == ResendFailure.TIMEOUT;
  }
}
