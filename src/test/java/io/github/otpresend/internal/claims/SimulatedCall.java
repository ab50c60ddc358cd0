// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.Outcome;
import io.github.otpresend.internal.Outcomes;
import io.github.otpresend.internal.claims.Schedule.Answer;
import io.github.otpresend.internal.claims.Schedule.Press;
import io.vertx.core.Future;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** A call, which uses its claim as the library's calls do. */
final class SimulatedCall implements Claims.Asker {
  private enum Stage {
    ASKING,
    WORKING,
    SENT,
    SETTLING,
    ENDED
  }

  final Press press;
  private final int number;
  final SimulatedNode node;
  private final int life;
  final String id;
  private final Simulation simulation;

  /** By the true time, as are all times here. */
  long deadline;

  /** The time of the last request; -1 if nothing was sent. */
  long sentAt = -1;

  @Nullable Outcome outcome;

  /** The number of operations of the store. */
  int operations;

  /** Whether no other call had the same local claim when this one began. */
  boolean isAlone;

  /** What the schedule leaves open for this call. */
  final SplittableRandom random;

  private Claims.@Nullable Claim claim;
  private Stage stage = Stage.ASKING;
  private boolean hadUnauthorized;

  SimulatedCall(Simulation simulation, SimulatedNode node, Press press, int number, long seed) {
    this.simulation = simulation;
    this.node = node;
    this.press = press;
    this.number = number;
    life = node.life();
    random = new SplittableRandom(seed + press.at() + press.node());
    id = "ABC".substring(press.id(), press.id() + 1);
  }

  void begin() {
    long timeout = node.settings.timeout().toNanos();
    deadline = simulation.now() + timeout;
    node.after(timeout / Schedule.MILLI, this::expire);
    claim = node.claims(random.nextInt(2)).claim(id);
    claim.ask(node.now() + timeout, this);
  }

  private Claims.Claim claim() {
    return Objects.requireNonNull(claim);
  }

  @Override
  public void claimed(@Nullable Outcome refusal) {
    if (refusal != null) {
      end(refusal);
    } else {
      stage = Stage.WORKING;
      simulation.at(simulation.now() + press.work(), node.guarded(this::send));
    }
  }

  private void send() {
    if (stage != Stage.WORKING) {
      return;
    } else if (deadline <= simulation.now()) {
      end(failed(ResendFailure.CONNECTION_FAILED));
      return;
    }
    stage = Stage.SENT;
    claim().sending();
    simulation.sends(this);
    sentAt = simulation.now();
    if (press.answer() != Answer.NONE) {
      simulation.at(sentAt + press.answerAfter(), node.guarded(this::receive));
    }
  }

  private void receive() {
    if (stage != Stage.SENT) {
      return;
    }
    if (simulation.bug == Bug.COOLDOWN_FROM_ANSWER) {
      claim().sending();
    }
    switch (press.answer()) {
      case REFUSED -> end(failed(ResendFailure.SESSION_NOT_FOUND));
      case CONNECTION_LOST -> end(failed(ResendFailure.CONNECTION_LOST));
      case UNAUTHORIZED -> {
        if (hadUnauthorized) {
          end(Outcome.of(new ResendResponse(true)));
        } else {
          hadUnauthorized = true;
          stage = Stage.WORKING;
          simulation.at(simulation.now() + press.work(), node.guarded(this::send));
        }
      }
      default -> end(Outcome.of(new ResendResponse(true)));
    }
  }

  private static Outcome failed(ResendFailure kind) {
    return Outcome.of(new ResendException(kind, "simulated"));
  }

  private void expire() {
    switch (stage) {
      case ASKING -> {
        claim().abandon();
        end(Outcome.of(claim().late()));
      }
      case WORKING -> end(failed(ResendFailure.CONNECTION_FAILED));
      case SENT -> end(Outcome.of(Failures.timedOut(node.settings.timeout())));
      default -> {}
    }
    if (stage == Stage.SETTLING) {
      leave(Objects.requireNonNull(outcome));
    }
  }

  private void end(Outcome decided) {
    Outcome ended = claim().decide(decided);
    outcome = ended;
    stage = Stage.SETTLING;
    Future<Void> settled = claim().settle(ended);
    if (settled.isComplete()) {
      leave(ended);
    } else {
      settled.onComplete(
          done -> {
            if (stage == Stage.SETTLING) {
              leave(ended);
            }
          });
    }
  }

  private void leave(Outcome ended) {
    stage = Stage.ENDED;
    claim().free();
    simulation.ended(this, ended);
    claim().complete(ended);
  }

  boolean hasEnded() {
    return stage == Stage.ENDED;
  }

  /** Returns whether its node has not died. */
  boolean isAlive() {
    return life == node.life();
  }

  /** Returns whether another call has the same local claim. */
  boolean isWith(SimulatedCall other) {
    return other != this && other.node == node && other.life == life && other.id.equals(id);
  }

  @Override
  public String toString() {
    return "call " + number;
  }

  /** Returns the time until which no other call may send for the same request id. */
  long excludesUntil() {
    long cooldown = sentAt + node.settings.cooldown().toNanos();
    if (outcome == null) {
      return Math.max(deadline, cooldown);
    }
    if (!outcome.maybeSent()) {
      return 0;
    }
    ResendException failure = outcome.failure();
    boolean isUnanswered = failure != null && Outcomes.keepsHold(failure.failure());
    return isUnanswered ? Math.max(deadline, cooldown) : cooldown;
  }
}
