// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.redis;

import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.NodeProcess;
import io.github.otpresend.testing.RedisServer;
import io.github.otpresend.testing.TestCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plain processes that share a Redis. */
class RedisProcessesIT {
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final Duration COOLDOWN = Duration.ofSeconds(5);

  @TempDir Path directory;

  private RedisServer redis;
  private FaultServer server;

  @BeforeEach
  void start() {
    redis = new RedisServer(directory);
    server =
        FaultServer.onRequest(
            peer -> {
              if (peer.head().contains("/silent")) {
                peer.silence();
              } else {
                peer.write(FaultServer.SUCCESS);
              }
            });
  }

  @AfterEach
  void stop() {
    server.close();
    redis.close();
  }

  private String options(Duration cooldown) {
    return server
        .options()
        .setTimeout(TIMEOUT)
        .setCooldown(cooldown)
        .setRedis(redis.url())
        .toJson()
        .encode();
  }

  private NodeProcess process(Duration cooldown) {
    NodeProcess process =
        new NodeProcess(
            List.of(),
            TestCluster.classPath(any -> true),
            List.of(Presser.class.getName(), options(cooldown)));
    process.line("ready");
    return process;
  }

  private long received(String id) {
    return server.requests().stream().filter(head -> head.contains("/" + id + "/")).count();
  }

  /** Returns how many calls of a process have ended. */
  private static long calls(NodeProcess process) {
    return process.lines().stream().filter(line -> line.endsWith(".")).count();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 5})
  void ids_pressed_in_all_processes_at_once_and_again_are_sent_once(int count) {
    List<NodeProcess> processes =
        Stream.generate(() -> process(Duration.ofMinutes(10))).limit(count).toList();
    try {
      String ids =
          IntStream.range(0, 100).mapToObj(i -> "id-" + i).collect(Collectors.joining(" "));
      int rounds = 0;
      do { // a call may fail on a slow machine, and then nothing was sent
        press(processes, ids, ++rounds);
      } while (server.requests().size() < 100 && rounds < 10);
      press(processes, ids, ++rounds); // within the cooldown
      assertEquals(100, server.requests().size());
    } finally {
      processes.forEach(NodeProcess::close);
    }
  }

  private void press(List<NodeProcess> processes, String ids, int round) {
    processes.forEach(process -> process.write(ids));
    for (NodeProcess process : processes) {
      eventually("all calls have ended", () -> calls(process) == round * 100);
    }
    assertEquals(new HashSet<>(server.requests()).size(), server.requests().size());
  }

  @Test
  void a_request_id_in_flight_in_a_process_that_is_killed_is_refused_until_its_cooldown_ends() {
    NodeProcess killed = process(COOLDOWN);
    try (NodeProcess other = process(COOLDOWN)) {
      long before = System.nanoTime();
      killed.write("silent");
      eventually("the request was sent", () -> received("silent") == 1);
      killed.kill();
      other.write("silent");
      assertTrue(other.line("silent: ").contains("ALREADY_IN_PROGRESS"), other::toString);
      eventually(
          "the claim ends",
          () -> {
            other.write("silent");
            return received("silent") == 2;
          });
      long passed = System.nanoTime() - before;
      assertTrue(passed >= TIMEOUT.plus(COOLDOWN).toNanos(), "sent again after " + passed);
    }
  }

  @Test
  void a_process_that_stood_still_for_longer_than_its_claim_changes_no_other_claim() {
    try (NodeProcess paused = process(Duration.ofSeconds(1));
        NodeProcess second = process(Duration.ofMinutes(10))) {
      paused.write("silent");
      eventually("the request was sent", () -> received("silent") == 1);
      paused.signal("STOP");
      eventually(
          "the claim ends",
          () -> {
            second.write("silent");
            return received("silent") == 2;
          });
      paused.signal("CONT");
      assertTrue(paused.line("silent: ").contains("TIMEOUT"), paused::toString);
      paused.write("silent");
      eventually("the call of the first process has ended", () -> calls(paused) == 2);
      assertEquals(2, received("silent"), "the claim of the second process holds");
    }
  }

  /** {@code -Dfaketime.library=} is the path of libfaketime, from Debian's package of this name. */
  @Test
  @EnabledIfSystemProperty(named = "faketime.library", matches = ".+")
  void clocks_that_are_hours_apart_change_no_claim() {
    try (NodeProcess behind = ahead(-3);
        NodeProcess ahead = ahead(3)) {
      Duration apart = Duration.between(clock(behind), clock(ahead));
      assertTrue(apart.compareTo(Duration.ofHours(5)) > 0, apart.toString());
      long before = System.nanoTime();
      behind.write("id");
      behind.line("id: ResendResponse");
      ahead.write("id");
      assertTrue(ahead.line("id: ").contains("COOLING_DOWN"), ahead::toString);
      eventually(
          "the cooldown ends",
          () -> {
            ahead.write("id");
            return received("id") == 2;
          });
      assertTrue(System.nanoTime() - before >= COOLDOWN.toNanos(), "sent within the cooldown");
      behind.write("id");
      eventually("the call has ended", () -> calls(behind) == 2);
      assertEquals(2, received("id"));
    }
  }

  private NodeProcess ahead(int hours) {
    return NodeProcess.ahead(
        hours,
        System.getProperty("faketime.library"),
        TestCluster.classPath(any -> true),
        Presser.class.getName(),
        options(COOLDOWN));
  }

  private static Instant clock(NodeProcess process) {
    return Instant.parse(process.line("ready").split(" ")[1]);
  }
}
