// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.docs;

import static io.github.otpresend.docs.Pages.OPERATIONS;
import static io.github.otpresend.docs.Pages.PROCESSES;
import static io.github.otpresend.docs.Pages.README;
import static io.github.otpresend.docs.Pages.REFERENCE;
import static io.github.otpresend.docs.Pages.TESTING;
import static io.github.otpresend.docs.Pages.TOKENS;
import static io.github.otpresend.docs.Pages.WEBCLIENT;
import static io.github.otpresend.docs.Pages.blocks;
import static io.github.otpresend.docs.Pages.example;
import static io.github.otpresend.docs.Pages.find;
import static io.github.otpresend.docs.Snippets.REQUEST_ID;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.sandbox.OtpSandbox;
import io.github.otpresend.sandbox.SessionState;
import io.github.otpresend.testing.RedisServer;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The Java examples of README and the manual work. */
@Timeout(60)
class ExamplesIT {
  private static final String VERTX_IMPORTS =
      "import io.vertx.core.*; import io.vertx.core.eventbus.*; import io.vertx.core.json.*;";
  private static final String ALL_IMPORTS =
      VERTX_IMPORTS
          + "import io.github.otpresend.*; import java.time.Duration;"
          + "import java.util.concurrent.TimeUnit;";
  private static final String SANDBOX_IMPORTS =
      ALL_IMPORTS
          + "import io.github.otpresend.sandbox.*;"
          + "import static org.junit.jupiter.api.Assertions.*;";

  private static final String CLIENT =
      """
      OtpResendClient client = OtpResendClient.create(
          vertx, new OtpResendOptions().setBaseUrl(baseUrl).setToken(token));
      """;

  private static final String DEPLOYED =
      """
      vertx.deployVerticle(new io.github.otpresend.OtpResendVerticle(
          new io.github.otpresend.OtpResendOptions().setBaseUrl(baseUrl).setToken(token))).await();
      """;

  /** The class around the example of tokens. The first fetch never completes. */
  private static final String HANGING_FETCH =
      """
      %s
      public class Recovery {
        static int fetches;

        static Future<String> fetchToken() {
          return fetches++ == 0 ? Promise.<String>promise().future() : Future.succeededFuture("new");
        }

        static %s

        public static String tokenAfterAFailure() {
          CachedTokens tokens = new CachedTokens();
          tokens.token().otherwise("failed").toCompletionStage().toCompletableFuture().join();
          return tokens.token().result();
        }
      }
      """;

  /** The class around the verticle that is deployed by its name. */
  private static final String BY_NAME =
      """
      %s
      public class Deployed {
        static String token;

        static Future<String> fetchToken() {
          return Future.succeededFuture(token);
        }

        static %s

        public static boolean success(String baseUrl, String token, String requestId) {
          Deployed.token = token;
          Vertx vertx = Vertx.vertx();
          try {
            DeploymentOptions options =
                new DeploymentOptions().setConfig(new JsonObject().put("baseUrl", baseUrl));
            vertx.deployVerticle("Deployed$TokenVerticle", options).await();
            return OtpResendClient.overEventBus(vertx).resend(requestId).await().success();
          } finally {
            vertx.close().await();
          }
        }
      }
      """;

  private static Snippets snippets;

  private final OtpSandbox sandbox = OtpSandbox.start();

  @BeforeAll
  static void start(@TempDir Path directory) {
    snippets = new Snippets(directory);
  }

  @AfterAll
  static void end() throws IOException {
    snippets.close();
  }

  @AfterEach
  void close() {
    sandbox.close();
  }

  @Test
  void no_example_calls_the_real_service() {
    for (String text : Pages.ALL.values()) {
      for (String block : blocks(text, "java")) {
        if (block.contains("OtpResendOptions()") || block.contains("OtpResendVerticle")) {
          assertTrue(block.contains("aseUrl"), block);
        }
      }
    }
  }

  @Test
  void the_use_by_event_bus_works() throws Exception {
    String example = example(README, "Use");
    sandbox.session(REQUEST_ID);

    assertEquals("reply: {\"success\":true}", log(ALL_IMPORTS, "", example));
    assertEquals(1, sandbox.resends(REQUEST_ID));
    assertEquals("next step: WAIT", log(ALL_IMPORTS, "", example));
    assertEquals(2, sandbox.requests(REQUEST_ID));
    assertEquals(1, sandbox.resends(REQUEST_ID));
  }

  @Test
  void the_use_by_future_works() throws Exception {
    String example = example(README, "vertx-otp-resend");
    sandbox.session(REQUEST_ID);

    assertEquals("success: true", log(ALL_IMPORTS, "", example));
    assertEquals(1, sandbox.resends(REQUEST_ID));
    assertEquals(
        "RESTART_COOLDOWN_ACTIVE, maybe sent: false, next: WAIT", log(ALL_IMPORTS, "", example));
    assertEquals(1, sandbox.resends(REQUEST_ID));
  }

  @Test
  void the_outcome_leads_to_the_next_step() throws Exception {
    String example = CLIENT + example(README, "Handle the outcome");

    sandbox.session(REQUEST_ID).inState(SessionState.RESEND_CHANNEL);
    assertEquals("call resend again", log(ALL_IMPORTS, "", example));
    assertEquals("accepted: true", log(ALL_IMPORTS, "", example));
    assertEquals("ask again in PT1M", log(ALL_IMPORTS, "", example));
  }

  @Test
  void the_use_in_plain_vertx_works_without_this_library() throws Exception {
    String example = example(REFERENCE, "Event-bus contract");
    sandbox.session(REQUEST_ID);

    assertEquals("success: true", log(VERTX_IMPORTS, DEPLOYED, example));
    assertEquals(1, sandbox.resends(REQUEST_ID));
    sandbox.session(REQUEST_ID).inState(SessionState.NO_AVAILABLE_CHANNELS);
    assertEquals(
        "400 NoAvailableChannelsException, maybe sent: false",
        log(VERTX_IMPORTS, DEPLOYED, example));
    assertEquals(
        "no consumer serves the address, nothing was sent", log(VERTX_IMPORTS, "", example));
    assertEquals(1, sandbox.resends(REQUEST_ID));
    assertFalse(example.contains("otpresend"));
  }

  @ParameterizedTest
  @ValueSource(strings = {README, TOKENS})
  void the_token_providers_replace_a_token_that_is_refused(String page) throws Exception {
    sandbox.session(REQUEST_ID);

    assertEquals("success: true", log(ALL_IMPORTS, "", example(page, "Tokens")));
    assertEquals(2, sandbox.requests(REQUEST_ID));
    assertEquals(1, sandbox.resends(REQUEST_ID));
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT) // the example waits for seconds
  void the_cached_tokens_recover_from_a_fetch_that_never_completes() throws Exception {
    String example = example(TOKENS, "Tokens");
    String cachedTokens = example.substring(0, example.indexOf("OtpResendClient client"));
    try (Snippets.Isolated isolated =
        snippets.compile("Recovery", HANGING_FETCH.formatted(ALL_IMPORTS, cachedTokens))) {
      assertEquals("new", isolated.load("Recovery").getMethod("tokenAfterAFailure").invoke(null));
    }
  }

  @Test
  void a_verticle_deployed_by_name_has_a_token_provider() throws Exception {
    sandbox.session(REQUEST_ID);
    String example = example(TOKENS, "Tokens, deployed by class name");
    try (Snippets.Isolated isolated =
        snippets.compile("Deployed", BY_NAME.formatted(ALL_IMPORTS, example))) {
      assertEquals(
          true,
          isolated
              .load("Deployed")
              .getMethod("success", String.class, String.class, String.class)
              .invoke(null, sandbox.baseUrl(), sandbox.token(), REQUEST_ID));
    }
    assertEquals(1, sandbox.resends(REQUEST_ID));
  }

  @Test
  void a_fake_client_returns_any_outcome() throws Exception {
    String example = example(TESTING, "Without the sandbox");
    assertEquals("next step: WAIT", log(ALL_IMPORTS, "", example));
    assertEquals(0, sandbox.requests(REQUEST_ID));
  }

  @Test
  void a_web_client_call_becomes_a_resend() throws Exception {
    List<String> examples = blocks(Pages.ALL.get(WEBCLIENT), "java");
    assertEquals(2, examples.size());
    sandbox.session(REQUEST_ID);
    String imports = ALL_IMPORTS + "import io.vertx.ext.web.client.*;";
    assertEquals("sent", log(imports, "", examples.get(0)));
    assertEquals("not sent", log(imports, "", examples.get(0)));
    sandbox.session(REQUEST_ID).inState(SessionState.OPEN);
    assertEquals("success: true", log(imports, "", examples.get(1)));
    assertEquals("next step: WAIT", log(imports, "", examples.get(1)));
  }

  @Test
  void the_use_of_redis_works(@TempDir Path directory) throws Exception {
    sandbox.session(REQUEST_ID);
    try (RedisServer redis = new RedisServer(directory)) {
      String example =
          example(PROCESSES, "Several processes with Redis")
              .replace("redis://localhost:6379", redis.url());
      String call =
          """
          OtpResendClient.create(vertx, options)
              .resend(requestId)
              .onComplete((response, failure) -> log.info(response + " " + failure));
          """;
      assertTrue(log(ALL_IMPORTS, "", example + call).contains("success=true"));
      assertTrue(log(ALL_IMPORTS, "", example + call).contains("COOLING_DOWN"));
    }
    assertEquals(1, sandbox.requests(REQUEST_ID));
  }

  @Test
  void the_readiness_of_an_address_is_seen_and_nothing_is_sent() throws Exception {
    String example = example(OPERATIONS, "Readiness");
    sandbox.session(REQUEST_ID);

    assertEquals("ready", log(VERTX_IMPORTS, DEPLOYED, example));
    assertEquals("not ready", log(VERTX_IMPORTS, "", example));
    assertEquals(0, sandbox.requests(REQUEST_ID));
  }

  @Test
  void the_short_use_of_the_sandbox_works() throws Exception {
    String example = example(README, "Test your application");

    assertEquals("passed", log(SANDBOX_IMPORTS, "", example + "log.info(\"passed\");"));
  }

  @Test
  void the_test_that_uses_the_sandbox_passes() throws Exception {
    String source = example(TESTING, "Sandbox");
    String name = find("(?m)^class (\\w+)", source).group(1);

    try (Snippets.Isolated isolated = snippets.compile(name, source)) {
      Class<?> test = isolated.load(name);
      List<Method> methods =
          Arrays.stream(test.getDeclaredMethods())
              .filter(
                  method ->
                      Arrays.stream(method.getAnnotations())
                          .anyMatch(a -> a.annotationType().getName().equals(Test.class.getName())))
              .toList();
      assertEquals(1, methods.size());
      Constructor<?> constructor = test.getDeclaredConstructor();
      constructor.setAccessible(true);
      methods.get(0).setAccessible(true);
      methods.get(0).invoke(constructor.newInstance());
    }
  }

  private String log(String imports, String before, String example) throws Exception {
    return snippets.log(sandbox, imports, before, example);
  }
}
