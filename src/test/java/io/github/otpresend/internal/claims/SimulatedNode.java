// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.internal.Time;
import io.github.otpresend.internal.claims.Schedule.NodeSettings;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A node: its clocks, its event loop and its claims. */
final class SimulatedNode implements Time {
  private static final AtomicLong NODES = new AtomicLong();

  final String name;
  final NodeSettings settings;
  private final Simulation simulation;

  /** Incremented when the node dies, so that what belonged to the dead node does not run. */
  private int life;

  private long pausedUntil;
  private long clockAhead;

  /** The claims of the two clients of the node. */
  private List<Claims> clients;

  SimulatedNode(Simulation simulation, int number, NodeSettings settings) {
    this.simulation = simulation;
    this.name = "node " + number;
    this.settings = settings;
    clockAhead = settings.clockAhead();
    clients = start();
  }

  private List<Claims> start() {
    // a name of its own: a sweep of the node that was here before may still be running
    String local = name + ' ' + NODES.incrementAndGet();
    simulation.localClaims(local);
    OtpResendOptions options =
        new OtpResendOptions()
            .setTimeout(settings.timeout())
            .setConnectTimeout(settings.timeout().dividedBy(4))
            .setCooldown(settings.cooldown())
            .setSingleFlight(settings.singleFlight());
    return Stream.generate(() -> new Claims(this, simulation.vertx, local, options, shared()))
        .limit(2)
        .toList();
  }

  private SharedClaims shared() {
    boolean hasOneName = simulation.bug == Bug.OWNERS_HAVE_ONE_NAME;
    SharedClaims claims = simulation.store.claims(this, hasOneName ? "node" : name + '-' + life);
    return hasOneName ? new OneName(claims, settings.timeout().toMillis()) : claims;
  }

  /** Claims whose owners all have the same name. */
  private record OneName(SharedClaims claims, long millisInFlight) implements SharedClaims {
    @Override
    public Future<Optional<Refusal>> claim(Claim claim) {
      return claims.claim(renamed(claim));
    }

    @Override
    public Future<Void> cool(Claim claim, long millisInFlight, long millisCooling) {
      return claims.cool(renamed(claim), millisInFlight, millisCooling);
    }

    @Override
    public Future<Void> release(Claim claim) {
      return claims.release(renamed(claim));
    }

    /** The times are a part of an entry too. */
    private Claim renamed(Claim claim) {
      return new Claim(claim.requestId(), "owner", 0, millisInFlight, claim.cooldownMillis());
    }
  }

  // ---- what happens to it

  void pause(long time) {
    pausedUntil = Math.max(pausedUntil, simulation.now() + time);
  }

  void die() {
    life++;
    pausedUntil = 0;
    clients = start();
  }

  void step(long ahead) {
    clockAhead += ahead;
  }

  /** Returns a task that does not run while the node stands still, nor after its death. */
  Runnable guarded(Runnable task) {
    int born = life;
    return new Runnable() {
      @Override
      public void run() {
        if (born != life) {
          return;
        } else if (simulation.now() < pausedUntil) {
          // in any order, as an event loop may run timers before or after it reads from sockets
          simulation.at(pausedUntil + simulation.random().nextInt(1_000), this);
        } else {
          task.run();
        }
      }
    };
  }

  /** Returns the time by which all that was due has run. */
  long awakeAt(long due) {
    return Math.max(due, pausedUntil) + 3 * Schedule.MILLI;
  }

  Claims claims(int client) {
    return clients.get(client);
  }

  int life() {
    return life;
  }

  // ---- its clocks and event loop

  @Override
  public long now() {
    return settings.nanoTime() + simulation.now();
  }

  @Override
  public long wallClock() {
    double drifted = simulation.now() * (1 + settings.drift());
    return ((long) drifted + clockAhead) / Schedule.MILLI + 1_800_000_000_000L;
  }

  @Override
  public Runnable after(long millis, Runnable task) {
    boolean[] cancelled = new boolean[1];
    simulation.at(
        simulation.now() + millis * Schedule.MILLI,
        guarded(
            () -> {
              if (!cancelled[0]) {
                task.run();
              }
            }));
    return () -> cancelled[0] = true;
  }

  @Override
  public void run(Runnable task) {
    task.run();
  }

  // ---- its operations of the store

  /**
   * An operation that takes effect in the store once, more than once or never, at any time, and
   * whose answer comes at any time, or never.
   */
  <T> Future<T> operation(String what, Supplier<@Nullable T> effect) {
    simulation.countOperation();
    Promise<T> promise = Promise.promise();
    SplittableRandom random = simulation.random();
    boolean isCalm = simulation.isCalm();
    boolean isLost = !isCalm && random.nextInt(30) == 0;
    boolean isAnswerLost = !isCalm && random.nextInt(30) == 0;
    boolean isRepeated = !isCalm && random.nextInt(30) == 0;
    long there = simulation.now() + (isCalm ? Schedule.MILLI : delay(random));
    long back = isCalm ? Schedule.MILLI : delay(random);
    AtomicReference<@Nullable T> result = new AtomicReference<>();
    Runnable answer = guarded(() -> promise.tryComplete(result.get()));
    Runnable step =
        () -> {
          result.set(effect.get());
          if (!isCalm) {
            simulation.tell(this, () -> what + " takes effect; there was " + result.get());
          }
          if (!isAnswerLost) {
            simulation.at(simulation.now() + back, answer);
          }
        };
    if (isLost) {
      simulation.tell(this, () -> what + " is lost");
    } else {
      simulation.at(there, step);
    }
    if (isRepeated) {
      simulation.at(there + delay(random), step);
    }
    if ((isLost || isAnswerLost) && random.nextBoolean()) {
      Runnable failure = guarded(() -> promise.tryFail("the connection to the store broke"));
      simulation.at(there + delay(random), failure);
    }
    return promise.future();
  }

  private long delay(SplittableRandom random) {
    long claim = settings.timeout().toNanos() + settings.cooldown().toNanos();
    return switch (random.nextInt(20)) {
      case 0 -> random.nextLong(2 * Schedule.SECOND);
      case 1 -> random.nextLong(3 * claim);
      default -> random.nextLong(5 * Schedule.MILLI);
    };
  }
}
