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

  /** How often the channel has yet to fail; negative if it does not. */
  private int failuresLeft = -1;

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
   * Makes this a session for which a code, such as the first one, has just gone out: resends are
   * refused until the cooldown is over. That is how the service treats a new request.
   *
   * @return this session
   */
  public SandboxSession justSent() {
    return inState(SessionState.RESTART_COOLDOWN_ACTIVE);
  }

  /**
   * Has the channel fail some times. Each time a resend is refused as {@link
   * SessionState#RESEND_CHANNEL}, and the next one succeeds: it restarts the channel, or launches
   * the next one, and no answer to a resend tells which. After the last failure no channel is left:
   * {@link SessionState#NO_AVAILABLE_CHANNELS}. How often the service restarts a channel is not
   * documented. No cooldown applies meanwhile.
   *
   * @param times one or more
   * @return this session
   */
  public synchronized SandboxSession channelsFail(int times) {
    if (times < 1) {
      throw new IllegalArgumentException("times is " + times + "; allowed is one or more");
    }
    inState(SessionState.RESEND_CHANNEL);
    failuresLeft = times;
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
    failuresLeft = -1;
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
      state = afterCode();
      since = clock.instant();
    } else if (answer == SessionState.RESEND_CHANNEL) {
      state = SessionState.OPEN;
    }
    return answer;
  }

  private SessionState afterCode() {
    if (failuresLeft < 0) {
      return SessionState.RESTART_COOLDOWN_ACTIVE;
    }
    failuresLeft--;
    return failuresLeft > 0 ? SessionState.RESEND_CHANNEL : SessionState.NO_AVAILABLE_CHANNELS;
  }

  private static Duration notNegative(String name, Duration value) {
    if (value.isNegative()) {
      throw new IllegalArgumentException(name + " is " + value + "; allowed is zero or more");
    }
    return value;
  }
}
