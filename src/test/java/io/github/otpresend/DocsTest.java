// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.demo.Demo;
import io.github.otpresend.sandbox.OtpSandbox;
import io.github.otpresend.sandbox.SessionState;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Runs every Java example of README and manual, and compares what they say with the code. The
 * examples are compiled and run as those of a user are: on the class path, apart from the classes
 * of these tests.
 */
@Timeout(60)
class DocsTest {
  private static final String README = "README.md";
  private static final String REFERENCE = "src/site/markdown/reference.md";
  private static final String CLUSTER = "src/site/markdown/cluster.md";
  private static final String OPERATIONS = "src/site/markdown/operations.md";
  private static final String INTERNALS = "src/site/markdown/internals.md";

  /** Every code block of README and manual, and the test that uses it. */
  private static final String BLOCKS =
      """
      README.md, Try it, shell: DocsTest.the_commands_of_the_readme_are_those_that_the_ci_runs
      README.md, Try it, text: DocsTest.the_demo_prints_what_the_pages_show
      README.md, Install, xml: DocsTest.the_coordinates_are_those_of_the_build
      README.md, Use by future, java: DocsTest.the_use_by_future_works
      README.md, Use by event bus, java: DocsTest.the_use_by_event_bus_works
      README.md, Handle the outcome, java: DocsTest.the_outcome_leads_to_the_next_step
      README.md, Tokens, java: DocsTest.the_token_providers_replace_a_token_that_is_refused
      README.md, Test your application, java: DocsTest.the_short_use_of_the_sandbox_works
      README.md, Run the tests, shell: DocsTest.the_commands_of_the_readme_are_those_that_the_ci_runs
      cluster.md, Cluster, xml: DocsTest.the_coordinates_are_those_of_the_build
      cluster.md, Run a node as a process, shell: LauncherTest.start
      cluster.md, Run a node as a process, json: LauncherTest.start
      cluster.md, Run a node as a process, xml: LauncherTest.start
      internals.md, The steps of a call, text: DocsTest.the_steps_of_a_call_are_those_of_the_code
      operations.md, Readiness, java: DocsTest.the_readiness_of_an_address_is_seen_and_nothing_is_sent
      operations.md, A systemd service, ini: DocsTest.the_systemd_unit_starts_the_node_of_the_cluster_page
      operations.md, Upgrading Vert.x, shell: DocsTest.the_maven_commands_are_known_to_the_build
      reference.md, Dependencies and modules, xml: DocsTest.the_coordinates_are_those_of_the_build
      reference.md, Event-bus contract, java: DocsTest.the_use_in_plain_vertx_works_without_this_library
      reference.md, Tokens, java: DocsTest.the_token_providers_replace_a_token_that_is_refused
      reference.md, Sandbox, xml: DocsTest.the_coordinates_are_those_of_the_build
      reference.md, Sandbox, java: DocsTest.the_test_that_uses_the_sandbox_passes
      reference.md, The demo, shell: DocsTest.the_maven_commands_are_known_to_the_build
      reference.md, The demo, text: DocsTest.the_demo_prints_what_the_pages_show
      reference.md, The demo, shell: DocsTest.the_maven_commands_are_known_to_the_build
      verification.md, Build and test, shell: DocsTest.the_maven_commands_are_known_to_the_build
      verification.md, Build and test, shell: DocsTest.the_maven_commands_are_known_to_the_build
      verification.md, Soak, shell: DocsTest.the_maven_commands_are_known_to_the_build
      verification.md, Mutation testing, shell: DocsTest.the_maven_commands_are_known_to_the_build
      verification.md, Fuzzing, shell: DocsTest.the_maven_commands_are_known_to_the_build
      verification.md, Supply chain, shell: DocsTest.the_maven_commands_are_known_to_the_build
      verification.md, Release, shell: DocsTest.the_maven_commands_are_known_to_the_build
      """;

  private static final String REQUEST_ID = "4711";

  /** What a Maven command may consist of, besides profiles and properties. */
  private static final Set<String> WORDS =
      Set.of(
          "-q",
          "-B",
          "-DskipTests",
          "clean",
          "test-compile",
          "test",
          "package",
          "verify",
          "install",
          "deploy",
          "site",
          "exec:java",
          "surefire:test",
          "-Dexec.args=\"<requestId>\"");

  private static final Pattern HEADING = Pattern.compile("(?m)^#{1,3} (.+)$");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)]+)\\)");
  private static final Pattern MAVEN = Pattern.compile("\\bmvn( [^&|`\\n]+)");
  private static final Pattern RANGE = Pattern.compile("(\\d+) to (\\d+)");

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

  /**
   * Around the statements of an example: the names that README says belong to the application. The
   * first token that {@code fetchToken} returns is one that the service refuses.
   */
  private static final String FRAME =
      """
      %s
      public class Snippet {
        static String fetched = "stale";
        static String token;

        static Future<String> fetchToken() {
          String now = fetched;
          fetched = token;
          return Future.succeededFuture(now);
        }

        public static Runnable start(
            String baseUrl, String token, String requestId, java.util.logging.Logger log) {
          Snippet.token = token;
          Vertx vertx = Vertx.vertx();
          %s
          run(vertx, baseUrl, token, requestId, log);
          return () -> vertx.close().await();
        }

        static void run(
            Vertx vertx,
            String baseUrl,
            String token,
            String requestId,
            java.util.logging.Logger log) {
          %s
        }
      }
      """;

  /** Around the class of the example of tokens: the first fetch never completes. */
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

  /** The text of each page, by its path. */
  private static final Map<String, String> PAGES = new TreeMap<>();

  @TempDir private Path directory;
  private final OtpSandbox sandbox = OtpSandbox.start();

  @BeforeAll
  static void read() throws IOException {
    try (Stream<Path> manual = Files.list(Path.of("src", "site", "markdown"))) {
      for (Path page : Stream.concat(Stream.of(Path.of(README)), manual).toList()) {
        PAGES.put(page.toString().replace('\\', '/'), Files.readString(page));
      }
    }
  }

  @AfterEach
  void close() {
    sandbox.close();
  }

  @Test
  void every_code_block_is_used_by_a_test() throws IOException {
    List<String> blocks = new ArrayList<>();
    PAGES.forEach(
        (page, text) ->
            sections(text)
                .forEach(
                    (section, content) ->
                        Pattern.compile("(?ms)^```(\\w*)\\n.*?^```$")
                            .matcher(content)
                            .results()
                            .map(
                                block ->
                                    Path.of(page).getFileName()
                                        + ", "
                                        + section
                                        + ", "
                                        + block.group(1))
                            .forEach(blocks::add)));

    assertEquals(BLOCKS.lines().map(line -> line.split(": ")[0]).toList(), blocks);
    for (String line : BLOCKS.lines().toList()) {
      String[] test = line.split(": ")[1].split("\\.");
      assertTrue(Files.readString(source(test[0])).contains(" " + test[1] + "("), line);
    }
  }

  @Test
  void no_example_calls_the_real_service() {
    for (String text : PAGES.values()) {
      for (String block : blocks(text, "java")) {
        if (block.contains("OtpResendOptions()") || block.contains("OtpResendVerticle")) {
          assertTrue(block.contains("aseUrl"), block);
        }
      }
    }
  }

  @Test
  void the_use_by_event_bus_works() throws Exception {
    String example = example(README, "Use by event bus");
    sandbox.session(REQUEST_ID);

    assertEquals("reply: {\"success\":true}", log(ALL_IMPORTS, "", example));
    assertEquals(1, sandbox.resends(REQUEST_ID));
    assertEquals("next step: WAIT", log(ALL_IMPORTS, "", example));
    assertEquals(2, sandbox.requests(REQUEST_ID));
    assertEquals(1, sandbox.resends(REQUEST_ID));
  }

  @Test
  void the_use_by_future_works() throws Exception {
    String example = example(README, "Use by future");
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
    assertEquals("wait PT1M", log(ALL_IMPORTS, "", example));
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
  @ValueSource(strings = {README, REFERENCE})
  void the_token_providers_replace_a_token_that_is_refused(String page) throws Exception {
    sandbox.session(REQUEST_ID);

    assertEquals("success: true", log(ALL_IMPORTS, "", example(page, "Tokens")));
    assertEquals(2, sandbox.requests(REQUEST_ID));
    assertEquals(1, sandbox.resends(REQUEST_ID));
  }

  @Test
  void the_cached_tokens_recover_from_a_fetch_that_never_completes() throws Exception {
    String example = example(REFERENCE, "Tokens");
    String cachedTokens = example.substring(0, example.indexOf("OtpResendClient client"));
    try (Isolated isolated =
        compile("Recovery", HANGING_FETCH.formatted(ALL_IMPORTS, cachedTokens))) {
      assertEquals("new", isolated.load("Recovery").getMethod("tokenAfterAFailure").invoke(null));
    }
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
    String source = example(REFERENCE, "Sandbox");
    String name = find("(?m)^class (\\w+)", source).group(1);

    try (Isolated isolated = compile(name, source)) {
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

  @Test
  void the_options_tables_have_the_defaults_of_the_options() {
    JsonObject defaults = new OtpResendOptions().setToken("t").toJson();
    Map<String, List<String>> all = rows(REFERENCE, "Options");
    Map<String, List<String>> most = rows(README, "Options");

    assertEquals(defaults.fieldNames(), all.keySet());
    assertTrue(defaults.fieldNames().containsAll(most.keySet()), most::toString);
    for (String key : defaults.fieldNames()) {
      String expected =
          switch (key) {
            case "token" -> "none";
            case "webClient" -> "Vert.x's";
            default -> "`" + defaults.getValue(key) + "`";
          };
      assertEquals(expected, all.get(key).get(2), key);
      if (most.containsKey(key)) {
        assertEquals(expected, most.get(key).get(1), key);
      }
    }
  }

  @Test
  void the_options_table_has_the_ranges_of_the_options() {
    List<String> checked = new ArrayList<>();
    rows(REFERENCE, "Options")
        .forEach(
            (key, row) -> {
              Matcher range = RANGE.matcher(row.get(1));
              if (range.find()) {
                int min = Integer.parseInt(range.group(1));
                int max = Integer.parseInt(range.group(2));
                for (int good : List.of(min, max)) {
                  JsonObject json = new JsonObject().put(key, good);
                  assertEquals(good, new OtpResendOptions(json).toJson().getInteger(key), key);
                }
                for (int bad : List.of(min - 1, max + 1)) {
                  JsonObject json = new JsonObject().put(key, bad);
                  assertThrows(
                      IllegalArgumentException.class, () -> new OtpResendOptions(json), key);
                }
                checked.add(key);
              }
            });

    assertEquals(
        List.of(
            "timeout",
            "connectTimeout",
            "connectAttempts",
            "keepAliveTimeout",
            "maxConnections",
            "maxPending",
            "maxResponseBytes",
            "cooldown"),
        checked);
  }

  @Test
  void the_outcome_tables_have_every_failure_as_the_code_has_it() {
    Map<String, List<String>> details = rows(REFERENCE, "Failures that the service answers");
    details.putAll(rows(REFERENCE, "Failures of the library"));
    Map<String, List<String>> rows = rows(README, "Outcomes");

    List<String> names = Arrays.stream(ResendFailure.values()).map(Enum::name).toList();
    assertEquals(names, List.copyOf(details.keySet()));
    assertEquals(names, List.copyOf(rows.keySet()));
    for (ResendFailure failure : ResendFailure.values()) {
      String name = failure.name();
      List<String> row = details.get(name);
      boolean asSent = Set.of("SERVER_ERROR", "UNRECOGNIZED").contains(name);
      String maybeSent =
          failure == ResendFailure.UNRECOGNIZED
              ? "no for a 4xx, else yes"
              : failure.maybeSent() ? "yes" : "no";
      String nextStep = "`" + failure.nextStep() + "`";
      assertTrue(row.get(1).contains("`" + failure.type() + "`"), name);
      assertEquals(asSent ? "as sent" : String.valueOf(failure.httpStatus()), row.get(2), name);
      assertEquals(List.of(maybeSent, nextStep), row.subList(3, 5), name);
      assertFalse(row.get(5).isBlank(), name);
      assertEquals(List.of("`" + name + "`", maybeSent, nextStep), rows.get(name));
    }
  }

  @Test
  void the_steps_of_a_call_are_those_of_the_code() throws Exception {
    List<String> steps =
        Arrays.stream(Class.forName(Call.class.getName() + "$Step").getEnumConstants())
            .map(Object::toString)
            .toList();
    String diagram = blocks(section(INTERNALS, "The steps of a call"), "text").get(0);

    assertEquals(steps, List.copyOf(rows(INTERNALS, "The steps of a call").keySet()));
    steps.forEach(step -> assertTrue(diagram.contains(step), step));
  }

  @Test
  void the_commands_of_the_readme_are_those_that_the_ci_runs() throws IOException {
    String ci = Files.readString(Path.of(".ci", "run"));

    List<String> commands = List.of("mvn -q test-compile exec:java\n", "mvn -B verify\n");
    assertEquals(commands, blocks(PAGES.get(README), "shell"));
    commands.forEach(command -> assertTrue(ci.contains(command.strip()), command));
  }

  /**
   * Of every command in a block or in the text: the goals, profiles, properties and test classes.
   */
  @Test
  void the_maven_commands_are_known_to_the_build() throws IOException {
    String pom = Files.readString(Path.of("pom.xml"));
    int commands = 0;
    for (String text : PAGES.values()) {
      for (MatchResult command : MAVEN.matcher(text).results().toList()) {
        commands++;
        for (String word : command.group(1).strip().split(" ")) {
          check(word, pom, command.group());
        }
      }
    }
    assertTrue(commands > 10, commands + " commands");
  }

  private static void check(String word, String pom, String command) throws IOException {
    String[] property = word.replaceFirst("^-D", "").split("=");
    if (word.startsWith("-P")) {
      assertTrue(pom.contains("<id>" + word.substring(2) + "</id>"), command);
    } else if (word.startsWith("-Dtest=")) {
      source(property[1]);
    } else if (word.startsWith("-Dvertx.version=")) {
      assertTrue(pom.contains("<value>" + property[1] + "</value>"), command);
    } else if (word.startsWith("-Dstorm.seed=")) {
      assertTrue(Files.readString(source("StormTest")).contains("\"storm.seed\""), command);
    } else {
      assertTrue(WORDS.contains(word), () -> word + " of " + command);
    }
  }

  @Test
  void the_demo_prints_what_the_pages_show() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(out, true, UTF_8);
    Method run =
        Demo.class.getDeclaredMethod(
            "run", String[].class, Map.class, PrintStream.class, PrintStream.class);
    run.setAccessible(true);
    run.invoke(null, new String[0], Map.of(), print, print);
    List<String> printed = withoutPortAndMillis(out.toString(UTF_8));

    assertEquals(
        printed, withoutPortAndMillis(blocks(section(REFERENCE, "The demo"), "text").get(0)));
    List<String> some = withoutPortAndMillis(blocks(section(README, "Try it"), "text").get(0));
    assertEquals(printed.stream().filter(some::contains).toList(), some);
  }

  @Test
  void the_coordinates_are_those_of_the_build() throws IOException {
    String pom = Files.readString(Path.of("pom.xml"));
    String library =
        find(
                "(?s)<groupId>\\S+</groupId>\\s+<artifactId>\\S+</artifactId>\\s+<version>\\S+</version>",
                pom)
            .group()
            .replaceAll("\\s+", "");

    assertTrue(xml(README, "Install").contains(library));
    assertTrue(section(README, "Install").contains("Vert.x " + version("vertx", pom)));
    assertTrue(xml(REFERENCE, "Dependencies and modules").contains(element(version("vertx", pom))));
    assertTrue(xml(REFERENCE, "Sandbox").contains(library));
    assertTrue(xml(REFERENCE, "Sandbox").contains(element(version("wiremock", pom))));
    assertTrue(section(REFERENCE, "Sandbox").contains("WireMock " + version("wiremock", pom)));
    assertTrue(xml(CLUSTER, "Cluster").contains(element(version("vertx-hazelcast", pom))));
  }

  private static String xml(String page, String section) {
    return blocks(section(page, section), "xml").get(0).replaceAll("\\s+", "");
  }

  private static String version(String name, String pom) {
    return find("<" + name + "\\.version>(.+)</", pom).group(1);
  }

  private static String element(String version) {
    return "<version>" + version + "</version>";
  }

  @Test
  void the_systemd_unit_starts_the_node_of_the_cluster_page() {
    String unit = blocks(section(OPERATIONS, "A systemd service"), "ini").get(0);
    String shell = blocks(section(CLUSTER, "Run a node as a process"), "shell").get(0);

    assertEquals(
        find("(?s)\njava (.+)\n", shell).group(1).replace("'", ""),
        find("(?s)\nExecStart=/usr/bin/java (.+?[^\\\\])\n", unit).group(1));
    assertEquals(
        find("JDK_JAVA_OPTIONS=\"(.+)\"", shell).group(1),
        find("\"JDK_JAVA_OPTIONS=(.+)\"", unit).group(1));
    for (String exitCode : List.of("SuccessExitStatus=143", "RestartPreventExitStatus=15")) {
      assertTrue(unit.contains(exitCode + "\n"), exitCode);
      assertTrue(
          section(CLUSTER, "Run a node as a process")
              .contains("exit code " + exitCode.replaceAll("\\D", "")));
    }
  }

  /** A page of the manual may link to the other ones only, since it is rendered without README. */
  @Test
  void every_relative_link_has_a_target() {
    int links = 0;
    for (String page : PAGES.keySet()) {
      for (MatchResult link : LINK.matcher(PAGES.get(page)).results().toList()) {
        if (link.group(1).startsWith("https://")) {
          continue;
        }
        links++;
        String[] target = link.group(1).split("#");
        String file =
            target[0].isEmpty()
                ? page
                : Path.of(page).resolveSibling(target[0]).normalize().toString().replace('\\', '/');
        assertTrue(
            PAGES.containsKey(file) || (page.equals(README) && Files.exists(Path.of(file))),
            () -> page + ": " + link.group());
        if (target.length > 1) {
          assertTrue(
              anchors(PAGES.get(file)).contains(target[1]), () -> page + ": " + link.group());
        }
      }
    }
    assertTrue(links > 20, links + " links");
  }

  @Test
  void every_test_that_is_named_exists() throws IOException {
    for (String text : PAGES.values()) {
      for (MatchResult test : Pattern.compile("`(\\w+Test)`").matcher(text).results().toList()) {
        source(test.group(1));
      }
    }
  }

  @Test
  void the_pages_are_short_and_so_are_their_lines() {
    assertTrue(PAGES.get(README).lines().count() <= 220);
    PAGES.forEach(
        (page, text) ->
            Pattern.compile("(?ms)^```.*?^```$")
                .matcher(text)
                .replaceAll("")
                .lines()
                .filter(line -> !line.startsWith("|"))
                .map(line -> LINK.matcher(line).replaceAll("]"))
                .forEach(line -> assertTrue(line.length() <= 120, () -> page + ": " + line)));
  }

  /** Runs an example against the sandbox, and returns the line that it logs. */
  private String log(String imports, String before, String example) throws Exception {
    Logger log = Logger.getAnonymousLogger();
    log.setUseParentHandlers(false);
    BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    log.addHandler(
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            lines.add(record.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        });
    String line;
    try (Isolated isolated = compile("Snippet", FRAME.formatted(imports, before, example))) {
      Runnable close =
          (Runnable)
              isolated
                  .load("Snippet")
                  .getMethod("start", String.class, String.class, String.class, Logger.class)
                  .invoke(null, sandbox.baseUrl(), sandbox.token(), REQUEST_ID, log);
      try {
        line = lines.poll(20, TimeUnit.SECONDS);
      } finally {
        close.run();
      }
    }
    assertEquals(0, lines.size(), lines::toString);
    return line;
  }

  private Isolated compile(String name, String source) throws Exception {
    Path file = Files.writeString(directory.resolve(name + ".java"), source);
    List<Path> classPath =
        Stream.of(System.getProperty("jdk.module.path", ""), System.getProperty("java.class.path"))
            .flatMap(path -> Arrays.stream(path.split(File.pathSeparator)))
            .filter(entry -> !entry.isEmpty())
            .map(Path::of)
            .toList();
    StringWriter problems = new StringWriter();
    PrintWriter out = new PrintWriter(problems);
    int exitCode =
        ToolProvider.findFirst("javac")
            .orElseThrow()
            .run(
                out,
                out,
                "-proc:none",
                "-encoding",
                "UTF-8",
                "-d",
                directory.toString(),
                "-classpath",
                String.join(File.pathSeparator, classPath.stream().map(Path::toString).toList()),
                file.toString());
    assertEquals(0, exitCode, () -> problems + "\n" + source);
    return new Isolated(directory, classPath);
  }

  /** The file of a test class, in whichever package it is. */
  private static Path source(String testClass) throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("src", "test", "java"))) {
      return files
          .filter(file -> file.endsWith(testClass + ".java"))
          .findAny()
          .orElseThrow(() -> new AssertionError("There is no " + testClass));
    }
  }

  private static String example(String page, String section) {
    return blocks(section(page, section), "java").get(0);
  }

  private static String section(String page, String name) {
    return Objects.requireNonNull(sections(PAGES.get(page)).get(name), name);
  }

  /** The text between each heading and the next one. */
  private static Map<String, String> sections(String text) {
    Map<String, String> sections = new LinkedHashMap<>();
    List<MatchResult> headings = HEADING.matcher(text).results().toList();
    for (int i = 0; i < headings.size(); i++) {
      int end = i + 1 < headings.size() ? headings.get(i + 1).start() : text.length();
      sections.put(headings.get(i).group(1), text.substring(headings.get(i).end(), end));
    }
    return sections;
  }

  /** The anchors that code hosts make of the headings. */
  private static List<String> anchors(String text) {
    return sections(text).keySet().stream()
        .map(name -> name.toLowerCase(Locale.ROOT).replaceAll("[^\\w -]", "").replace(' ', '-'))
        .toList();
  }

  private static List<String> blocks(String text, String language) {
    return Pattern.compile("(?ms)^```" + language + "\\n(.*?)^```$")
        .matcher(text)
        .results()
        .map(block -> block.group(1))
        .toList();
  }

  /** The rows of the tables of a section whose first cell is a name in code. */
  private static Map<String, List<String>> rows(String page, String section) {
    Map<String, List<String>> rows = new LinkedHashMap<>();
    section(page, section)
        .lines()
        .filter(line -> line.startsWith("| `") && !line.startsWith("| `ResendFailure`"))
        .map(line -> List.of(line.substring(2, line.length() - 2).split(" \\| ")))
        .forEach(row -> rows.put(row.get(0).replace("`", ""), row));
    return rows;
  }

  private static MatchResult find(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertTrue(matcher.find(), pattern);
    return matcher.toMatchResult();
  }

  private static List<String> withoutPortAndMillis(String output) {
    return output
        .lines()
        .map(line -> line.replaceFirst("localhost:\\d+", "localhost"))
        .map(line -> line.startsWith("Codes ") ? line : line.replaceFirst(" +(\\d+|ms)$", ""))
        .toList();
  }

  /**
   * A class path of its own, which the threads that are started here have too. It comes first: the
   * platform's class loader knows the modules of these tests, which are others.
   */
  private static final class Isolated implements AutoCloseable {
    private final URLClassLoader loader;
    private final ClassLoader before = Thread.currentThread().getContextClassLoader();

    Isolated(Path classes, List<Path> classPath) throws Exception {
      List<URL> urls = new ArrayList<>();
      urls.add(classes.toUri().toURL());
      for (Path entry : classPath) {
        urls.add(entry.toUri().toURL());
      }
      loader =
          new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader()) {
            @Override
            protected Class<?> loadClass(String name, boolean resolve)
                throws ClassNotFoundException {
              synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                try {
                  return loaded == null ? findClass(name) : loaded;
                } catch (ClassNotFoundException ofTheJdk) {
                  return super.loadClass(name, resolve);
                }
              }
            }
          };
      Thread.currentThread().setContextClassLoader(loader);
    }

    Class<?> load(String name) throws ClassNotFoundException {
      return Class.forName(name, true, loader);
    }

    @Override
    public void close() throws Exception {
      Thread.currentThread().setContextClassLoader(before);
      loader.close();
    }
  }
}
