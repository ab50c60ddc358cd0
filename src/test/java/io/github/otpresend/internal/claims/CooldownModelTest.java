// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import static io.github.otpresend.testing.Calls.call;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.ResendException;
import io.github.otpresend.testing.Calls;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Random calls, outcomes and times, compared with a model that records when a code may have been
 * sent. The model measures the time before and after each event. If the cooldown may have ended
 * between these two times, the model accepts both outcomes.
 */
class CooldownModelTest {
  private static final Duration COOLDOWN = Duration.ofMillis(40);
  private static final int EVENTS = 3_000;
  private static final int IDS = 20;

  private final Vertx vertx = Vertx.vertx();
  private final ContextInternal context = ((VertxInternal) vertx).createEventLoopContext();
  private final long seed = System.nanoTime();
  private final SplittableRandom random = new SplittableRandom(seed);

  /** A code that may have been sent, at a time between {@code notBefore} and {@code notAfter}. */
  private record Sent(Cooldowns.Cooldown cooldown, long notBefore, long notAfter) {}

  @AfterEach
  void stop() {
    Calls.await(vertx.close());
  }

  @Test
  void a_call_is_refused_during_a_cooldown_and_accepted_after_it() {
    Cooldowns[] clients = new Cooldowns[2];
    for (int i = 0; i < clients.length; i++) {
      clients[i] = call(context, () -> new Cooldowns(context, "service", COOLDOWN));
    }
    Map<String, Sent> last = new HashMap<>();
    int accepted = 0;
    int refused = 0;
    for (int i = 0; i < EVENTS; i++) {
      String id = "id-" + random.nextInt(IDS);
      Sent sent = last.get(id);
      Cooldowns client = clients[random.nextInt(clients.length)];
      if (sent != null && random.nextInt(8) == 0) { // the service refuses the last call
        call(context, () -> stop(sent));
        last.remove(id);
      }
      Sent before = last.get(id);
      long notBefore = System.nanoTime();
      Object outcome = call(context, () -> begin(client, id));
      long notAfter = System.nanoTime();
      String details = "seed " + seed + ", event " + i + ", " + outcome;
      if (outcome instanceof Cooldowns.Cooldown cooldown) {
        assertTrue(
            before == null || notAfter - before.notBefore >= COOLDOWN.toNanos(),
            () -> "a second code was sent during the cooldown: " + details);
        last.put(id, new Sent(cooldown, notBefore, notAfter));
        accepted++;
      } else {
        assertTrue(
            before != null && notBefore - before.notAfter <= COOLDOWN.toNanos(),
            () -> "a call was refused without a cooldown: " + details);
        long rest = ((Duration) outcome).toNanos();
        long atLeast = before.notBefore + COOLDOWN.toNanos() - notAfter;
        // rest is rounded up to milliseconds
        long atMost = before.notAfter + COOLDOWN.toNanos() - notBefore + 1_000_000;
        assertTrue(rest >= atLeast && rest <= atMost && rest > 0, details);
        refused++;
      }
      LockSupport.parkNanos(random.nextInt(500_000));
    }
    assertTrue(accepted > 100 && refused > 100, accepted + " accepted, " + refused + " refused");
    eventually("no cooldown is left", () -> sizeOfMap() == 0);
  }

  @Test
  void a_hundred_thousand_cooldowns_use_less_than_20_mb_and_end() {
    Cooldowns cooldowns = call(context, () -> new Cooldowns(context, "service", COOLDOWN));
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      ids.add("0b1f7c0e-7d7a-4c61-9a0d-" + (100_000_000_000L + i));
    }
    long before = usedHeap();
    // no cooldown ends while this task occupies the event loop
    long after =
        call(
            context,
            () -> {
              ids.forEach(cooldowns::begin);
              assertEquals(100_000, sizeOfMap());
              return usedHeap();
            });
    // an id of 36 characters; the list already holds the ids, so the difference excludes them
    long idBytes = 80;
    long bytes = after - before + 100_000 * idBytes;
    System.out.printf("100,000 cooldowns use %,d kB, including the request ids%n", bytes / 1_000);
    assertTrue(bytes < 20_000_000, () -> "bytes used by the cooldowns: " + bytes);
    eventually("no cooldown is left", () -> sizeOfMap() == 0);
  }

  private static Object begin(Cooldowns cooldowns, String id) {
    try {
      return cooldowns.begin(id);
    } catch (ResendException coolingDown) {
      return coolingDown.retryAfter().orElseThrow();
    }
  }

  private static @Nullable Void stop(Sent sent) {
    sent.cooldown.stop();
    return null;
  }

  private int sizeOfMap() {
    return vertx.sharedData().getLocalMap("io.github.otpresend.cooldowns service").size();
  }

  private static long usedHeap() {
    long used = Long.MAX_VALUE;
    for (int i = 0; i < 5; i++) { // the lowest value counts, since one collection may leave garbage
      System.gc();
      Runtime runtime = Runtime.getRuntime();
      used = Math.min(used, runtime.totalMemory() - runtime.freeMemory());
    }
    return used;
  }
}
