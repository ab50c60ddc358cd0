// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.cluster;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
 * A cluster of three JVMs. This JVM sends the messages. The launcher of Vert.x started the others:
 * one has only the verticle, and the other also deploys and undeploys verticles for the test.
 */
@Timeout(120)
@TestMethodOrder(
    MethodOrderer.OrderAnnotation
        .class) // this order starts the fewest JVMs; any other order works too
class ClusterTest {
  private static final Pattern REQUEST = Pattern.compile("POST /api/([^/]+)/resend ");

  /** The logger of Vert.x that warns of unreachable nodes and discarded messages. */
  private static final Logger BUS_LOG = Logger.getLogger("io.vertx.core.eventbus.impl");

  @TempDir static Path directory;

  private static TestCluster cluster;
  private static Vertx vertx;
  private static FaultServer server;
  private static volatile CountDownLatch answer = new CountDownLatch(0);
  private static @Nullable NodeProcess pure;
  private static @Nullable NodeProcess controlled;
  private static String deployment = "";

  private final OtpResendClient caller =
      OtpResendClient.overEventBus(vertx, new OtpResendOptions().setTimeout(Duration.ofSeconds(5)));

  @BeforeAll
  static void start() {
    BUS_LOG.setLevel(Level.OFF);
    server = FaultServer.onRequest(ClusterTest::serve);
    cluster = new TestCluster(directory);
    vertx = cluster.join();
  }

  @AfterAll
  static void stop() {
    // the other nodes are killed first, so that this node need not wait for them
    Stream.of(pure, controlled).filter(node -> node != null).forEach(NodeProcess::close);
    await(vertx.close());
    server.close();
    BUS_LOG.setLevel(null);
  }

  private void bothServe() {
    if (pure == null || !pure.isAlive()) {
      pure = launchPure();
    }
    startControlled();
    eventually("both serve", () -> servedBy("of-pure") && servedBy("of-controlled"));
  }

  /** Kills the pure node, so that a test may start another JVM. */
  private void controlledServesAlone() {
    if (pure != null) {
      pure.kill();
    }
    startControlled();
    eventually("it serves", () -> servedBy("of-controlled") && servedBy("of-controlled"));
  }

  private static void startControlled() {
    if (controlled == null || !controlled.isAlive()) {
      controlled = cluster.launch(RemoteControl.class.getName(), new JsonObject());
      deployment = deploy(OtpResendVerticle.class, config("of-controlled"));
      deploy(EveryFailure.class, new JsonObject());
    }
  }

  @AfterEach
  void answerAll() {
    answer.countDown();
  }

  private static NodeProcess launchPure() {
    return cluster.launch("io.github.otpresend.OtpResendVerticle", config("of-pure"));
  }

  /** The token shows the server which node sent the request. */
  private static JsonObject config(String token) {
    return new JsonObject()
        .put("baseUrl", server.baseUrl())
        .put("token", token)
        .put("timeout", 5_000);
  }

  private static String deploy(Class<?> verticle, JsonObject config) {
    return await(RemoteControl.deploy(vertx, verticle, config));
  }

  private boolean servedBy(String token) {
    String id = "probe-" + probes.incrementAndGet();
    await(caller.resend(id).otherwise(new ResendResponse(false)));
    return requests(token).contains(id);
  }

  private static final AtomicInteger probes = new AtomicInteger();

  /** Handles a request as its id says. */
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
      LockSupport.parkNanos(20_000_000); // the time that a service needs
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

  /** Returns the request ids that the server received from a node, or from all nodes. */
  private static List<String> requests(String token) {
    return server.requests().stream()
        .filter(head -> token.isEmpty() || head.contains("Bearer " + token + "\r\n"))
        .map(ClusterTest::idOf)
        .toList();
  }

  private static long requestsFor(Predicate<String> id) {
    return requests("").stream().filter(id).count();
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

  private static JsonObject json(Future<ResendResponse> resend) {
    return await(
        resend
            .map(ResendResponse::toJson)
            .recover(
                failure ->
                    Future.succeededFuture(
                        assertInstanceOf(ResendException.class, failure).toJson())));
  }

  private static JsonObject direct(String outcome) {
    OtpResendClient client = OtpResendClient.create(vertx, new OtpResendOptions(config("direct")));
    try {
      return json(client.resend(outcome + "~direct"));
    } finally {
      await(client.close());
    }
  }

  @Test
  @Order(1)
  void every_outcome_of_the_service_arrives_from_both_nodes() {
    bothServe();
    int before = requests("").size();
    for (String outcome : outcomes()) {
      JsonObject expected = direct(outcome);
      assertEquals(expected, json(caller.resend(outcome + "~one")), outcome);
      assertEquals(expected, json(caller.resend(outcome + "~another")), outcome);
    }
    assertEquals(before + 3 * outcomes().size(), requests("").size());
    List<String> ofPure = requests("of-pure");
    for (String outcome : outcomes()) { // Vert.x sends to the nodes in turn
      assertTrue(ofPure.contains(outcome + "~one") != ofPure.contains(outcome + "~another"));
    }
  }

  @Test
  @Order(1)
  void every_kind_of_failure_arrives_from_another_node() {
    bothServe();
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
  void a_node_without_the_library_gets_code_and_json_of_every_outcome() {
    controlledServesAlone();
    List<String> questions = new ArrayList<>();
    outcomes().forEach(outcome -> questions.add("otp.resend/" + outcome + "~plain"));
    for (ResendFailure kind : ResendFailure.values()) {
      questions.add(EveryFailure.ADDRESS + "/" + kind);
    }
    Map<String, JsonObject> answers;
    try (NodeProcess plain =
        cluster.startPlain(PlainAsker.class, questions.toArray(String[]::new))) {
      plain.awaitEnd();
      answers =
          plain.lines().stream()
              .filter(line -> line.startsWith("answer: "))
              .map(line -> new JsonObject(line.substring("answer: ".length())))
              .collect(Collectors.toMap(line -> line.getString("id"), line -> line));
      assertEquals(questions.size(), answers.size(), plain::toString);
    }
    for (String outcome : outcomes()) {
      if (outcome.equals("success")) {
        assertEquals(direct(outcome), answers.get("success~plain").getJsonObject("reply"));
      } else {
        assertAnswer(direct(outcome), answers.get(outcome + "~plain"));
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
  void a_caller_that_left_the_cluster_does_no_harm() {
    controlledServesAlone();
    answer = new CountDownLatch(1);
    try (NodeProcess plain = cluster.startPlain(PlainAsker.class, "otp.resend/held-gone")) {
      plain.line("asking: ");
      eventually("the service is called", () -> requestsFor("held-gone"::equals) == 1);
      plain.kill();
    }
    answer.countDown();
    // the caller was a member, so the cluster-wide map may wait until the cluster removes it
    eventually("it serves", () -> servedBy("of-controlled"));
    assertEquals(1, requestsFor("held-gone"::equals));
  }

  @Test
  @Order(1)
  void two_hundred_messages_for_one_request_id_to_two_nodes_send_once() {
    bothServe();
    answer = new CountDownLatch(1);
    AtomicInteger refused = new AtomicInteger();
    List<Future<ResendResponse>> asked =
        IntStream.range(0, 200)
            .mapToObj(
                i -> caller.resend("held-by-all").onFailure(refusal -> refused.incrementAndGet()))
            .toList();
    // Vert.x sends to the nodes in turn, so one node shares its call among half of the messages
    eventually("the other node's half is refused", () -> refused.get() == 100);
    answer.countDown();

    int successes = 0;
    for (Future<ResendResponse> one : asked) {
      eventually("it ends", one::isComplete);
      if (one.succeeded()) {
        successes++;
      } else {
        assertEquals(
            ResendFailure.ALREADY_IN_PROGRESS, ResendException.from(one.cause()).failure());
      }
    }
    assertEquals(100, successes);
    assertEquals(1, requestsFor("held-by-all"::equals));
    assertTrue(await(caller.resend("held-by-all")).success(), "it is free again");
  }

  @Test
  @Order(1)
  void without_a_serving_node_nothing_is_sent() {
    bothServe();
    ResendException failure =
        failureOf(
            OtpResendClient.overEventBus(vertx, new OtpResendOptions().setAddress("nobody.serves"))
                .resend("unserved"));
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertFalse(failure.maybeSent());
  }

  @Test
  @Order(6)
  void a_call_to_a_node_that_is_killed_before_it_sends_is_maybe_sent() {
    controlledServesAlone();
    // the server accepted the connection but does not answer the handshake
    try (FaultServer mute = FaultServer.onConnection("https", FaultServer.Peer::silence)) {
      JsonObject config = config("of-mute").put("baseUrl", mute.baseUrl()).put("address", "mute");
      deploy(OtpResendVerticle.class, config);
      Future<ResendResponse> resend =
          OtpResendClient.overEventBus(
                  vertx,
                  new OtpResendOptions().setAddress("mute").setTimeout(Duration.ofSeconds(2)))
              .resend("never-sent");
      eventually("it connects", () -> mute.connections() == 1);
      controlled.kill();
      ResendException failure = failureOf(resend);
      assertEquals(ResendFailure.TIMEOUT, failure.failure());
      assertTrue(failure.maybeSent());
    }
  }

  @Test
  @Order(4)
  void a_call_to_a_node_that_is_killed_after_it_sent_is_maybe_sent() {
    bothServe();
    answer = new CountDownLatch(1);
    Future<ResendResponse> one = caller.resend("held-one");
    Future<ResendResponse> another = caller.resend("held-another"); // sent to the other node
    eventually("both are called", () -> requestsFor(id -> id.matches("held-(one|another)")) == 2);
    boolean isOne = requests("of-pure").contains("held-one");
    pure.kill();
    ResendException failure = failureOf(isOne ? one : another);
    assertEquals(ResendFailure.TIMEOUT, failure.failure());
    assertTrue(failure.maybeSent());
    assertEquals(2, requestsFor(id -> id.matches("held-(one|another)")));
  }

  @Test
  @Order(3)
  void during_a_kill_and_a_redeployment_every_call_ends_and_is_sent_at_most_once() {
    bothServe();
    Load load = new Load("load-storm-");
    load.reaches(1_000);
    pure.kill();
    load.reaches(1_500);
    pure = launchPure();
    load.reaches(3_000);
    await(RemoteControl.undeploy(vertx, deployment));
    load.reaches(4_000);
    deployment = deploy(OtpResendVerticle.class, config("of-controlled"));
    load.reaches(5_000);

    load.endsHonestly();
    System.out.println("Cluster: a kill and a redeployment under load: " + load);
  }

  @Test
  @Order(2)
  void during_a_rolling_restart_no_call_is_lost() {
    bothServe();
    Load load = new Load("load-rolling-");
    load.reaches(200);
    for (int i = 0; i < 5; i++) {
      await(RemoteControl.undeploy(vertx, deployment));
      load.reaches(load.ended() + 100);
      deployment = deploy(OtpResendVerticle.class, config("of-controlled"));
      load.reaches(load.ended() + 100);
    }
    pure.stop(); // with SIGTERM, as an operator does
    pure = launchPure();
    load.reaches(load.ended() + 200);

    load.endsHonestly();
    System.out.println("Cluster: a rolling restart under load: " + load);
    assertEquals(Set.of("SUCCESS"), load.counts().keySet(), load::toString);
  }

  /** Sends messages without a pause, 16 at a time, each once and for another request id. */
  private final class Load {
    private final String prefix;
    private final Map<String, String> outcomes = new ConcurrentHashMap<>();
    private final Set<String> notSent = ConcurrentHashMap.newKeySet();
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger running = new AtomicInteger(16);
    private volatile boolean enough;

    Load(String prefix) {
      this.prefix = prefix;
      for (int i = running.get(); i > 0; i--) {
        ask();
      }
    }

    private void ask() {
      if (enough) {
        running.decrementAndGet();
        return;
      }
      String id = prefix + asked.getAndIncrement();
      caller
          .resend(id)
          .onComplete(
              (response, cause) -> {
                ResendException failure = cause == null ? null : ResendException.from(cause);
                if (failure != null && !failure.maybeSent()) {
                  notSent.add(id);
                }
                outcomes.put(id, failure == null ? "SUCCESS" : "" + failure.failure());
                ask();
              });
    }

    int ended() {
      return outcomes.size();
    }

    void reaches(int count) {
      eventually(count + " outcomes", () -> ended() >= count);
    }

    Map<String, Integer> counts() {
      Map<String, Integer> counts = new TreeMap<>();
      outcomes.values().forEach(outcome -> counts.merge(outcome, 1, Integer::sum));
      return counts;
    }

    void endsHonestly() {
      enough = true;
      eventually("all messages are answered", () -> running.get() == 0);
      assertEquals(asked.get(), ended());
      List<String> seen = requests("").stream().filter(id -> id.startsWith(prefix)).toList();
      Set<String> distinct = new HashSet<>(seen);
      assertEquals(seen.size(), distinct.size(), "an id was seen twice");
      List<String> lies = new ArrayList<>(notSent);
      lies.retainAll(distinct);
      assertEquals(List.of(), lies, "reported as not sent, but seen");
    }

    @Override
    public String toString() {
      return ended()
          + " asks, "
          + requestsFor(id -> id.startsWith(prefix))
          + " seen by the service, "
          + notSent.size()
          + " reported as not sent; "
          + counts();
    }
  }
}
