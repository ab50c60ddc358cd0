// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The pauses between attempts to connect, and the failure that reports the attempts. */
class ConnectAttemptsTest {
  private static ConnectAttempts failedAttempts(int count) {
    ConnectAttempts attempts = new ConnectAttempts("example.com:443", 20);
    for (int i = 1; i <= count; i++) {
      attempts.failed(new Exception("attempt " + i));
    }
    return attempts;
  }

  @ParameterizedTest
  @CsvSource({
    "1, 25, 50",
    "2, 50, 100",
    "3, 100, 200",
    "5, 400, 800",
    "6, 500, 1000",
    "19, 500, 1000"
  })
  void the_longest_pause_doubles_up_to_a_second_and_the_shortest_is_half_of_it(
      int failures, long shortest, long longest) {
    ConnectAttempts attempts = failedAttempts(failures);
    // with 50,000 draws of at most 501 values, every value is practically certain to occur
    long[] pauses =
        LongStream.generate(() -> attempts.pauseMillis(Long.MAX_VALUE)).limit(50_000).toArray();
    assertEquals(shortest, LongStream.of(pauses).min().orElseThrow());
    assertEquals(longest, LongStream.of(pauses).max().orElseThrow());
  }

  @Test
  void there_is_no_pause_after_the_last_attempt() {
    assertEquals(0, failedAttempts(20).pauseMillis(Long.MAX_VALUE));
  }

  @Test
  void there_is_no_pause_if_it_would_reach_the_deadline() {
    assertEquals(0, failedAttempts(1).pauseMillis(25));
    assertTrue(failedAttempts(1).pauseMillis(51) > 0);
  }

  @Test
  void the_outcome_has_the_number_of_attempts_and_the_last_failure_as_its_cause() {
    ResendException failure = failedAttempts(3).failure();
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertEquals("No connection to example.com:443 in 3 attempts", failure.getMessage());
    assertEquals("attempt 3", failure.getCause().getMessage());
  }

  @Test
  void the_outcome_of_one_attempt_has_no_number() {
    assertEquals("No connection to example.com:443", failedAttempts(1).failure().getMessage());
  }

  @Test
  void the_outcome_of_a_call_that_made_no_attempt_has_no_cause() {
    ResendException failure = failedAttempts(0).failure();
    assertSame(null, failure.getCause());
    assertEquals("No connection to example.com:443", failure.getMessage());
  }
}
