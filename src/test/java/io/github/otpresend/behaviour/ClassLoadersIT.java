// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.testing.Calls;
import io.github.otpresend.testing.FakeCluster;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.VertxExtension;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several class loaders load the library in one JVM, or a part of Jackson is missing. */
@ExtendWith(VertxExtension.class)
class ClassLoadersIT {
  private static final String VERTICLE = OtpResendVerticle.class.getName();
  private static final String REFUSAL =
      FaultServer.response(
          404,
          "Retry-After: 7",
          "{\"type\":\"SessionNotFoundException\",\"message\":\"gone\",\"payload\":{\"a\":[1.5]}}");

  /** Timeout in ms, longer than the tests wait. A call that ends has not waited for it. */
  private static final int LONG = (int) Calls.PATIENCE.plusSeconds(5).toMillis();

  /** Timeout in ms for tests in which a call times out. It is long enough for the other calls. */
  private static final int SHORT = 2_000;

  private Vertx vertx;
  private FaultServer server;

  /** Latch that the service awaits before it answers a request id that contains "held". */
  private volatile CountDownLatch answer = new CountDownLatch(1);

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server =
        FaultServer.onRequest(
            peer -> {
              String head = peer.head();
              if (head.contains("silent")) {
                peer.silence();
              } else if (head.contains("held")) {
                peer.await(answer);
              }
              if (head.contains("refused")) {
                peer.write(REFUSAL);
              } else if (head.contains("malformed")) {
                peer.write(FaultServer.response(200, "[]"));
              } else { // the space makes the client parse the text as JSON
                peer.write(FaultServer.response(200, "{\"success\": true}"));
              }
            });
  }

  @AfterEach
  void stop() {
    answer.countDown();
    server.close();
  }

  private JsonObject config(int timeoutMillis) {
    return server.config().put("timeout", timeoutMillis);
  }

  /** Deploys the verticle by its class name. */
  private Future<String> deploy(ClassLoader loader, JsonObject config) {
    return vertx.deployVerticle(
        VERTICLE, new DeploymentOptions().setClassLoader(loader).setConfig(config));
  }

  private Future<JsonObject> request(String requestId) {
    return request(OtpResendOptions.DEFAULT_ADDRESS, requestId);
  }

  private Future<JsonObject> request(String address, String requestId) {
    return vertx
        .eventBus()
        .<JsonObject>request(address, new JsonObject().put("requestId", requestId))
        .map(Message::body);
  }

  private static void assertSuccess(Future<?> reply) {
    assertEquals(new JsonObject().put("success", true), await(reply));
  }

  private static ResendException refusalOf(Future<?> reply) {
    return ResendException.from(assertInstanceOf(ReplyException.class, causeOf(reply)));
  }

  private static void assertRefusal(ResendException refusal) {
    assertEquals(
        """
        {"type":"SessionNotFoundException","message":"gone","httpStatus":404,\
        "maybeSent":false,"retryAfterMs":7000,"payload":{"a":[1.5]}}\
        """,
        refusal.toJson().encode());
  }

  /** Reads the failure by reflection, because another class loader may have loaded its class. */
  private static void assertNotDecoded(Throwable failure) {
    assertEquals("INVALID_RESPONSE", IsolatingLoader.property(failure, "failure").toString());
    assertEquals(502, IsolatingLoader.property(failure, "httpStatus"));
    assertEquals(true, IsolatingLoader.property(failure, "maybeSent"));
  }

  @Test
  void a_verticle_can_be_redeployed_with_another_class_loader() {
    for (int i = 0; i < 3; i++) {
      IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
      String deployment = await(deploy(loader, config(LONG)));
      assertTrue(loader.hasLoaded(VERTICLE));
      assertSuccess(request("one"));
      assertSuccess(request("another"));
      await(vertx.undeploy(deployment));
    }
  }

  @Test
  void the_library_sends_no_version_if_its_resource_file_is_missing() {
    IsolatingLoader loader = IsolatingLoader.ofLibrary();
    loader.hideResource("io/github/otpresend/internal/http/user-agent.txt");
    IsolatingLoader.Client client = loader.new Client("create", vertx, config(LONG));
    await(client.resend("id"));
    assertTrue(
        server.requests().get(0).contains("\r\nuser-agent: vertx-otp-resend\r\n"),
        server.requests().get(0));
  }

  @Test
  void verticles_of_different_class_loaders_share_a_resend_and_its_outcome() {
    List<String> addresses = List.of("codes.one", "codes.two", "codes.three");
    await(deploy(IsolatingLoader.ofLibraryAndJackson(), config(LONG).put("address", "codes.one")));
    await(deploy(IsolatingLoader.ofLibraryAndJackson(), config(LONG).put("address", "codes.two")));
    await(deploy(getClass().getClassLoader(), config(LONG).put("address", "codes.three")));
    for (String first : addresses) {
      answer = new CountDownLatch(1);
      server.forgetRequests();
      List<Future<?>> successes = new ArrayList<>(List.of(request(first, "held")));
      List<Future<?>> refusals = new ArrayList<>(List.of(request(first, "held-refused")));
      eventually("the service is called twice", () -> server.requests().size() == 2);
      for (String address : addresses) {
        successes.add(request(address, "held"));
        refusals.add(request(address, "held-refused"));
        causeOf(request(address, "..")); // its reply shows that it has received the messages before
      }
      answer.countDown();
      successes.forEach(ClassLoadersIT::assertSuccess);
      refusals.forEach(reply -> assertRefusal(refusalOf(reply)));
      assertEquals(2, server.requests().size());
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT) // waits for a deadline
  void the_class_loader_of_a_verticle_is_garbage_collected_after_the_verticle_is_undeployed() {
    restartVertxWithAllThreads();
    assertGarbageCollected(deployUseUndeploy(IsolatingLoader.ofLibrary()));
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT) // waits for a deadline
  void the_class_loader_of_a_client_is_garbage_collected_after_the_client_is_closed() {
    restartVertxWithAllThreads();
    assertGarbageCollected(createUseClose(IsolatingLoader.ofLibrary()));
  }

  /**
   * Restarts Vert.x, and starts all its threads from code of the tests. A thread references the
   * context class loader of the code that started it and, before JDK 24, the class loaders of all
   * code on the stack.
   */
  private void restartVertxWithAllThreads() {
    await(vertx.close());
    vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    OtpResendClient first = OtpResendClient.create(vertx, new OtpResendOptions(config(LONG)));
    await(first.resend("id"));
    await(first.close());
  }

  @Test
  void a_cooldown_of_a_day_keeps_no_class_loader_and_goes_on() {
    restartVertxWithAllThreads();
    List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      loaders.add(cool(IsolatingLoader.ofLibrary(), "cooling-" + i));
    }
    loaders.forEach(ClassLoadersIT::assertGarbageCollected);
    OtpResendClient next = OtpResendClient.create(vertx, new OtpResendOptions(config(LONG)));
    for (int i = 0; i < 3; i++) {
      ResendException refusal = failureOf(next.resend("cooling-" + i));
      assertEquals(ResendFailure.COOLING_DOWN, refusal.failure());
      assertTrue(refusal.retryAfter().orElseThrow().toHours() >= 23);
    }
  }

  /** Makes many calls, so that cooldowns that have ended are looked for, too. */
  private WeakReference<ClassLoader> cool(IsolatingLoader loader, String id) {
    JsonObject config = config(LONG).put("cooldown", 86_400_000);
    IsolatingLoader.Client client = loader.new Client("create", vertx, config);
    await(client.resend(id));
    for (int i = 0; i < 1_100; i++) {
      await(client.resend(id + "-" + i));
    }
    await(client.close());
    return new WeakReference<>(loader);
  }

  @Test
  void copies_of_the_library_on_one_node_never_use_the_same_owner_or_send_an_id_twice() {
    FakeCluster cluster = new FakeCluster();
    Vertx node = cluster.join("node");
    JsonObject config = config(LONG).put("singleFlight", false).put("cooldown", 60_000);
    List<IsolatingLoader.Client> clients = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      clients.add(IsolatingLoader.ofLibrary().new Client("create", node, config));
    }
    List<Future<?>> calls = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      for (IsolatingLoader.Client client : clients) {
        calls.add(client.resend("id-" + i));
        calls.add(client.resend(client.hashCode() + "-" + i)); // the other client does not use it
      }
    }
    calls.forEach(call -> eventually("the call has ended", call::isComplete));
    assertEquals(300, server.requests().size());
    assertEquals(300, calls.stream().filter(Future::succeeded).count());
    eventually(
        "the cooldowns are stored",
        () ->
            cluster.entries().size() == 300
                && cluster.entries().keySet().stream().allMatch(key -> key.endsWith("/cooling")));
    assertEquals(
        300,
        cluster.entries().values().stream()
            .map(entry -> entry.value().split(" ", 4)[3])
            .distinct()
            .count());
    await(node.close());
  }

  private WeakReference<ClassLoader> deployUseUndeploy(IsolatingLoader loader) {
    OtpResendClient client = OtpResendClient.create(vertx, new OtpResendOptions(config(LONG)));
    String deployment = await(deploy(loader, config(SHORT)));
    List<Future<?>> shared =
        List.of(client.resend("held"), request("held"), request("held-too"), request("held-too"));
    causeOf(request("..")); // its reply shows that it has received the messages before
    answer.countDown();
    shared.forEach(Calls::await);
    assertRefusal(refusalOf(request("refused")));
    assertEquals(ResendFailure.TIMEOUT, refusalOf(request("silent")).failure());
    await(vertx.undeploy(deployment));
    return new WeakReference<>(loader);
  }

  private WeakReference<ClassLoader> createUseClose(IsolatingLoader loader) {
    IsolatingLoader.Client client = loader.new Client("create", vertx, config(SHORT));
    await(client.resend("id"));
    causeOf(client.resend("refused"));
    causeOf(client.resend("silent"));
    await(client.close());
    return new WeakReference<>(loader);
  }

  private static void assertGarbageCollected(WeakReference<?> reference) {
    eventually(
        "the class loader is garbage collected",
        () -> {
          System.gc();
          return reference.refersTo(null);
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"databind.", "core.", "core.JsonParseException"})
  void no_client_can_be_created_without_the_parts_of_jackson_that_every_call_needs(String part) {
    IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
    loader.hideClasses("com.fasterxml.jackson." + part);
    assertInstanceOf(LinkageError.class, causeOf(deploy(loader, config(LONG))));
    assertThrows(LinkageError.class, () -> loader.new Client("create", vertx, config(LONG)));
    assertEquals(0, server.connections());
    assertEquals(List.of(), server.requests());
  }

  @Test
  void without_the_redis_client_calls_succeed_and_the_option_names_the_artifact() {
    IsolatingLoader loader = IsolatingLoader.withoutRedis();
    IsolatingLoader.Client client = loader.new Client("create", vertx, config(LONG));
    await(client.resend("id"));
    await(client.close());
    JsonObject redis = config(LONG).put("redis", "redis://:geheim@localhost");
    String refusal =
        assertThrows(
                IllegalArgumentException.class, () -> loader.new Client("create", vertx, redis))
            .getMessage();
    assertTrue(refusal.contains("io.vertx:vertx-redis-client"), refusal);
    assertFalse(refusal.contains("geheim"), refusal);
  }

  @Test
  void no_client_over_the_event_bus_can_be_created_without_jackson_databind() {
    IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
    loader.hideClasses("com.fasterxml.jackson.databind.");
    assertThrows(LinkageError.class, () -> loader.new Client("overEventBus", vertx, config(LONG)));
  }

  @Test
  void an_answer_that_needs_a_missing_class_ends_the_call_at_once() {
    IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
    JsonObject config = config(LONG).put("maxConnections", 1);
    await(deploy(loader, config));
    IsolatingLoader.Client client = loader.new Client("create", vertx, config);
    loader.hideJacksonClassesNotLoaded();
    for (int i = 0; i < 2; i++) {
      assertNotDecoded(refusalOf(request("malformed")));
      assertSuccess(request("id"));
      Throwable failure = causeOf(client.resend("malformed"));
      assertNotDecoded(failure);
      assertInstanceOf(LinkageError.class, failure.getCause());
      await(client.resend("id"));
    }
  }

  @Test
  void a_shared_outcome_that_needs_a_missing_class_ends_the_call_at_once() {
    OtpResendClient client = OtpResendClient.create(vertx, new OtpResendOptions(config(LONG)));
    IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
    await(deploy(loader, config(LONG)));
    loader.hideJacksonClassesNotLoaded();
    Future<?> first = client.resend("held-refused");
    eventually("the service is called", () -> server.requests().size() == 1);
    Future<?> second = request("held-refused");
    causeOf(request("..")); // its reply shows that it has received the message before
    answer.countDown();
    assertRefusal(failureOf(first));
    assertNotDecoded(refusalOf(second));
    assertEquals(1, server.requests().size());
  }

  @Test
  void an_event_bus_reply_that_needs_a_missing_class_ends_the_call_at_once() {
    await(deploy(getClass().getClassLoader(), config(LONG)));
    IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
    IsolatingLoader.Client client = loader.new Client("overEventBus", vertx, config(LONG));
    loader.hideJacksonClassesNotLoaded();
    Throwable failure = causeOf(client.resend("refused"));
    assertNotDecoded(failure);
    assertInstanceOf(LinkageError.class, failure.getCause());
  }
}
