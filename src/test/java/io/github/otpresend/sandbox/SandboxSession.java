// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.sandbox;

import com.github.tomakehurst.wiremock.http.Fault;
import com.github.tomakehurst.wiremock.http.ResponseDefinition;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/**
 * One authentication request of an {@link OtpSandbox}. Its settings may be changed at any time,
 * from any thread; they hold from the next resend on.
 */
public final class SandboxSession {
  /** The cooldown of a session that sets none: 60 s. The service does not document its own. */
  public static final Duration DEFAULT_COOLDOWN = Duration.ofSeconds(60);

  private final Clock clock;
  private SessionState state = SessionState.OPEN;
  private Instant since;
  private Duration cooldown = DEFAULT_COOLDOWN;
  private Duration delay = Duration.ZERO;
  private Fault fault;
  private int resends;

  SandboxSession(Clock clock) {
    this.clock = clock;
    since = clock.instant();
  }

  /**
   * Sets for how long resends are refused after one that succeeded. A cooldown that is running is
   * as long as the new one, too.
   *
   * @param cooldown zero or more; the default is {@link #DEFAULT_COOLDOWN}
   * @return this session
   */
  public synchronized SandboxSession withCooldown(Duration cooldown) {
    this.cooldown = notNegative("cooldown", cooldown);
    return this;
  }

  /**
   * Puts this session into a state. What was before no longer matters: {@link SessionState#OPEN}
   * ends a cooldown, {@link SessionState#RESTART_COOLDOWN_ACTIVE} begins a new one.
   *
   * @param state what a resend is answered with
   * @return this session
   */
  public synchronized SandboxSession inState(SessionState state) {
    this.state = state;
    since = clock.instant();
    return this;
  }

  /**
   * Sets how long every answer is held back. The code goes out at once: only the answer is late.
   *
   * @param delay zero or more, in whole milliseconds; the default is zero
   * @return this session
   */
  public synchronized SandboxSession delay(Duration delay) {
    this.delay = notNegative("delay", delay);
    return this;
  }

  /**
   * Breaks the connection in place of every answer. The resend itself is done as ever: where it
   * succeeds the code goes out and is counted, and only the caller does not learn of it.
   *
   * @param fault how the connection breaks; null, the default, for whole answers
   * @return this session
   */
  public synchronized SandboxSession fault(Fault fault) {
    this.fault = fault;
    return this;
  }

  synchronized int resends() {
    return resends;
  }

  synchronized ResponseDefinition resend() {
    return resendNow()
        .response()
        .withFixedDelay(Math.toIntExact(delay.toMillis()))
        .withFault(fault)
        .build();
  }

  private SessionState resendNow() {
    if (state == SessionState.RESTART_COOLDOWN_ACTIVE
        && Duration.between(since, clock.instant()).compareTo(cooldown) >= 0) {
      state = SessionState.OPEN;
    }
    SessionState answer = state;
    if (answer == SessionState.OPEN) {
      resends++;
      inState(SessionState.RESTART_COOLDOWN_ACTIVE);
    } else if (answer == SessionState.RESEND_CHANNEL) {
      inState(SessionState.OPEN);
    }
    return answer;
  }

  private static Duration notNegative(String name, Duration value) {
    if (value.isNegative()) {
      throw new IllegalArgumentException(name + " is " + value + "; allowed is zero or more");
    }
    return value;
  }
}
