// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.redis;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.RedisServer;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several {@code Vertx} that share nothing but a Redis, as the processes of an application do. */
class RedisIT {
  private static final Duration COOLDOWN = Duration.ofMinutes(1);

  @TempDir Path directory;

  private final List<Vertx> processes = new ArrayList<>();
  private final Map<String, CountDownLatch> latches = new ConcurrentHashMap<>();
  private RedisServer redis;
  private FaultServer server;

  @BeforeEach
  void start() {
    redis = new RedisServer(directory);
    server =
        FaultServer.onRequest(
            peer -> {
              String id = peer.head().split("/")[2];
              if (id.startsWith("held")) {
                peer.await(latch(id));
              }
              if (id.startsWith("lost")) {
                peer.close();
              } else {
                peer.write(
                    id.startsWith("channel")
                        ? FaultServer.response(400, "{\"type\":\"ResendChannelException\"}")
                        : FaultServer.SUCCESS);
              }
            });
  }

  @AfterEach
  void stop() {
    latches.values().forEach(CountDownLatch::countDown);
    redis.resume();
    processes.forEach(vertx -> await(vertx.close()));
    server.close();
    redis.close();
  }

  /** Creates a client in a process of its own. */
  private OtpResendClient client(UnaryOperator<OtpResendOptions> settings) {
    Vertx vertx = Vertx.vertx();
    processes.add(vertx);
    OtpResendOptions options =
        server.options().setConnectTimeout(Duration.ofSeconds(2)).setRedis(redis.url());
    return OtpResendClient.create(vertx, settings.apply(options));
  }

  private static OtpResendOptions cooling(OtpResendOptions options) {
    return options.setCooldown(COOLDOWN);
  }

  private static ResendFailure kind(Future<ResendResponse> call) {
    return failureOf(call).failure();
  }

  /** Returns the latch of this id; a test may open it before the request is there. */
  private CountDownLatch latch(String id) {
    return latches.computeIfAbsent(id, any -> new CountDownLatch(1));
  }

  private long received(String id) {
    return server.requests().stream().filter(head -> head.contains("/" + id + "/")).count();
  }

  // ---- what the processes share

  @Test
  void a_request_id_in_flight_in_another_process_is_refused_until_the_call_ends() {
    OtpResendClient one = client(options -> options);
    OtpResendClient other = client(options -> options);
    Future<ResendResponse> call = one.resend("held");
    eventually("the request was sent", () -> received("held") == 1);
    ResendException refusal = failureOf(other.resend("held"));
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, refusal.failure());
    assertTrue(refusal.retryAfter().orElseThrow().compareTo(Duration.ofSeconds(10)) <= 0);
    assertTrue(refusal.retryAfter().orElseThrow().compareTo(Duration.ofSeconds(3)) > 0);
    latch("held").countDown();
    assertTrue(await(call).success());
    assertTrue(await(other.resend("held")).success());
  }

  @Test
  void a_cooldown_applies_in_every_process_and_after_a_restart() {
    assertTrue(await(client(RedisIT::cooling).resend("id")).success());
    await(processes.get(0).close());
    ResendException refusal = failureOf(client(options -> options).resend("id"));
    assertEquals(ResendFailure.COOLING_DOWN, refusal.failure());
    Duration rest = refusal.retryAfter().orElseThrow();
    assertTrue(rest.compareTo(COOLDOWN) <= 0, rest.toString());
    assertTrue(rest.compareTo(COOLDOWN.minusSeconds(30)) > 0, rest.toString());
    assertEquals(1, received("id"));
  }

  @Test
  void a_refusal_by_the_service_frees_the_request_id_at_once() {
    OtpResendClient one = client(RedisIT::cooling);
    OtpResendClient other = client(RedisIT::cooling);
    assertEquals(ResendFailure.RESEND_CHANNEL, kind(one.resend("channel")));
    assertEquals(ResendFailure.RESEND_CHANNEL, kind(other.resend("channel")));
  }

  @Test
  void after_a_lost_connection_the_request_id_is_in_progress_until_the_deadline() {
    OtpResendClient one = client(options -> options.setTimeout(Duration.ofSeconds(5)));
    OtpResendClient other = client(options -> options);
    assertEquals(ResendFailure.CONNECTION_LOST, kind(one.resend("lost")));
    assertEquals(ResendFailure.ALREADY_IN_PROGRESS, kind(other.resend("lost")));
    eventually("the claim ends", () -> kind(other.resend("lost")) == ResendFailure.CONNECTION_LOST);
  }

  @Test
  void of_many_ids_pressed_in_five_processes_at_once_none_is_sent_twice() {
    List<OtpResendClient> clients =
        IntStream.range(0, 5).mapToObj(i -> client(RedisIT::cooling)).toList();
    assertSentOnce(clients, 200);
  }

  /** Presses ids in all clients at once, and again within the cooldown. */
  private void assertSentOnce(List<OtpResendClient> clients, int count) {
    for (int round = 0; round < 2; round++) {
      List<Future<ResendResponse>> calls = new ArrayList<>();
      for (int id = 0; id < count; id++) {
        for (OtpResendClient client : clients) {
          calls.add(client.resend("id-" + id));
        }
      }
      calls.forEach(call -> await(call.otherwiseEmpty()));
      assertEquals(count, new HashSet<>(server.requests()).size());
      assertEquals(count, server.requests().size());
    }
  }

  @Test
  void redis_shows_no_request_id_and_keeps_nothing_for_ever() {
    assertTrue(await(client(RedisIT::cooling).resend("secret-id")).success());
    eventually("the cooldown is stored", () -> redis.command("DBSIZE").equals(":1"));
    String key = redis.command("EVAL \"return redis.call('KEYS', '*')[1] .. ' '\" 0");
    assertTrue(key.startsWith("$"), key);
    assertEquals("*0", redis.command("KEYS *secret*"));
    assertEquals("*1", redis.command("KEYS io.github.otpresend:*"));
    String left = redis.command("EVAL \"return redis.call('PTTL', redis.call('KEYS','*')[1])\" 0");
    assertTrue(Long.parseLong(left.substring(1)) <= COOLDOWN.toMillis(), left);
  }

  @Test
  void ten_thousand_calls_at_once_succeed() {
    Duration minute = Duration.ofMinutes(1); // they wait for 32 connections
    OtpResendClient client =
        client(
            options -> options.setMaxPending(10_000).setTimeout(minute).setConnectTimeout(minute));
    List<Future<ResendResponse>> calls =
        IntStream.range(0, 10_000).mapToObj(i -> client.resend("id-" + i)).toList();
    calls.forEach(call -> assertTrue(await(call).success()));
  }

  // ---- when Redis is away

  @Test
  void while_redis_is_stopped_nothing_is_sent_and_after_its_restart_calls_succeed() {
    OtpResendClient client = client(options -> options);
    assertTrue(await(client.resend("before")).success());
    redis.stop();
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, kind(client.resend("away")));
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, kind(client.resend("away")));
    assertEquals(0, received("away"));
    redis.start();
    eventually("calls succeed", () -> await(client.resend("after").otherwiseEmpty()) != null);
  }

  @Test
  void a_call_succeeds_after_redis_has_closed_an_idle_connection() {
    OtpResendClient client = client(options -> options);
    for (int i = 0; i < 3; i++) {
      String id = "id-" + i; // the first call may come before the client knows of the close
      eventually("a call succeeds", () -> await(client.resend(id).otherwiseEmpty()) != null);
      redis.command("CLIENT KILL TYPE normal SKIPME yes");
    }
  }

  @Test
  void a_client_is_created_while_redis_is_away() {
    redis.stop();
    OtpResendClient client = client(options -> options);
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, kind(client.resend("away")));
    redis.start();
    eventually("calls succeed", () -> await(client.resend("after").otherwiseEmpty()) != null);
  }

  @Test
  void a_restart_with_data_keeps_cooldowns() {
    OtpResendClient one = client(RedisIT::cooling);
    OtpResendClient other = client(RedisIT::cooling);
    assertTrue(await(one.resend("id")).success());
    eventually(
        "the cooldown is stored", () -> kind(other.resend("id")) == ResendFailure.COOLING_DOWN);
    redis.stop();
    redis.start();
    eventually("Redis is back", () -> kind(other.resend("id")) == ResendFailure.COOLING_DOWN);
    assertEquals(1, received("id"));
  }

  @Test
  void a_restart_without_data_loses_cooldowns_and_calls_go_on() {
    OtpResendClient one = client(RedisIT::cooling);
    OtpResendClient other = client(RedisIT::cooling);
    assertTrue(await(one.resend("id")).success());
    eventually(
        "the cooldown is stored", () -> kind(other.resend("id")) == ResendFailure.COOLING_DOWN);
    redis.stop();
    redis.start("--appendonly", "no");
    // the manual says that this permits a second code; the first process knows its own cooldown
    eventually("Redis is back", () -> await(other.resend("id").otherwiseEmpty()) != null);
    assertEquals(ResendFailure.COOLING_DOWN, kind(one.resend("id")));
    assertEquals(2, received("id"));
  }

  @Test
  void while_redis_is_silent_nothing_is_sent() {
    OtpResendClient client = client(options -> options);
    assertTrue(await(client.resend("before")).success());
    redis.pause();
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, kind(client.resend("silent")));
    assertEquals(0, received("silent"));
    redis.resume();
    eventually("calls succeed", () -> await(client.resend("after").otherwiseEmpty()) != null);
  }

  @Test
  void a_known_success_is_not_held_up_by_a_redis_that_hangs() {
    OtpResendClient client =
        client(options -> cooling(options).setConnectTimeout(Duration.ofSeconds(10)));
    Future<ResendResponse> call = client.resend("held");
    eventually("the request was sent", () -> received("held") == 1);
    redis.pause();
    long before = System.nanoTime();
    latch("held").countDown();
    assertTrue(await(call).success());
    assertTrue(System.nanoTime() - before < Duration.ofSeconds(5).toNanos(), "held up");
  }

  @Test
  void a_redis_without_memory_sends_nothing() {
    OtpResendClient client = client(options -> options);
    assertTrue(await(client.resend("before")).success());
    redis.command("CONFIG SET maxmemory 1");
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, kind(client.resend("full")));
    assertEquals(0, received("full"));
    redis.command("CONFIG SET maxmemory 0");
    assertTrue(await(client.resend("full")).success());
  }

  @Test
  void a_read_only_replica_sends_nothing() {
    redis.command("REPLICAOF 127.0.0.1 1");
    OtpResendClient client = client(options -> options);
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, kind(client.resend("id")));
    assertEquals(0, received("id"));
  }

  @Test
  void a_wrong_password_sends_nothing_and_no_failure_shows_it() {
    redis.command("CONFIG SET requirepass right-secret");
    String wrong = redis.url().replace("//", "//:wrong-secret@");
    ResendException failure = failureOf(client(options -> options.setRedis(wrong)).resend("id"));
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, failure.failure());
    assertTrue(!String.valueOf(failure.getCause()).contains("secret"), "the password is shown");
    String right = redis.url().replace("//", "//:right-secret@");
    assertTrue(await(client(options -> options.setRedis(right)).resend("id")).success());
  }

  // ---- when the network between is slow or breaks

  /** A way to Redis that can delay or lose a command or its answer. */
  private final class Way {
    private final AtomicBoolean losesCommand = new AtomicBoolean();
    private final AtomicBoolean losesAnswer = new AtomicBoolean();
    private final String url;
    private volatile Duration delay = Duration.ZERO;

    Way() {
      Vertx vertx = Vertx.vertx();
      processes.add(vertx);
      NetServer listener =
          await(vertx.createNetServer().connectHandler(this::connect).listen(0, "127.0.0.1"));
      url = "redis://127.0.0.1:" + listener.actualPort();
    }

    private void connect(NetSocket client) {
      client.pause();
      processes
          .get(0)
          .createNetClient()
          .connect(redis.port(), "127.0.0.1")
          .onSuccess(
              server -> {
                client.closeHandler(v -> server.close());
                server.closeHandler(v -> client.close());
                client.handler(command -> pass(command, losesCommand, server, client));
                server.handler(answer -> pass(answer, losesAnswer, client, server));
                client.resume();
              });
    }

    private void pass(Buffer data, AtomicBoolean isLost, NetSocket to, NetSocket from) {
      if (isLost.getAndSet(false)) {
        from.close();
      } else if (delay.isZero()) {
        to.write(data);
      } else {
        processes.get(0).setTimer(delay.toMillis(), timer -> to.write(data));
      }
    }
  }

  @Test
  void a_slow_redis_delays_calls_and_no_id_is_sent_twice() {
    Way way = new Way();
    way.delay = Duration.ofMillis(100);
    List<OtpResendClient> clients =
        Stream.generate(() -> client(options -> cooling(options).setRedis(way.url)))
            .limit(2)
            .toList();
    assertSentOnce(clients, 50);
  }

  @Test
  void while_redis_is_slower_than_the_connect_timeout_nothing_is_sent() {
    Way way = new Way();
    OtpResendClient client =
        client(options -> options.setConnectTimeout(Duration.ofSeconds(1)).setRedis(way.url));
    assertTrue(await(client.resend("before")).success());
    way.delay = Duration.ofSeconds(2);
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, kind(client.resend("slow")));
    assertEquals(0, received("slow"));
    way.delay = Duration.ZERO;
    eventually(
        "the late claim is gone", () -> await(client.resend("slow").otherwiseEmpty()) != null);
    assertEquals(1, received("slow"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_claim_that_is_lost_sends_nothing(boolean isCommand) {
    Way way = new Way();
    OtpResendClient client = client(options -> options.setRedis(way.url));
    assertTrue(await(client.resend("before")).success());
    (isCommand ? way.losesCommand : way.losesAnswer).set(true);
    assertEquals(ResendFailure.GUARD_UNAVAILABLE, kind(client.resend("id")));
    assertEquals(0, received("id"));
    eventually("calls succeed", () -> await(client.resend("after").otherwiseEmpty()) != null);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_cooldown_that_is_lost_delays_no_outcome_and_no_other_process_sends(boolean isCommand) {
    Way way = new Way();
    OtpResendClient client = client(options -> cooling(options).setRedis(way.url));
    OtpResendClient other = client(RedisIT::cooling);
    Future<ResendResponse> call = client.resend("held");
    eventually("the request was sent", () -> received("held") == 1);
    (isCommand ? way.losesCommand : way.losesAnswer).set(true);
    latch("held").countDown();
    assertTrue(await(call).success());
    assertEquals(
        isCommand ? ResendFailure.ALREADY_IN_PROGRESS : ResendFailure.COOLING_DOWN,
        kind(other.resend("held")));
    assertEquals(1, received("held"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_release_that_is_lost_delays_no_outcome(boolean isCommand) {
    Way way = new Way();
    OtpResendClient client =
        client(options -> options.setTimeout(Duration.ofSeconds(4)).setRedis(way.url));
    OtpResendClient other = client(options -> options);
    Future<ResendResponse> call = client.resend("held-channel");
    eventually("the request was sent", () -> received("held-channel") == 1);
    (isCommand ? way.losesCommand : way.losesAnswer).set(true);
    latch("held-channel").countDown();
    assertTrue(await(call).success());
    if (isCommand) {
      assertEquals(ResendFailure.ALREADY_IN_PROGRESS, kind(other.resend("held-channel")));
      eventually(
          "the claim ends", () -> await(other.resend("held-channel").otherwiseEmpty()) != null);
    } else {
      assertTrue(await(other.resend("held-channel")).success());
    }
  }
}
