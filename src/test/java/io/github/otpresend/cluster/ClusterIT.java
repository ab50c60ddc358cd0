// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.cluster;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.plain.PlainAsker;
import io.github.otpresend.testing.EveryFailure;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.NodeProcess;
import io.github.otpresend.testing.TestCluster;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tests of a cluster of three JVMs. The JVM of the test is the requester. Vert.x's own launcher
 * starts two serving nodes: the pure node runs only the verticle of the library, the controlled
 * node also runs {@link RemoteControl}.
 */
@Timeout(120)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class) // this order starts the fewest JVMs
class ClusterIT {
  private static final Pattern REQUEST = Pattern.compile("POST /api/([^/]+)/resend ");

  /** The logger in which Vert.x warns of unreachable nodes and of discarded messages. */
  private static final Logger BUS_LOG = Logger.getLogger("io.vertx.core.eventbus.impl");

  @TempDir static Path directory;

  private static TestCluster cluster;
  private static Vertx vertx;
  private static FaultServer server;

  /** The latch for which the server waits before it answers a request id with "held". */
  private static volatile CountDownLatch answer = new CountDownLatch(0);

  private static @Nullable NodeProcess pureNode;
  private static @Nullable NodeProcess controlledNode;
  private static String deploymentId = "";

  private final OtpResendClient requester = requester(Duration.ofSeconds(5));

  private static OtpResendClient requester(Duration timeout) {
    return OtpResendClient.overEventBus(vertx, new OtpResendOptions().setTimeout(timeout));
  }

  @BeforeAll
  static void start() {
    BUS_LOG.setLevel(Level.OFF);
    server = FaultServer.onRequest(ClusterIT::serve);
    cluster = new TestCluster(directory);
    vertx = cluster.join();
  }

  @AfterAll
  static void stop() {
    // kill the nodes first, so that the last node does not wait for them when it leaves
    Stream.of(pureNode, controlledNode).filter(node -> node != null).forEach(NodeProcess::close);
    await(vertx.close());
    server.close();
    BUS_LOG.setLevel(null);
  }

  private void startBothNodes() {
    if (pureNode == null || !pureNode.isAlive()) {
      pureNode = beginPureNode();
    }
    startControlledNode();
    pureNode.awaitDeployed();
    eventually("both nodes serve", () -> isServedBy("of-pure") && isServedBy("of-controlled"));
  }

  /** Kills the pure node, so that the test may start another JVM. */
  private void startOnlyControlledNode() {
    if (pureNode != null) {
      pureNode.kill();
    }
    startControlledNode();
    eventually(
        "the controlled node serves",
        () -> isServedBy("of-controlled") && isServedBy("of-controlled"));
  }

  private static void startControlledNode() {
    if (controlledNode == null || !controlledNode.isAlive()) {
      controlledNode = cluster.launch(RemoteControl.class.getName(), new JsonObject());
      deploymentId = deploy(OtpResendVerticle.class, config("of-controlled"));
      deploy(EveryFailure.class, new JsonObject());
    }
  }

  @AfterEach
  void answerAll() {
    answer.countDown();
  }

  private static NodeProcess beginPureNode() {
    return cluster.begin("io.github.otpresend.OtpResendVerticle", config("of-pure"));
  }

  /** Returns the configuration of a node. The server recognizes the node by its token. */
  private static JsonObject config(String token) {
    return new JsonObject()
        .put("baseUrl", server.baseUrl())
        .put("token", token)
        .put("timeout", 5_000)
        .put("clusterGuard", cluster.canGuard());
  }

  private static String deploy(Class<?> verticle, JsonObject config) {
    return await(RemoteControl.deploy(vertx, verticle, config));
  }

  /** Sends a message, and returns whether the node with this token served it. */
  private boolean isServedBy(String token) {
    String id = "probe-" + probes.incrementAndGet();
    await(requester.resend(id).otherwise(new ResendResponse(false)));
    return requestIds(token).contains(id);
  }

  private static final AtomicInteger probes = new AtomicInteger();

  /** Answers a request in the way that its id names. */
  private static void serve(FaultServer.Peer peer) throws java.io.IOException {
    String id = idOf(peer.head()).split("~")[0];
    if (id.startsWith("held")) {
      peer.await(answer);
    } else if (id.startsWith("lost")) {
      peer.close();
      return;
    } else if (id.startsWith("junk")) {
      peer.write(FaultServer.response(201, "{\"success\":\"yes\"}"));
      return;
    } else if (id.startsWith("load")) {
      LockSupport.parkNanos(20_000_000); // a real service takes some time too
    } else if (id.startsWith("status")) {
      String[] parts = id.split("\\.");
      String body =
          parts.length < 3
              ? "<html></html>"
              : new JsonObject()
                  .put("type", parts[2])
                  .put("message", "Сообщение")
                  .put("httpStatus", Integer.parseInt(parts[1]))
                  .put("payload", new JsonObject().put("wait", 30).put("часть", "ы"))
                  .encode();
      peer.write(
          FaultServer.response(
              Integer.parseInt(parts[1]),
              "Content-Type: application/json; charset=utf-8\r\nRetry-After: 30",
              body));
      return;
    }
    peer.write(FaultServer.SUCCESS);
  }

  private static String idOf(String head) {
    Matcher request = REQUEST.matcher(head);
    assertTrue(request.lookingAt(), head);
    return request.group(1);
  }

  /** Returns the ids of the requests with this token, or of all requests if it is empty. */
  private static List<String> requestIds(String token) {
    return server.requests().stream()
        .filter(head -> token.isEmpty() || head.contains("Bearer " + token + "\r\n"))
        .map(ClusterIT::idOf)
        .toList();
  }

  private static long countRequests(Predicate<String> id) {
    return requestIds("").stream().filter(id).count();
  }

  private static List<String> outcomes() {
    return List.of(
        "success",
        "status.400.ResendChannelException",
        "status.400.AttemptsExpiredException",
        "status.400.NoAvailableChannelsException",
        "status.401.UnauthorizedException",
        "status.401",
        "status.403.ForbiddenException",
        "status.403.CommonForbiddenException",
        "status.404.SessionNotFoundException",
        "status.409.RestartCooldownActiveException",
        "status.409.SessionAlreadyConfirmedException",
        "status.429.RateLimitException",
        "status.429",
        "status.500.InternalServerErrorException",
        "status.503",
        "status.418.TeapotException",
        "status.521.TeapotException",
        "status.404",
        "lost",
        "junk");
  }

  /** Returns the response or the failure as JSON. */
  private static JsonObject outcomeOf(Future<ResendResponse> resend) {
    return await(
        resend
            .map(ResendResponse::toJson)
            .recover(
                failure ->
                    Future.succeededFuture(
                        assertInstanceOf(ResendException.class, failure).toJson())));
  }

  /** Returns the outcome of a call that does not use the event bus. */
  private static JsonObject directOutcome(String outcome) {
    OtpResendClient client = OtpResendClient.create(vertx, new OtpResendOptions(config("direct")));
    try {
      return outcomeOf(client.resend(outcome + "~direct"));
    } finally {
      await(client.close());
    }
  }

  @Test
  @Order(1)
  void every_outcome_of_the_service_reaches_the_requester_from_both_nodes() {
    startBothNodes();
    int before = requestIds("").size();
    for (String outcome : outcomes()) {
      JsonObject expected = directOutcome(outcome);
      assertEquals(expected, outcomeOf(requester.resend(outcome + "~one")), outcome);
      assertEquals(expected, outcomeOf(requester.resend(outcome + "~another")), outcome);
    }
    assertEquals(before + 3 * outcomes().size(), requestIds("").size());
    List<String> ofPure = requestIds("of-pure");
    for (String outcome : outcomes()) { // the event bus chooses the nodes in turn
      assertTrue(ofPure.contains(outcome + "~one") != ofPure.contains(outcome + "~another"));
    }
  }

  @Test
  @Order(1)
  void every_kind_of_failure_reaches_the_requester() {
    startBothNodes();
    OtpResendClient client =
        OtpResendClient.overEventBus(
            vertx, new OtpResendOptions().setAddress(EveryFailure.ADDRESS));
    for (ResendFailure kind : ResendFailure.values()) {
      ResendException failure = failureOf(client.resend(kind.name()));
      assertEquals(kind, failure.failure());
      assertEquals(EveryFailure.of(kind.name()).toJson(), failure.toJson());
    }
  }

  @Test
  @Order(5)
  void a_requester_without_the_library_gets_the_code_and_the_json_of_every_outcome() {
    startOnlyControlledNode();
    List<String> messages = new ArrayList<>();
    outcomes().forEach(outcome -> messages.add("otp.resend/" + outcome + "~plain"));
    for (ResendFailure kind : ResendFailure.values()) {
      messages.add(EveryFailure.ADDRESS + "/" + kind);
    }
    Map<String, JsonObject> answers;
    try (NodeProcess plain =
        cluster.startPlain(PlainAsker.class, messages.toArray(String[]::new))) {
      plain.awaitEnd();
      answers =
          plain.lines().stream()
              .filter(line -> line.startsWith("answer: "))
              .map(line -> new JsonObject(line.substring("answer: ".length())))
              .collect(Collectors.toMap(line -> line.getString("id"), line -> line));
      assertEquals(messages.size(), answers.size(), plain::toString);
    }
    for (String outcome : outcomes()) {
      if (outcome.equals("success")) {
        assertEquals(directOutcome(outcome), answers.get("success~plain").getJsonObject("reply"));
      } else {
        assertAnswer(directOutcome(outcome), answers.get(outcome + "~plain"));
      }
    }
    for (ResendFailure kind : ResendFailure.values()) {
      assertAnswer(EveryFailure.of(kind.name()).toJson(), answers.get(kind.name()));
    }
  }

  private static void assertAnswer(JsonObject expected, JsonObject answer) {
    assertEquals("RECIPIENT_FAILURE", answer.getString("failureType"));
    assertEquals(expected.getInteger("httpStatus"), answer.getInteger("code"));
    assertEquals(expected, answer.getJsonObject("json"));
  }

  @Test
  @Order(5)
  void a_requester_that_is_killed_does_not_disturb_the_serving_node() {
    startOnlyControlledNode();
    answer = new CountDownLatch(1);
    try (NodeProcess plain = cluster.startPlain(PlainAsker.class, "otp.resend/held-gone")) {
      plain.line("asking: ");
      eventually("the service received the request", () -> countRequests("held-gone"::equals) == 1);
      plain.kill();
    }
    answer.countDown();
    // the map may not answer until the cluster has removed the killed requester
    eventually("the controlled node serves", () -> isServedBy("of-controlled"));
    assertEquals(1, countRequests("held-gone"::equals));
  }

  @Test
  @Order(1)
  void one_request_id_in_200_messages_to_both_nodes_is_sent_once() {
    assumeTrue(cluster.canGuard(), "this cluster manager has no map that can guard");
    startBothNodes();
    answer = new CountDownLatch(1);
    AtomicInteger refused = new AtomicInteger();
    List<Future<ResendResponse>> calls =
        IntStream.range(0, 200)
            .mapToObj(
                i ->
                    requester.resend("held-by-all").onFailure(refusal -> refused.incrementAndGet()))
            .toList();
    // The event bus chooses the nodes in turn. One node shares a call among its 100 messages.
    eventually("the other node has refused its 100 messages", () -> refused.get() == 100);
    answer.countDown();

    int successes = 0;
    for (Future<ResendResponse> call : calls) {
      eventually("the call ends", call::isComplete);
      if (call.succeeded()) {
        successes++;
      } else {
        assertEquals(
            ResendFailure.ALREADY_IN_PROGRESS, ResendException.from(call.cause()).failure());
      }
    }
    assertEquals(100, successes);
    assertEquals(1, countRequests("held-by-all"::equals));
    assertTrue(await(requester.resend("held-by-all")).success(), "the request id is free again");
  }

  @Test
  @Order(1)
  void nothing_is_sent_if_no_node_serves_the_address() {
    startBothNodes();
    ResendException failure =
        failureOf(
            OtpResendClient.overEventBus(vertx, new OtpResendOptions().setAddress("nobody.serves"))
                .resend("unserved"));
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertFalse(failure.maybeSent());
  }

  @Test
  @Order(6)
  void a_call_on_a_node_killed_before_it_sent_is_reported_as_maybe_sent() {
    startOnlyControlledNode();
    // the server accepts connections, but does not answer the TLS handshake
    try (FaultServer mute = FaultServer.onConnection("https", FaultServer.Peer::silence)) {
      JsonObject config = config("of-mute").put("baseUrl", mute.baseUrl()).put("address", "mute");
      deploy(OtpResendVerticle.class, config);
      Future<ResendResponse> resend =
          OtpResendClient.overEventBus(
                  vertx,
                  new OtpResendOptions().setAddress("mute").setTimeout(Duration.ofSeconds(2)))
              .resend("never-sent");
      eventually("the node connects to the server", () -> mute.connections() == 1);
      controlledNode.kill();
      ResendException failure = failureOf(resend);
      assertEquals(ResendFailure.TIMEOUT, failure.failure());
      assertTrue(failure.maybeSent());
    }
  }

  @Test
  @Order(4)
  void a_call_on_a_node_killed_after_it_sent_is_reported_as_maybe_sent() {
    startBothNodes();
    answer = new CountDownLatch(1);
    OtpResendClient client = requester(Duration.ofSeconds(3));
    Future<ResendResponse> one = client.resend("held-one");
    Future<ResendResponse> another = client.resend("held-another"); // served by the other node
    eventually(
        "the service received both requests",
        () -> countRequests(id -> id.matches("held-(one|another)")) == 2);
    boolean pureServedOne = requestIds("of-pure").contains("held-one");
    pureNode.kill();
    ResendException failure = failureOf(pureServedOne ? one : another);
    assertEquals(ResendFailure.TIMEOUT, failure.failure());
    assertTrue(failure.maybeSent());
    assertEquals(2, countRequests(id -> id.matches("held-(one|another)")));
  }

  @Test
  @Order(3)
  void during_a_kill_and_a_redeployment_every_call_ends_and_no_call_is_sent_twice() {
    startBothNodes();
    Load load = new Load("load-storm-", requester(Duration.ofSeconds(3)));
    load.awaitOutcomes(1_000);
    pureNode.kill();
    pureNode = beginPureNode();
    load.awaitOutcomes(load.ended() + 500); // the JVM needs longer than that to start
    pureNode.awaitDeployed();
    load.awaitOutcomes(load.ended() + 500);
    await(RemoteControl.undeploy(vertx, deploymentId));
    load.awaitOutcomes(load.ended() + 500);
    deploymentId = deploy(OtpResendVerticle.class, config("of-controlled"));
    load.awaitOutcomes(load.ended() + 500);

    load.stopAndCheck();
    System.out.println("cluster: kill and redeployment under load: " + load);
  }

  @Test
  @Order(2)
  void during_a_rolling_restart_every_call_succeeds() {
    startBothNodes();
    Load load = new Load("load-rolling-", requester);
    load.awaitOutcomes(200);
    for (int i = 0; i < 5; i++) {
      await(RemoteControl.undeploy(vertx, deploymentId));
      load.awaitOutcomes(load.ended() + 100);
      deploymentId = deploy(OtpResendVerticle.class, config("of-controlled"));
      load.awaitOutcomes(load.ended() + 100);
    }
    pureNode.stop(); // with SIGTERM, like an operator
    pureNode = beginPureNode();
    pureNode.awaitDeployed();
    load.awaitOutcomes(load.ended() + 200);

    load.stopAndCheck();
    System.out.println("cluster: rolling restart under load: " + load);
    assertEquals(Set.of("SUCCESS"), load.counts().keySet(), load::toString);
  }

  /** A load of 16 calls at a time without a pause. Each call has a different request id. */
  private static final class Load {
    private final String prefix;
    private final OtpResendClient client;
    private final Map<String, String> outcomes = new ConcurrentHashMap<>();
    private final Set<String> notSent = ConcurrentHashMap.newKeySet();
    private final AtomicInteger started = new AtomicInteger();
    private final AtomicInteger running = new AtomicInteger(16);
    private volatile boolean stopped;

    Load(String prefix, OtpResendClient client) {
      this.prefix = prefix;
      this.client = client;
      for (int i = running.get(); i > 0; i--) {
        startNext();
      }
    }

    private void startNext() {
      if (stopped) {
        running.decrementAndGet();
        return;
      }
      String id = prefix + started.getAndIncrement();
      client
          .resend(id)
          .onComplete(
              (response, cause) -> {
                ResendException failure = cause == null ? null : ResendException.from(cause);
                if (failure != null && !failure.maybeSent()) {
                  notSent.add(id);
                }
                outcomes.put(id, failure == null ? "SUCCESS" : "" + failure.failure());
                startNext();
              });
    }

    int ended() {
      return outcomes.size();
    }

    void awaitOutcomes(int count) {
      eventually(count + " outcomes", () -> ended() >= count);
    }

    Map<String, Integer> counts() {
      Map<String, Integer> counts = new TreeMap<>();
      outcomes.values().forEach(outcome -> counts.merge(outcome, 1, Integer::sum));
      return counts;
    }

    /** Stops the load, and checks its outcomes against the requests of the server. */
    void stopAndCheck() {
      stopped = true;
      eventually("all calls have ended", () -> running.get() == 0);
      assertEquals(started.get(), ended());
      List<String> received = requestIds("").stream().filter(id -> id.startsWith(prefix)).toList();
      Set<String> distinct = new HashSet<>(received);
      assertEquals(received.size(), distinct.size(), "the service received a request id twice");
      List<String> wronglyReported = new ArrayList<>(notSent);
      wronglyReported.retainAll(distinct);
      assertEquals(List.of(), wronglyReported, "reported as not sent, but received");
    }

    @Override
    public String toString() {
      return ended()
          + " calls, "
          + countRequests(id -> id.startsWith(prefix))
          + " received by the service, "
          + notSent.size()
          + " reported as not sent; "
          + counts();
    }
  }
}
