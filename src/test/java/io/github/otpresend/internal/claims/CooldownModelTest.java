// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import static io.github.otpresend.testing.Calls.call;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.ResendException;
import io.github.otpresend.internal.Time;
import io.github.otpresend.testing.Calls;
import io.vertx.core.Vertx;
import io.vertx.core.internal.ContextInternal;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.shareddata.LocalMap;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
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
  private record Sent(long notBefore, long notAfter) {}

  @AfterEach
  void stop() {
    Calls.await(vertx.close());
  }

  @Test
  void a_call_is_refused_during_a_cooldown_and_accepted_after_it() {
    LocalClaims[] clients = new LocalClaims[2];
    for (int i = 0; i < clients.length; i++) {
      clients[i] =
          call(context, () -> new LocalClaims(vertx, "service", COOLDOWN, Time.of(context)));
    }
    Map<String, Sent> last = new HashMap<>();
    int accepted = 0;
    int refused = 0;
    for (int i = 0; i < EVENTS; i++) {
      String id = "id-" + random.nextInt(IDS);
      Sent before = last.get(id);
      LocalClaims client = clients[random.nextInt(clients.length)];
      boolean isRefused = random.nextInt(8) == 0; // by the service
      long notBefore = System.nanoTime();
      Object outcome = call(context, () -> send(client, id, isRefused));
      long notAfter = System.nanoTime();
      String details = "seed " + seed + ", event " + i + ", " + outcome;
      if (outcome instanceof LocalClaims.Flight) {
        assertTrue(
            before == null || notAfter - before.notBefore >= COOLDOWN.toNanos(),
            () -> "a second code was sent during the cooldown: " + details);
        last.put(id, new Sent(notBefore, notAfter));
        if (isRefused) {
          last.remove(id);
        }
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
    assertTrue(sizeOfMap() <= IDS, "cooldowns in the map: " + sizeOfMap());
  }

  @Test
  void
      two_hundred_thousand_cooldowns_use_less_than_250_bytes_each_and_are_removed_after_their_end() {
    int count = 200_000;
    LocalClaims claims = new LocalClaims(vertx, "service", COOLDOWN, Time.of(context));
    long end = System.nanoTime() + Duration.ofDays(1).toNanos();
    long before = usedHeap();
    for (int i = 0; i < count; i++) {
      begin(claims, "0b1f7c0e-7d7a-4c61-9a0d-" + (100_000_000_000L + i)).free(end);
    }
    assertEquals(count, sizeOfMap());
    long bytes = (usedHeap() - before) / count;
    System.out.printf("a cooldown uses %d bytes, with a request id of 36 characters%n", bytes);
    // without the other tests, which use memory meanwhile, it is 146 bytes
    assertTrue(bytes < 250, () -> "bytes used by a cooldown: " + bytes);

    ends().replaceAll((id, any) -> System.nanoTime());
    eventually(
        "no cooldown is left",
        () -> {
          String id = "id-" + System.nanoTime();
          LocalClaims.Flight flight = claims.flight(id);
          assertNull(flight.begin(end));
          flight.free(end);
          ends().remove(id);
          LockSupport.parkNanos(COOLDOWN.toNanos());
          return ends().isEmpty();
        });
  }

  private static LocalClaims.Flight begin(LocalClaims claims, String id) {
    LocalClaims.Flight flight = claims.flight(id);
    assertNull(flight.begin(System.nanoTime() + Duration.ofMinutes(1).toNanos()));
    return flight;
  }

  /** Returns the flight, or how long the request id is still refused. */
  private static Object send(LocalClaims claims, String id, boolean isRefused) {
    long sentAt = System.nanoTime();
    try {
      LocalClaims.Flight flight = begin(claims, id);
      flight.free(isRefused ? null : sentAt + COOLDOWN.toNanos());
      return flight;
    } catch (ResendException coolingDown) {
      return coolingDown.retryAfter().orElseThrow();
    }
  }

  private LocalMap<String, Long> ends() {
    return vertx.sharedData().getLocalMap("io.github.otpresend.cooldowns service");
  }

  private int sizeOfMap() {
    return ends().size();
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
