// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.sandbox;

import com.github.tomakehurst.wiremock.http.Fault;
import com.github.tomakehurst.wiremock.http.ResponseDefinition;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/**
 * An authentication request of an {@link OtpSandbox}. Its settings may be changed at any time, from
 * any thread. They apply from the next resend.
 */
public final class SandboxSession {
  /**
   * The default cooldown: 60 s. It is assumed, since the service does not document its cooldown.
   */
  public static final Duration DEFAULT_COOLDOWN = Duration.ofSeconds(60);

  private final Clock clock;
  private SessionState state = SessionState.OPEN;
  private Instant since;
  private Duration cooldown = DEFAULT_COOLDOWN;
  private Duration delay = Duration.ZERO;
  private Fault fault;

  /** How often the channel will still fail; negative if it does not fail. */
  private int failuresLeft = -1;

  private int resends;

  SandboxSession(Clock clock) {
    this.clock = clock;
    since = clock.instant();
  }

  /**
   * Sets how long resends are refused after a resend that succeeded. It also changes a cooldown
   * that has begun.
   *
   * @param cooldown zero or more; the default is {@link #DEFAULT_COOLDOWN}
   * @return this session
   */
  public synchronized SandboxSession withCooldown(Duration cooldown) {
    this.cooldown = notNegative("cooldown", cooldown);
    return this;
  }

  /**
   * Begins a cooldown, as if a code was just sent. The service does so for a new authentication
   * request.
   *
   * @return this session
   */
  public SandboxSession justSent() {
    return inState(SessionState.RESTART_COOLDOWN_ACTIVE);
  }

  /**
   * Makes the channel fail. For each failure, a resend is refused as {@link
   * SessionState#RESEND_CHANNEL}, and the next resend succeeds: it restarts the channel or uses the
   * next channel, which no answer distinguishes. After the last failure there is no channel left:
   * {@link SessionState#NO_AVAILABLE_CHANNELS}. No cooldown applies meanwhile. The service does not
   * document how often it restarts a channel, so the number is assumed.
   *
   * @param times how often the channel fails; at least one
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
   * Sets the state of this session. {@link SessionState#OPEN} ends a cooldown, and {@link
   * SessionState#RESTART_COOLDOWN_ACTIVE} begins a cooldown.
   *
   * @param state how a resend is answered
   * @return this session
   */
  public synchronized SandboxSession inState(SessionState state) {
    this.state = state;
    since = clock.instant();
    failuresLeft = -1;
    return this;
  }

  /**
   * Sets the delay of every answer. A code is still counted at once; only the answer is late.
   *
   * @param delay zero or more, in whole milliseconds; the default is zero
   * @return this session
   */
  public synchronized SandboxSession delay(Duration delay) {
    this.delay = notNegative("delay", delay);
    return this;
  }

  /**
   * Breaks the connection instead of sending an answer. The resend is still done: if it succeeds,
   * the code is counted, and only the answer is lost.
   *
   * @param fault how the connection breaks; null, which is the default, for complete answers
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
