// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.internal.Failures;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** The failed attempts of one call to get a connection. Nothing was sent in any of them. */
final class ConnectAttempts {
  private static final long FIRST_PAUSE_MILLIS = 50;
  private static final long LONGEST_PAUSE_MILLIS = 1_000;

  private final String service;
  private final int maxAttempts;
  private int count;
  private @Nullable Throwable last;

  /**
   * @param service the host and port of the service
   */
  ConnectAttempts(String service, int maxAttempts) {
    this.service = service;
    this.maxAttempts = maxAttempts;
  }

  void failed(Throwable cause) {
    count++;
    last = cause;
  }

  /** Returns how long to wait before the next attempt; 0 if there is no other attempt in time. */
  long pauseMillis(long millisToDeadline) {
    long longest = Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS << Math.min(count - 1, 10));
    long pause = ThreadLocalRandom.current().nextLong(longest / 2, longest + 1);
    return count < maxAttempts && pause < millisToDeadline ? pause : 0;
  }

  /** Returns the outcome of a call that got no connection. */
  ResendException failure() {
    String message =
        "No connection to " + service + (count > 1 ? " in " + count + " attempts" : "");
    return Failures.of(ResendFailure.CONNECTION_FAILED, message, last);
  }
}
