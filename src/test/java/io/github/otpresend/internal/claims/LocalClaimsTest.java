// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import static io.github.otpresend.testing.Answers.ofService;
import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.Outcome;
import io.github.otpresend.internal.Time;
import io.github.otpresend.testing.EveryFailure;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.json.JsonObject;
import io.vertx.core.shareddata.LocalMap;
import io.vertx.junit5.VertxExtension;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@ExtendWith(VertxExtension.class)
class LocalClaimsTest {
  private static final ResendResponse SUCCESS = new ResendResponse(true);
  private static final ResendException FAILURE =
      new ResendException(ResendFailure.SERVER_ERROR, "expected by this test");

  private static Vertx vertx;

  /** A service of this test alone: a sweep that another test has begun may go on. */
  private final String service = "localhost:1/" + UUID.randomUUID();

  private final LocalClaims flights = claims(vertx, service);

  @BeforeAll
  static void start(Vertx vertx) {
    LocalClaimsTest.vertx = vertx;
  }

  @AfterEach
  void clearFlights() {
    vertx.sharedData().getLocalMap("io.github.otpresend " + service).clear();
    ends().clear();
  }

  private static LocalClaims claims(Vertx vertx, String service) {
    return new LocalClaims(vertx, service, Duration.ZERO, time(vertx));
  }

  private static Time time(Vertx vertx) {
    return Time.of(((VertxInternal) vertx).createEventLoopContext());
  }

  private LocalMap<String, Long> ends() {
    return vertx.sharedData().getLocalMap("io.github.otpresend.cooldowns " + service);
  }

  private static long inAMinute() {
    return System.nanoTime() + Duration.ofMinutes(1).toNanos();
  }

  private static void end(
      LocalClaims.Flight flight,
      @Nullable ResendResponse response,
      @Nullable ResendException failure) {
    flight.free(null);
    flight.complete(new Outcome(response, failure));
  }

  // ---- which call begins a flight, and which call follows it

  @Test
  void the_first_call_for_a_request_id_begins_a_flight() {
    assertNull(flights.flight("id").begin(inAMinute()));
  }

  @Test
  void the_second_call_for_a_request_id_gets_the_flight_of_the_first() {
    LocalClaims.Flight first = beginFlight("id");
    assertSame(first, flights.flight("id").begin(inAMinute()));
  }

  @Test
  void a_flight_that_has_not_begun_is_not_followed() {
    flights.flight("id");
    assertNull(flights.flight("id").begin(inAMinute()));
  }

  @Test
  void a_flight_that_could_not_begin_does_not_replace_the_flight_that_has_begun() {
    LocalClaims.Flight first = beginFlight("id");
    flights.flight("id").begin(inAMinute());
    assertSame(first, flights.flight("id").begin(inAMinute()));
  }

  @Test
  void another_request_id_has_another_flight() {
    beginFlight("id");
    assertNull(flights.flight("other id").begin(inAMinute()));
  }

  @Test
  void another_service_has_other_flights() {
    beginFlight("id");
    assertNull(claims(vertx, "localhost:2/api").flight("id").begin(inAMinute()));
    vertx.sharedData().getLocalMap("io.github.otpresend localhost:2/api").clear();
    vertx.sharedData().getLocalMap("io.github.otpresend.cooldowns localhost:2/api").clear();
  }

  @Test
  void another_vertx_has_other_flights() {
    beginFlight("id");
    Vertx other = Vertx.vertx();
    try {
      assertNull(claims(other, service).flight("id").begin(inAMinute()));
    } finally {
      await(other.close());
    }
  }

  @Test
  void two_clients_of_one_service_share_their_flights() {
    LocalClaims.Flight first = beginFlight("id");
    assertSame(first, claims(vertx, service).flight("id").begin(inAMinute()));
  }

  @Test
  void a_client_gets_the_outcome_of_the_flight_of_another_client() {
    LocalClaims.Flight first = beginFlight("id");
    Future<JsonObject> follower =
        follow(Objects.requireNonNull(claims(vertx, service).flight("id").begin(inAMinute())));
    end(first, SUCCESS, null);
    assertEquals(new JsonObject().put("success", true), await(follower));
  }

  // ---- what followers receive

  @Test
  void a_follower_receives_nothing_before_the_end() {
    LocalClaims.Flight first = beginFlight("id");
    assertFalse(follow(first).isComplete());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void followers_get_the_response_as_json(boolean success) {
    LocalClaims.Flight first = beginFlight("id");
    List<Future<JsonObject>> followers = follow(first, 3);
    end(first, new ResendResponse(success), null);
    for (Future<JsonObject> follower : followers) {
      assertEquals(new JsonObject().put("success", success), await(follower));
    }
  }

  @Test
  void each_follower_gets_a_separate_response() {
    LocalClaims.Flight first = beginFlight("id");
    List<Future<JsonObject>> followers = follow(first, 2);
    end(first, SUCCESS, null);
    await(followers.get(0)).clear();
    assertEquals(new JsonObject().put("success", true), await(followers.get(1)));
  }

  @ParameterizedTest
  @EnumSource
  void followers_get_a_failure_that_is_decoded_to_the_original_failure(ResendFailure kind) {
    LocalClaims.Flight first = beginFlight("id");
    List<Future<JsonObject>> followers = follow(first, 3);
    ResendException failure = EveryFailure.of(kind.name());
    end(first, null, failure);
    for (Future<JsonObject> follower : followers) {
      assertSameFailure(failure, causeOf(follower));
    }
  }

  @ParameterizedTest
  @EnumSource
  void followers_get_a_library_failure_that_is_decoded_to_the_original_failure(ResendFailure kind) {
    LocalClaims.Flight first = beginFlight("id");
    Future<JsonObject> follower = follow(first);
    ResendException failure = Failures.of(kind, "a message", new Exception("a cause"));
    end(first, null, failure);
    assertSameFailure(failure, causeOf(follower));
  }

  @Test
  void followers_get_an_unknown_type_unchanged() {
    LocalClaims.Flight first = beginFlight("id");
    Future<JsonObject> follower = follow(first);
    ResendException failure =
        ofService("NewException", 422, "a message", Duration.ofSeconds(3), "why");
    end(first, null, failure);
    assertSameFailure(failure, causeOf(follower));
  }

  @Test
  void followers_are_completed_in_order_of_arrival() {
    LocalClaims.Flight first = beginFlight("id");
    List<Integer> completed = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      int number = i;
      follow(first).onComplete(done -> completed.add(number));
    }
    end(first, SUCCESS, null);
    assertEquals(IntStream.range(0, 100).boxed().toList(), completed);
  }

  @Test
  void followers_of_another_flight_are_not_completed() {
    LocalClaims.Flight first = beginFlight("id");
    LocalClaims.Flight other = beginFlight("other id");
    Future<JsonObject> follower = follow(other);
    end(first, SUCCESS, null);
    assertFalse(follower.isComplete());
  }

  @Test
  void a_follower_that_finds_a_flight_just_before_it_succeeds_gets_the_response() {
    LocalClaims.Flight first = beginFlight("id");
    Function<Promise<JsonObject>, Long> running =
        Objects.requireNonNull(flights.flight("id").begin(inAMinute()));
    end(first, SUCCESS, null);
    assertEquals(new JsonObject().put("success", true), await(follow(running)));
  }

  @Test
  void a_follower_that_finds_a_flight_just_before_it_fails_gets_the_failure() {
    LocalClaims.Flight first = beginFlight("id");
    Function<Promise<JsonObject>, Long> running =
        Objects.requireNonNull(flights.flight("id").begin(inAMinute()));
    end(first, null, FAILURE);
    assertSameFailure(FAILURE, causeOf(follow(running)));
  }

  @Test
  void the_others_are_completed_if_the_vertx_of_a_follower_is_closed() {
    Vertx other = Vertx.vertx();
    Promise<JsonObject> closed = ((VertxInternal) other).createEventLoopContext().promise();
    closed.future().onComplete(done -> {});
    await(other.close());
    LocalClaims.Flight first = beginFlight("id");
    Future<JsonObject> before = follow(first);
    first.apply(closed);
    Future<JsonObject> after = follow(first);
    end(first, SUCCESS, null);
    assertTrue(before.succeeded());
    assertTrue(after.succeeded());
  }

  @Test
  void the_others_are_completed_if_the_context_of_a_follower_rejects_tasks() {
    LocalClaims.Flight first = beginFlight("id");
    Future<JsonObject> before = follow(first);
    first.apply(rejectingPromise());
    Future<JsonObject> after = follow(first);
    end(first, null, FAILURE);
    assertTrue(before.failed());
    assertTrue(after.failed());
  }

  @Test
  void a_late_follower_whose_context_rejects_tasks_is_ignored() {
    LocalClaims.Flight first = beginFlight("id");
    end(first, SUCCESS, null);
    first.apply(rejectingPromise());
  }

  // ---- the end

  @Test
  void a_request_id_is_free_again_after_a_response() {
    end(beginFlight("id"), SUCCESS, null);
    assertNull(flights.flight("id").begin(inAMinute()));
  }

  @Test
  void a_request_id_is_free_again_after_a_failure() {
    end(beginFlight("id"), null, FAILURE);
    assertNull(flights.flight("id").begin(inAMinute()));
  }

  @Test
  void a_request_id_is_free_again_before_followers_are_completed() {
    LocalClaims.Flight first = beginFlight("id");
    LocalClaims.Flight next = flights.flight("id");
    List<Optional<Function<Promise<JsonObject>, Long>>> running = new ArrayList<>();
    follow(first).onComplete(done -> running.add(Optional.ofNullable(next.begin(inAMinute()))));
    end(first, SUCCESS, null);
    assertEquals(List.of(Optional.empty()), running);
    assertSame(next, flights.flight("id").begin(inAMinute()));
  }

  @Test
  void a_follower_that_arrives_while_others_are_completed_gets_the_outcome() {
    LocalClaims.Flight first = beginFlight("id");
    List<Future<JsonObject>> late = new ArrayList<>();
    follow(first).onComplete(done -> late.add(follow(first)));
    end(first, SUCCESS, null);
    assertEquals(new JsonObject().put("success", true), await(late.get(0)));
  }

  @Test
  void the_end_of_a_flight_does_not_affect_the_flight_of_another_request_id() {
    LocalClaims.Flight first = beginFlight("id");
    LocalClaims.Flight other = beginFlight("other id");
    end(first, SUCCESS, null);
    assertSame(other, flights.flight("other id").begin(inAMinute()));
  }

  @Test
  void ending_a_flight_again_does_not_end_the_next_flight() {
    LocalClaims.Flight first = beginFlight("id");
    end(first, SUCCESS, null);
    LocalClaims.Flight next = beginFlight("id");
    end(first, SUCCESS, null);
    assertSame(next, flights.flight("id").begin(inAMinute()));
  }

  @Test
  void nothing_is_left_in_the_shared_map_after_the_end() {
    LocalClaims.Flight first = beginFlight("id");
    LocalClaims.Flight other = beginFlight("other id");
    follow(first, 3);
    assertEquals(2, vertx.sharedData().getLocalMap("io.github.otpresend " + service).size());
    end(first, SUCCESS, null);
    end(other, null, FAILURE);
    assertTrue(vertx.sharedData().getLocalMap("io.github.otpresend " + service).isEmpty());
    assertTrue(ends().isEmpty());
  }

  // ---- how many share a call, and how long the claim lasts

  @Test
  void at_most_128_calls_share_a_flight_and_the_next_gets_its_deadline() {
    LocalClaims.Flight first = flights.flight("id");
    long deadline = inAMinute();
    assertNull(first.begin(deadline));
    List<Future<JsonObject>> followers = follow(first, 128);
    assertEquals(deadline, first.apply(Promise.promise()));
    end(first, SUCCESS, null);
    followers.forEach(follower -> assertTrue(await(follower).getBoolean("success")));
    assertEquals(128, followers.size());
    assertTrue(await(follow(first)).getBoolean("success"), "a flight that has ended has no limit");
  }

  @Test
  void followers_of_a_failure_get_the_same_exception_which_is_encoded_once() {
    LocalClaims.Flight first = beginFlight("id");
    List<Future<JsonObject>> followers = follow(first, 3);
    end(first, null, FAILURE);
    assertSame(causeOf(followers.get(0)), causeOf(followers.get(2)));
  }

  @Test
  void a_flight_that_is_not_shared_tells_its_deadline() {
    long deadline = inAMinute();
    LocalClaims.Flight first = flights.flight("id");
    assertNull(first.begin(deadline));
    assertEquals(deadline, first.apply(null));
  }

  @Test
  void the_time_left_to_a_deadline_is_rounded_up_and_at_least_a_millisecond() {
    Duration left = flights.timeLeft(inAMinute());
    assertTrue(left.compareTo(Duration.ofSeconds(59)) > 0, left.toString());
    assertTrue(left.compareTo(Duration.ofMinutes(1)) <= 0, left.toString());
    assertEquals(Duration.ofMillis(1), flights.timeLeft(System.nanoTime() - 1));
  }

  // ---- cooldowns

  @Test
  void a_request_id_that_cools_down_is_refused_and_nothing_is_left_of_the_refused_flight() {
    LocalClaims.Flight first = beginFlight("id");
    long end = inAMinute();
    first.free(end);
    first.complete(Outcome.of(SUCCESS));
    ResendException refusal =
        assertThrows(ResendException.class, () -> flights.flight("id").begin(inAMinute()));
    assertEquals(ResendFailure.COOLING_DOWN, refusal.failure());
    assertTrue(refusal.retryAfter().orElseThrow().compareTo(Duration.ofMinutes(1)) <= 0);
    assertTrue(refusal.retryAfter().orElseThrow().compareTo(Duration.ofSeconds(59)) > 0);
    assertTrue(vertx.sharedData().getLocalMap("io.github.otpresend " + service).isEmpty());
    assertEquals(end, ends().get("id"));
  }

  @Test
  void a_cooldown_that_has_ended_leaves_no_entry() {
    beginFlight("id").free(System.nanoTime());
    assertTrue(ends().isEmpty());
    assertNull(flights.flight("id").begin(inAMinute()));
  }

  @Test
  void a_call_that_shares_a_refused_flight_gets_the_refusal() {
    LocalClaims.Flight refused = flights.flight("id");
    ends().put("id", inAMinute());
    Future<JsonObject> sharer = follow(refused);
    assertThrows(ResendException.class, () -> refused.begin(inAMinute()));
    assertEquals(ResendFailure.COOLING_DOWN, ResendException.from(causeOf(sharer)).failure());
  }

  @Test
  void cooldowns_that_have_ended_are_removed_once_a_cooldown_has_passed() {
    LocalClaims some = new LocalClaims(vertx, service, Duration.ofMillis(20), time(vertx));
    ends().put("ended", System.nanoTime() - 1);
    ends().put("cooling", inAMinute());
    eventually(
        "the ended cooldown is removed",
        () -> {
          LocalClaims.Flight flight = some.flight("id");
          flight.begin(inAMinute());
          flight.free(System.nanoTime() + 1_000_000);
          LockSupport.parkNanos(2_000_000);
          return !ends().containsKey("ended");
        });
    assertTrue(ends().containsKey("cooling"));
  }

  @Test
  void cooldowns_that_have_ended_are_removed_when_their_number_has_doubled() {
    LocalClaims many = new LocalClaims(vertx, service, Duration.ofDays(1), time(vertx));
    for (int i = 0; i < 998; i++) {
      ends().put("ended-" + i, System.nanoTime() - 1);
    }
    cool(many, "one");
    LockSupport.parkNanos(20_000_000);
    assertEquals(999, ends().size(), "not yet");
    cool(many, "two");
    eventually("the ended cooldowns are removed", () -> ends().size() == 2);
    for (int round = 0; round < 3; round++) { // and again, each time there are a thousand
      for (int i = 0; i < 1_000; i++) {
        ends().put("ended-" + i, System.nanoTime() - 1);
      }
      cool(many, "again-" + round);
      int left = 3 + round;
      eventually("the ended cooldowns are removed again", () -> ends().size() == left);
    }
  }

  private static void cool(LocalClaims claims, String requestId) {
    LocalClaims.Flight flight = claims.flight(requestId);
    assertNull(flight.begin(inAMinute()));
    flight.free(inAMinute());
  }

  // ---- many threads

  @RepeatedTest(50)
  void one_of_many_concurrent_calls_begins_a_flight_and_all_others_follow_it() throws Exception {
    int threads = 8;
    CyclicBarrier barrier = new CyclicBarrier(threads);
    List<LocalClaims.Flight> candidates =
        IntStream.range(0, threads).mapToObj(i -> flights.flight("id")).toList();
    List<Optional<Function<Promise<JsonObject>, Long>>> found =
        atOnce(
            candidates.stream()
                .map(
                    flight ->
                        (Callable<Optional<Function<Promise<JsonObject>, Long>>>)
                            () -> {
                              barrier.await(20, TimeUnit.SECONDS);
                              return Optional.ofNullable(flight.begin(inAMinute()));
                            })
                .toList());
    LocalClaims.Flight leader = null;
    for (int i = 0; i < threads; i++) {
      if (found.get(i).isEmpty()) {
        assertNull(leader, "two flights have begun");
        leader = candidates.get(i);
      }
    }
    assertNotNull(leader, "no flight has begun");
    for (int i = 0; i < threads; i++) {
      if (candidates.get(i) != leader) {
        assertSame(leader, found.get(i).orElseThrow());
      }
    }
  }

  @RepeatedTest(20)
  void two_calls_for_a_request_id_are_never_in_flight_at_the_same_time() throws Exception {
    AtomicInteger inFlight = new AtomicInteger();
    AtomicInteger maximum = new AtomicInteger();
    Callable<Boolean> calls =
        () -> {
          for (int round = 0; round < 500; round++) {
            LocalClaims.Flight flight = flights.flight("id");
            if (flight.begin(inAMinute()) == null) {
              maximum.accumulateAndGet(inFlight.incrementAndGet(), Math::max);
              inFlight.decrementAndGet();
              end(flight, SUCCESS, null);
            }
          }
          return true;
        };
    atOnce(Collections.nCopies(4, calls));
    assertEquals(1, maximum.get());
    assertNull(flights.flight("id").begin(inAMinute()));
  }

  @RepeatedTest(20)
  void every_follower_is_completed_exactly_once() throws Exception {
    AtomicInteger followers = new AtomicInteger();
    AtomicInteger completed = new AtomicInteger();
    Callable<Boolean> calls =
        () -> {
          for (int round = 0; round < 500; round++) {
            LocalClaims.Flight flight = flights.flight("id");
            Function<Promise<JsonObject>, Long> running = flight.begin(inAMinute());
            if (running == null) {
              end(flight, SUCCESS, null);
            } else {
              // a promise without a context calls its listeners on the thread that completes it
              Promise<JsonObject> follower = Promise.promise();
              follower.future().onSuccess(response -> completed.incrementAndGet());
              if (running.apply(follower) == null) { // else too many share it
                followers.incrementAndGet();
              }
            }
          }
          return true;
        };
    atOnce(Collections.nCopies(4, calls));
    assertEquals(followers.get(), completed.get());
  }

  /** Runs each task on a separate thread and returns the results. */
  private static <T> List<T> atOnce(List<Callable<T>> tasks) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(tasks.size());
    try {
      List<T> results = new ArrayList<>();
      for (java.util.concurrent.Future<T> result : threads.invokeAll(tasks)) {
        results.add(result.get(20, TimeUnit.SECONDS));
      }
      return results;
    } finally {
      threads.shutdownNow();
    }
  }

  private LocalClaims.Flight beginFlight(String requestId) {
    LocalClaims.Flight flight = flights.flight(requestId);
    assertNull(flight.begin(inAMinute()));
    return flight;
  }

  private static Future<JsonObject> follow(Function<Promise<JsonObject>, Long> running) {
    Promise<JsonObject> follower = Promise.promise();
    assertNull(running.apply(follower));
    return follower.future();
  }

  private static List<Future<JsonObject>> follow(
      Function<Promise<JsonObject>, Long> running, int followers) {
    return IntStream.range(0, followers).mapToObj(i -> follow(running)).toList();
  }

  /** Returns a promise whose context rejects tasks. */
  @SuppressWarnings("unchecked")
  private static Promise<JsonObject> rejectingPromise() {
    return (Promise<JsonObject>)
        Proxy.newProxyInstance(
            Promise.class.getClassLoader(),
            new Class<?>[] {Promise.class},
            (proxy, method, args) -> {
              throw new RejectedExecutionException("expected by this test");
            });
  }

  /** Checks that a follower has received the failure of the call that it followed. */
  private static void assertSameFailure(ResendException expected, Throwable received) {
    // a client of another class loader has another ResendException class
    assertInstanceOf(ReplyException.class, received);
    ResendException actual = ResendException.from(received);
    assertEquals(expected.failure(), actual.failure());
    assertEquals(expected.httpStatus(), actual.httpStatus());
    assertEquals(expected.maybeSent(), actual.maybeSent());
    assertEquals(expected.type(), actual.type());
    assertEquals(expected.getMessage(), actual.getMessage());
    assertEquals(expected.retryAfter(), actual.retryAfter());
    assertEquals(expected.payload(), actual.payload());
  }
}
