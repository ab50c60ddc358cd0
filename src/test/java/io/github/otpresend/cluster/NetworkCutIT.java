// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.cluster;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.NodeProcess;
import io.github.otpresend.testing.TestCluster;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tests of a node in a separate network namespace, with one link to the requester and another link
 * to the service. Only root can create a namespace; for other users the test is skipped.
 */
@Timeout(120)
class NetworkCutIT {
  private static final Logger BUS_LOG = Logger.getLogger("io.vertx.core.eventbus.impl");

  private static final long PID = ProcessHandle.current().pid();
  private static final String NAMESPACE = "otp" + PID;
  private static final String NEAR_BUS = "otpa" + PID;
  private static final String FAR_BUS = "otpb" + PID;
  private static final String NEAR_SERVICE = "otpc" + PID;
  private static final String FAR_SERVICE = "otpd" + PID;

  /** The beginning of all addresses. They are in the range reserved for network tests. */
  private static final String NET = "198.18." + PID % 256 + ".";

  @TempDir Path directory;

  @BeforeEach
  void link() {
    String problem = ip("netns add " + NAMESPACE);
    assumeTrue(problem.isEmpty(), () -> "skipped, cannot create a network namespace: " + problem);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> ip("netns del " + NAMESPACE)));
    BUS_LOG.setLevel(Level.OFF);
    runIp("-n " + NAMESPACE + " link set lo up");
    link(NEAR_BUS, NET + "1/30", FAR_BUS, NET + "2/30");
    link(NEAR_SERVICE, NET + "5/30", FAR_SERVICE, NET + "6/30");
  }

  private static void link(String near, String nearNet, String far, String farNet) {
    String problem = ip("link add " + near + " type veth peer name " + far + " netns " + NAMESPACE);
    assumeTrue(problem.isEmpty(), () -> "skipped, cannot create a veth pair: " + problem);
    runIp("addr add " + nearNet + " dev " + near);
    runIp("link set " + near + " up");
    runIp("-n " + NAMESPACE + " addr add " + farNet + " dev " + far);
    runIp("-n " + NAMESPACE + " link set " + far + " up");
  }

  @AfterEach
  void unlink() {
    ip("link del " + NEAR_BUS);
    ip("link del " + NEAR_SERVICE);
    ip("netns del " + NAMESPACE);
    BUS_LOG.setLevel(null);
  }

  private static void runIp(String arguments) {
    String problem = ip(arguments);
    assertEquals("", problem, "ip " + arguments);
  }

  /** Runs {@code ip}, and returns its problem; an empty text if it succeeds. */
  private static String ip(String arguments) {
    try {
      Process ip =
          new ProcessBuilder(("ip " + arguments).split(" ")).redirectErrorStream(true).start();
      String output = new String(ip.getInputStream().readAllBytes(), UTF_8).strip();
      return ip.waitFor() == 0 ? "" : "exit code " + ip.exitValue() + " " + output;
    } catch (IOException e) {
      return "" + e.getMessage();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void a_call_cut_off_from_its_requester_is_maybe_sent_and_a_late_message_is_not_sent() {
    Map<String, Integer> received = new ConcurrentHashMap<>();
    Map<String, HttpServerRequest> held = new ConcurrentHashMap<>();
    Duration timeout = Duration.ofSeconds(2);
    TestCluster cluster = new TestCluster(NET + "1", TestCluster.PATIENT, directory);
    Vertx vertx = cluster.join();
    try {
      HttpServer service =
          await(
              vertx
                  .createHttpServer()
                  .requestHandler(
                      request -> {
                        String id = request.path().split("/")[2];
                        received.merge(id, 1, Integer::sum);
                        if (id.equals("held")) {
                          held.put(id, request);
                        } else {
                          succeed(request);
                        }
                      })
                  .listen(0, NET + "5"));
      JsonObject config =
          new JsonObject()
              .put("baseUrl", "http://" + NET + "5:" + service.actualPort() + "/api")
              .put("allowPlaintext", true)
              .put("token", "secret-token")
              .put("timeout", timeout.toMillis());
      try (NodeProcess node =
          cluster.launch(
              List.of("ip", "netns", "exec", NAMESPACE),
              NET + "2",
              "io.github.otpresend.OtpResendVerticle",
              config)) {
        OtpResendClient requester =
            OtpResendClient.overEventBus(vertx, new OtpResendOptions().setTimeout(timeout));
        AtomicInteger probes = new AtomicInteger();
        eventually(
            "the node serves",
            () -> await(succeeds(requester, "before-" + probes.getAndIncrement())));

        Future<ResendResponse> cutOff = requester.resend("held");
        eventually("the service received the request", () -> held.containsKey("held"));
        runIp("-n " + NAMESPACE + " link set " + FAR_BUS + " down");
        succeed(held.get("held"));
        Future<ResendResponse> late = requester.resend("late");
        for (Future<ResendResponse> call : List.of(cutOff, late)) {
          ResendException failure = failureOf(call);
          assertEquals(ResendFailure.TIMEOUT, failure.failure());
          assertTrue(failure.maybeSent());
        }

        runIp("-n " + NAMESPACE + " link set " + FAR_BUS + " up");
        // messages of one connection arrive in order, so the late message has arrived before
        eventually(
            "the node serves again",
            () -> await(succeeds(requester, "after-" + probes.getAndIncrement())));
        assertEquals(1, received.get("held"));
        assertEquals(null, received.get("late"));
        assertTrue(received.values().stream().allMatch(times -> times == 1), received::toString);
      }
    } finally {
      await(vertx.close());
    }
  }

  private static Future<Boolean> succeeds(OtpResendClient requester, String id) {
    return requester.resend(id).map(true).otherwise(false);
  }

  private static void succeed(HttpServerRequest request) {
    request
        .response()
        .setStatusCode(201)
        .putHeader("content-type", "application/json")
        .end("{\"success\":true}");
  }
}
