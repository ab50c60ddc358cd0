// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The pauses between attempts to connect, and the outcome of failed attempts. */
class ConnectAttemptsTest {
  private static final OtpResendOptions OPTIONS =
      new OtpResendOptions().setBaseUrl("https://example.com").setConnectAttempts(20);

  private static ConnectAttempts failed(int times) {
    ConnectAttempts attempts = new ConnectAttempts(OPTIONS);
    for (int i = 1; i <= times; i++) {
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
  void each_pause_is_50_to_100_percent_of_twice_the_last_pause_and_at_most_a_second(
      int failures, long least, long most) {
    ConnectAttempts attempts = failed(failures);
    // 50,000 random draws very probably include each of the at most 501 values
    long[] pauses =
        LongStream.generate(() -> attempts.pauseMillis(Long.MAX_VALUE)).limit(50_000).toArray();
    assertEquals(least, LongStream.of(pauses).min().orElseThrow());
    assertEquals(most, LongStream.of(pauses).max().orElseThrow());
  }

  @Test
  void there_is_no_pause_after_the_last_attempt() {
    assertEquals(0, failed(20).pauseMillis(Long.MAX_VALUE));
  }

  @Test
  void there_is_no_pause_that_reaches_the_deadline() {
    assertEquals(0, failed(1).pauseMillis(25));
    assertTrue(failed(1).pauseMillis(51) > 0);
  }

  @Test
  void the_outcome_has_the_last_failure_as_its_cause_and_suppresses_the_others() {
    ResendException failure = failed(3).failure();
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertEquals("No connection to example.com:443", failure.getMessage());
    assertEquals("attempt 3", failure.getCause().getMessage());
    assertEquals(2, failure.getSuppressed().length);
    assertEquals("attempt 1", failure.getSuppressed()[0].getMessage());
    assertEquals("attempt 2", failure.getSuppressed()[1].getMessage());
  }

  @Test
  void the_outcome_of_a_call_that_made_no_attempt_has_no_cause() {
    ResendException failure = failed(0).failure();
    assertSame(null, failure.getCause());
    assertEquals(0, failure.getSuppressed().length);
  }
}
