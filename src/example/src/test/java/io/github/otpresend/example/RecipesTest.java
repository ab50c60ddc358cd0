// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.example.recipes.Configuration;
import io.github.otpresend.example.recipes.CoroutinesKt;
import io.github.otpresend.example.recipes.Health;
import io.github.otpresend.example.recipes.Outcomes;
import io.github.otpresend.example.recipes.Stages;
import io.github.otpresend.example.recipes.VirtualThreads;
import io.github.otpresend.sandbox.OtpSandbox;
import io.github.otpresend.sandbox.SessionState;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.config.ConfigRetriever;
import io.vertx.config.ConfigRetrieverOptions;
import io.vertx.config.ConfigStoreOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.VertxExtension;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import kotlin.coroutines.EmptyCoroutineContext;
import kotlinx.coroutines.BuildersKt;
import kotlinx.coroutines.CoroutineStart;
import kotlinx.coroutines.GlobalScope;
import kotlinx.coroutines.Job;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The recipes, with the sandbox. */
@ExtendWith(VertxExtension.class)
class RecipesTest {
  /** A fake, as a user's test may have. Its service answers with {@code success} false. */
  private static final OtpResendClient NOT_ACCEPTING =
      new OtpResendClient() {
        @Override
        public Future<ResendResponse> resend(String requestId) {
          return Future.succeededFuture(new ResendResponse(false, Optional.empty()));
        }

        @Override
        public Future<Void> close() {
          return Future.succeededFuture();
        }
      };

  private final OtpSandbox sandbox = OtpSandbox.start();
  private Vertx vertx;
  private OtpResendClient client;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    client = OtpResendClient.create(vertx, options().setToken(sandbox.token()));
    sandbox.session("open");
    sandbox.session("refused").inState(SessionState.ATTEMPTS_EXPIRED);
  }

  @AfterEach
  void stop() {
    sandbox.close();
  }

  private OtpResendOptions options() {
    return new OtpResendOptions().setBaseUrl(sandbox.baseUrl());
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.await(30, TimeUnit.SECONDS);
  }

  @Test
  void the_health_check_sees_whether_the_address_is_served() throws Exception {
    assertFalse(await(Health.checks(vertx).checkStatus()).getUp());
    AtomicInteger requests = new AtomicInteger(); // the verticle opens a connection ahead
    HttpServer service =
        vertx.createHttpServer().requestHandler(request -> requests.incrementAndGet());
    await(service.listen(0, "localhost"));
    String url = "http://localhost:" + service.actualPort();
    await(vertx.deployVerticle(new OtpResendVerticle(options().setBaseUrl(url).setToken("any"))));
    assertTrue(await(Health.checks(vertx).checkStatus()).getUp());
    assertEquals(0, requests.get());
  }

  @Test
  void a_late_answer_does_not_complete_the_health_check_again() throws Exception {
    List<Throwable> thrown = new CopyOnWriteArrayList<>();
    vertx.exceptionHandler(thrown::add);
    Promise<Void> answered = Promise.promise();
    vertx
        .eventBus()
        .consumer(
            "otp.resend",
            message ->
                vertx.setTimer( // Vert.x ends a check after 1 s
                    1_500,
                    timer -> {
                      message.fail(400, "late");
                      vertx.setTimer(100, any -> answered.complete());
                    }));
    assertFalse(await(Health.checks(vertx).checkStatus()).getUp());
    await(answered.future());
    assertEquals(List.of(), thrown);
  }

  @Test
  void an_address_that_something_else_serves_is_not_healthy() throws Exception {
    vertx.eventBus().consumer("otp.resend", message -> message.reply("something else"));
    assertFalse(await(Health.checks(vertx).checkStatus()).getUp());
  }

  @Test
  void a_configuration_without_options_or_with_a_wrong_option_is_named() {
    assertEquals("The configuration has no object otp", refusal(new JsonObject().put("other", 1)));
    JsonObject wrong = new JsonObject().put("otp", new JsonObject().put("timeout", "soon"));
    assertTrue(refusal(wrong).contains("timeout"), refusal(wrong));
  }

  private String refusal(JsonObject config) {
    ConfigStoreOptions store = new ConfigStoreOptions().setType("json").setConfig(config);
    ConfigRetriever retriever =
        ConfigRetriever.create(vertx, new ConfigRetrieverOptions().addStore(store));
    return assertThrows(
            IllegalArgumentException.class, () -> await(Configuration.deploy(vertx, retriever)))
        .getMessage();
  }

  @Test
  void the_configuration_is_read_and_a_new_token_is_used(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("config.json");
    JsonObject config =
        new JsonObject()
            .put("otpToken", "old")
            .put("otp", new JsonObject().put("baseUrl", sandbox.baseUrl()))
            .put("another", "key");
    Files.writeString(file, config.encode());
    ConfigRetriever retriever =
        ConfigRetriever.create(
            vertx,
            new ConfigRetrieverOptions()
                .setScanPeriod(50)
                .addStore(
                    new ConfigStoreOptions()
                        .setType("file")
                        .setConfig(new JsonObject().put("path", file.toString()))));
    await(Configuration.deploy(vertx, retriever));
    OtpResendClient overBus = OtpResendClient.overEventBus(vertx);
    assertEquals(ResendFailure.UNAUTHORIZED, failureOf(overBus.resend("open")));

    Future<?> changed = Future.future(p -> retriever.listen(change -> p.tryComplete()));
    Files.writeString(file, config.put("otpToken", sandbox.token()).encode());
    await(changed);
    assertTrue(await(overBus.resend("open")).success());
  }

  private static ResendFailure failureOf(Future<?> resend) {
    return assertThrows(ResendException.class, () -> await(resend)).failure();
  }

  @Test
  void a_stage_and_a_single_send_once() throws Exception {
    assertTrue(
        Stages.stage(client, "open").toCompletableFuture().get(30, TimeUnit.SECONDS).success());
    assertThrows(
        ResendException.class, () -> Stages.single(client, "refused").retry(3).blockingGet());
    assertEquals(1, sandbox.requests("refused"));
  }

  @Test
  void a_coroutine_waits_for_the_outcome() throws Exception {
    assertEquals("SENT", inCoroutine(client, "open"));
    assertEquals("START_OVER", inCoroutine(client, "refused"));
    assertEquals("NOT_ACCEPTED", inCoroutine(NOT_ACCEPTING, "any"));
  }

  private static String inCoroutine(OtpResendClient client, String requestId) throws Exception {
    return BuildersKt.runBlocking(
        EmptyCoroutineContext.INSTANCE,
        (scope, continuation) -> CoroutinesKt.resendAndWait(client, requestId, continuation));
  }

  @Test
  void a_coroutine_that_is_cancelled_does_not_cancel_the_resend() {
    Job job =
        BuildersKt.async(
            GlobalScope.INSTANCE,
            EmptyCoroutineContext.INSTANCE,
            CoroutineStart.UNDISPATCHED, // so that it has asked when it is cancelled
            (scope, continuation) -> CoroutinesKt.resendAndWait(client, "open", continuation));
    job.cancel(null);
    assertTrue(job.isCancelled());
    Browser.await(() -> sandbox.resends("open") == 1, () -> "the resend was cancelled");
  }

  @Test
  void a_virtual_thread_waits_for_the_outcome() throws Exception {
    assumeTrue(Runtime.version().feature() >= 21, "this JDK has no virtual threads");
    assertEquals("SENT", onVirtualThread(client, "open"));
    assertEquals("START_OVER", onVirtualThread(client, "refused"));
    assertEquals("NOT_ACCEPTED", onVirtualThread(NOT_ACCEPTING, "any"));
  }

  private String onVirtualThread(OtpResendClient client, String requestId) throws Exception {
    return await(
        Future.future(
            p ->
                vertx.deployVerticle(
                    () ->
                        new io.vertx.core.VerticleBase() {
                          @Override
                          public Future<?> start() {
                            p.complete(VirtualThreads.resend(client, requestId));
                            return Future.succeededFuture();
                          }
                        },
                    new io.vertx.core.DeploymentOptions()
                        .setThreadingModel(io.vertx.core.ThreadingModel.VIRTUAL_THREAD))));
  }

  @Test
  void outcomes_are_counted_by_kind_and_no_id_is_in_a_tag() throws Exception {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    OtpResendClient counted = new Outcomes(client, registry);
    await(EventBusAdapter.register(vertx, "otp.resend", counted));
    await(counted.resend("open"));
    failureOf(OtpResendClient.overEventBus(vertx).resend("refused"));
    await(new Outcomes(NOT_ACCEPTING, registry).resend("any"));

    assertEquals(1, registry.get("otp.resend").tag("outcome", "NOT_ACCEPTED").timer().count());
    assertEquals(1, registry.get("otp.resend").tag("outcome", "SUCCESS").timer().count());
    assertEquals(1, registry.get("otp.resend").tag("outcome", "ATTEMPTS_EXPIRED").timer().count());
    assertFalse(registry.getMetersAsString().contains("refused"));
  }

  @Test
  void each_recipe_is_short() throws Exception {
    try (Stream<Path> files = Files.walk(Path.of("src", "main"))) {
      for (Path file : files.filter(file -> file.toString().contains("recipes/")).toList()) {
        List<String> lines =
            Files.readAllLines(file).stream()
                .filter(
                    Pattern.compile("^(package|import|//|/\\*\\*|\\s*\\*|$)")
                        .asPredicate()
                        .negate())
                .toList();
        assertTrue(lines.size() < 35, file + " has " + lines.size() + " lines");
      }
    }
  }
}
