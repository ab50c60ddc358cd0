// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.causeOf;
import static io.github.otpresend.Calls.eventually;
import static io.github.otpresend.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonObject;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The library is loaded more than once in a JVM, or is loaded and lacks a part of Jackson. */
class ClassLoadersTest {
  private static final String VERTICLE = OtpResendVerticle.class.getName();
  private static final String REFUSAL =
      FaultServer.response(
          404,
          "Retry-After: 7",
          "{\"type\":\"SessionNotFoundException\",\"message\":\"gone\",\"payload\":{\"a\":[1.5]}}");

  /** Longer than the tests wait: what ends before has not waited for the deadline. */
  private static final int LONG = (int) Calls.PATIENCE.plusSeconds(5).toMillis();

  /** For what is to wait for the deadline, and yet long enough for what is not. */
  private static final int SHORT = 2_000;

  private Vertx vertx;
  private FaultServer server;

  /** Until the test counts it down, the service keeps the answers for ids with "held" in them. */
  private volatile CountDownLatch answer = new CountDownLatch(1);

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
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
              } else { // with a space, since without one it is not read as JSON
                peer.write(FaultServer.response(200, "{\"success\": true}"));
              }
            });
  }

  @AfterEach
  void stop() {
    answer.countDown();
    await(vertx.close());
    server.close();
  }

  private JsonObject config(int timeoutMillis) {
    return new JsonObject()
        .put("baseUrl", server.baseUrl())
        .put("token", "secret-token")
        .put("timeout", timeoutMillis);
  }

  /** Deploys the verticle by its class name. */
  private Future<String> deploy(ClassLoader loader, JsonObject config) {
    return vertx.deployVerticle(
        VERTICLE, new DeploymentOptions().setClassLoader(loader).setConfig(config));
  }

  private Future<JsonObject> ask(String requestId) {
    return ask(OtpResendOptions.DEFAULT_ADDRESS, requestId);
  }

  private Future<JsonObject> ask(String address, String requestId) {
    return vertx
        .eventBus()
        .<JsonObject>request(address, new JsonObject().put("requestId", requestId))
        .map(Message::body);
  }

  private static void assertIsTheSuccess(Future<?> asked) {
    assertEquals(new JsonObject().put("success", true), await(asked));
  }

  private static ResendException refusalOf(Future<?> asked) {
    return ResendException.from(assertInstanceOf(ReplyException.class, causeOf(asked)));
  }

  private static void assertIsTheRefusal(ResendException refusal) {
    assertEquals(
        """
        {"type":"SessionNotFoundException","message":"gone","httpStatus":404,\
        "maybeSent":false,"retryAfterMs":7000,"payload":{"a":[1.5]}}""",
        refusal.toJson().encode());
  }

  /** The failure may be of another class loader, and so of another class than the tests know. */
  private static void assertCouldNotBeDecoded(Throwable failure) {
    assertEquals("INVALID_RESPONSE", IsolatingLoader.property(failure, "failure").toString());
    assertEquals(502, IsolatingLoader.property(failure, "httpStatus"));
    assertEquals(true, IsolatingLoader.property(failure, "maybeSent"));
  }

  @Test
  void a_verticle_is_deployed_again_and_again_each_time_by_another_class_loader() {
    for (int i = 0; i < 3; i++) {
      IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
      String deployment = await(deploy(loader, config(LONG)));
      assertTrue(loader.hasLoaded(VERTICLE));
      assertIsTheSuccess(ask("one"));
      assertIsTheSuccess(ask("another"));
      await(vertx.undeploy(deployment));
    }
  }

  @Test
  void without_its_data_file_the_library_does_not_say_its_version() {
    IsolatingLoader loader = IsolatingLoader.ofLibrary();
    loader.loseResource("io/github/otpresend/user-agent.txt");
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
      List<Future<?>> successes = new ArrayList<>(List.of(ask(first, "held")));
      List<Future<?>> refusals = new ArrayList<>(List.of(ask(first, "held-refused")));
      eventually("the service is asked for both", () -> server.requests().size() == 2);
      for (String address : addresses) {
        successes.add(ask(address, "held"));
        refusals.add(ask(address, "held-refused"));
        causeOf(ask(address, "..")); // when it answers this, it has taken the messages before
      }
      answer.countDown();
      successes.forEach(ClassLoadersTest::assertIsTheSuccess);
      refusals.forEach(asked -> assertIsTheRefusal(refusalOf(asked)));
      assertEquals(2, server.requests().size());
    }
  }

  @Test
  void the_class_loader_of_a_verticle_is_garbage_once_the_verticle_is_undeployed() {
    restartWithAllThreadsRunning();
    assertIsGarbage(deployUseUndeploy(IsolatingLoader.ofLibrary()));
  }

  @Test
  void the_class_loader_of_a_client_is_garbage_once_the_client_is_closed() {
    restartWithAllThreadsRunning();
    assertIsGarbage(createUseClose(IsolatingLoader.ofLibrary()));
  }

  /**
   * A thread keeps the context class loader of the code that started it and, before JDK 24, the
   * class loaders of all that was on the stack. So each thread of Vert.x is started here first.
   */
  private void restartWithAllThreadsRunning() {
    await(vertx.close());
    vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    OtpResendClient first = OtpResendClient.create(vertx, new OtpResendOptions(config(LONG)));
    await(first.resend("id"));
    await(first.close());
  }

  private WeakReference<ClassLoader> deployUseUndeploy(IsolatingLoader loader) {
    OtpResendClient here = OtpResendClient.create(vertx, new OtpResendOptions(config(LONG)));
    String deployment = await(deploy(loader, config(SHORT)));
    List<Future<?>> shared =
        List.of(here.resend("held"), ask("held"), ask("held-too"), ask("held-too"));
    causeOf(ask("..")); // when it answers this, it has taken the messages before
    answer.countDown();
    shared.forEach(Calls::await);
    assertIsTheRefusal(refusalOf(ask("refused")));
    assertEquals(ResendFailure.TIMEOUT, refusalOf(ask("silent")).failure());
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

  private static void assertIsGarbage(WeakReference<?> reference) {
    eventually(
        "the class loader is garbage",
        () -> {
          System.gc();
          return reference.refersTo(null);
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"databind.", "core.", "core.JsonParseException"})
  void without_a_part_of_jackson_that_every_call_needs_no_client_can_be_created(String part) {
    IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
    loader.lose("com.fasterxml.jackson." + part);
    assertInstanceOf(LinkageError.class, causeOf(deploy(loader, config(LONG))));
    assertThrows(LinkageError.class, () -> loader.new Client("create", vertx, config(LONG)));
    assertEquals(0, server.connections());
    assertEquals(List.of(), server.requests());
  }

  @Test
  void without_jackson_databind_no_client_of_the_event_bus_can_be_created() {
    IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
    loader.lose("com.fasterxml.jackson.databind.");
    assertThrows(LinkageError.class, () -> loader.new Client("overEventBus", vertx, config(LONG)));
  }

  @Test
  void an_answer_that_needs_a_missing_class_ends_the_call_at_once() {
    IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
    JsonObject config = config(LONG).put("maxConnections", 1);
    await(deploy(loader, config));
    IsolatingLoader.Client client = loader.new Client("create", vertx, config);
    loader.loseWhatIsNotLoadedOfJackson();
    for (int i = 0; i < 2; i++) {
      assertCouldNotBeDecoded(refusalOf(ask("malformed")));
      assertIsTheSuccess(ask("id"));
      Throwable failure = causeOf(client.resend("malformed"));
      assertCouldNotBeDecoded(failure);
      assertInstanceOf(LinkageError.class, failure.getCause());
      await(client.resend("id"));
    }
  }

  @Test
  void a_shared_outcome_that_needs_a_missing_class_ends_the_call_at_once() {
    OtpResendClient whole = OtpResendClient.create(vertx, new OtpResendOptions(config(LONG)));
    IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
    await(deploy(loader, config(LONG)));
    loader.loseWhatIsNotLoadedOfJackson();
    Future<?> first = whole.resend("held-refused");
    eventually("the service is asked", () -> server.requests().size() == 1);
    Future<?> second = ask("held-refused");
    causeOf(ask("..")); // when it answers this, it has taken the message before
    answer.countDown();
    assertIsTheRefusal(failureOf(first));
    assertCouldNotBeDecoded(refusalOf(second));
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_reply_of_the_event_bus_that_needs_a_missing_class_ends_the_call_at_once() {
    await(deploy(getClass().getClassLoader(), config(LONG)));
    IsolatingLoader loader = IsolatingLoader.ofLibraryAndJackson();
    IsolatingLoader.Client client = loader.new Client("overEventBus", vertx, config(LONG));
    loader.loseWhatIsNotLoadedOfJackson();
    Throwable failure = causeOf(client.resend("refused"));
    assertCouldNotBeDecoded(failure);
    assertInstanceOf(LinkageError.class, failure.getCause());
  }
}
