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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

/**
 * Runs every Java example of README.md, and compares its tables with the code. The examples are
 * compiled and run as a user's are: on the class path, apart from the classes of these tests.
 */
@Timeout(60)
class ReadmeTest {
  private static final String BY_EVENT_BUS = "Use by event bus";
  private static final String BY_FUTURE = "Use by future";
  private static final String PLAIN_VERTX = "Event-bus contract";
  private static final String TOKENS = "Tokens";
  private static final String SANDBOX = "Test your application";

  private static final String OPERATORS = "Seen by operators";

  private static final String REQUEST_ID = "4711";

  private static final Pattern SECTION = Pattern.compile("(?m)^## (.+)$");
  private static final Pattern RANGE = Pattern.compile("(\\d+) to (\\d+)");

  private static final String VERTX_IMPORTS =
      "import io.vertx.core.*; import io.vertx.core.eventbus.*; import io.vertx.core.json.*;";
  private static final String ALL_IMPORTS =
      VERTX_IMPORTS + "import io.github.otpresend.*; import java.util.concurrent.TimeUnit;";

  private static final String DEPLOYED =
      """
      vertx.deployVerticle(new io.github.otpresend.OtpResendVerticle(
          new io.github.otpresend.OtpResendOptions().setBaseUrl(baseUrl).setToken(token))).await();
      """;

  /**
   * Around the statements of an example: the names that README says are given. The first token that
   * {@code fetchToken} gives is one that the service refuses.
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

  private static String readme;

  @TempDir private Path directory;
  private final OtpSandbox sandbox = OtpSandbox.start();

  @BeforeAll
  static void read() throws Exception {
    readme = Files.readString(Path.of("README.md"));
  }

  @AfterEach
  void close() {
    sandbox.close();
  }

  @Test
  void every_java_block_is_run_by_a_test_below() {
    Map<String, Integer> blocks = new HashMap<>();
    sections().forEach((name, text) -> blocks.put(name, blocks(text, "java").size()));
    blocks.values().removeIf(count -> count == 0);

    assertEquals(
        Map.of(BY_EVENT_BUS, 1, BY_FUTURE, 1, PLAIN_VERTX, 1, TOKENS, 1, SANDBOX, 1, OPERATORS, 1),
        blocks);
    assertEquals(6, readme.split("```java").length - 1);
  }

  @Test
  void no_example_asks_the_real_service() {
    for (String block : blocks(readme, "java")) {
      if (block.contains("OtpResendOptions()") || block.contains("OtpResendVerticle")) {
        assertTrue(block.contains("aseUrl"), block);
      }
    }
  }

  @Test
  void the_use_by_event_bus_works() throws Exception {
    sandbox.session(REQUEST_ID);

    assertEquals("reply: {\"success\":true}", log(ALL_IMPORTS, "", BY_EVENT_BUS));
    assertEquals(1, sandbox.resends(REQUEST_ID));
    assertEquals("next step: WAIT", log(ALL_IMPORTS, "", BY_EVENT_BUS));
    assertEquals(2, sandbox.requests(REQUEST_ID));
    assertEquals(1, sandbox.resends(REQUEST_ID));
  }

  @Test
  void the_use_by_future_works() throws Exception {
    sandbox.session(REQUEST_ID);

    assertEquals("success: true", log(ALL_IMPORTS, "", BY_FUTURE));
    assertEquals(1, sandbox.resends(REQUEST_ID));
    assertEquals(
        "RESTART_COOLDOWN_ACTIVE, maybe sent: false, next: WAIT", log(ALL_IMPORTS, "", BY_FUTURE));
    assertEquals(1, sandbox.resends(REQUEST_ID));
  }

  @Test
  void the_use_in_plain_vertx_works_without_this_library() throws Exception {
    sandbox.session(REQUEST_ID);

    assertEquals("success: true", log(VERTX_IMPORTS, DEPLOYED, PLAIN_VERTX));
    assertEquals(1, sandbox.resends(REQUEST_ID));
    sandbox.session(REQUEST_ID).inState(SessionState.NO_AVAILABLE_CHANNELS);
    assertEquals(
        "400 NoAvailableChannelsException, maybe sent: false",
        log(VERTX_IMPORTS, DEPLOYED, PLAIN_VERTX));
    assertEquals(
        "nobody serves the address, nothing was sent", log(VERTX_IMPORTS, "", PLAIN_VERTX));
    assertEquals(1, sandbox.resends(REQUEST_ID));
    assertFalse(example(PLAIN_VERTX).contains("otpresend"));
  }

  @Test
  void the_token_provider_replaces_a_token_that_is_refused() throws Exception {
    sandbox.session(REQUEST_ID);

    assertEquals("success: true", log(ALL_IMPORTS, "", TOKENS));
    assertEquals(2, sandbox.requests(REQUEST_ID));
    assertEquals(1, sandbox.resends(REQUEST_ID));
  }

  @Test
  void the_readiness_of_the_address_is_told_and_nothing_is_sent() throws Exception {
    sandbox.session(REQUEST_ID);

    assertEquals("ready", log(VERTX_IMPORTS, DEPLOYED, OPERATORS));
    assertEquals("not ready", log(VERTX_IMPORTS, "", OPERATORS));
    assertEquals(0, sandbox.requests(REQUEST_ID));
  }

  @Test
  void the_test_that_uses_the_sandbox_passes() throws Exception {
    String source = example(SANDBOX);
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
  void the_options_table_has_every_option_with_its_default() {
    JsonObject defaults = new OtpResendOptions().setToken("t").toJson();
    Map<String, List<String>> rows = rows("Options");

    assertEquals(defaults.fieldNames(), rows.keySet());
    for (String key : defaults.fieldNames()) {
      String expected =
          switch (key) {
            case "token" -> "none";
            case "webClient" -> "Vert.x's";
            default -> "`" + defaults.getValue(key) + "`";
          };
      assertEquals(expected, rows.get(key).get(2), key);
    }
  }

  @Test
  void the_options_table_has_the_ranges_of_the_options() {
    List<String> checked = new ArrayList<>();
    rows("Options")
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
    Map<String, List<String>> rows = rows("Outcomes");

    assertEquals(
        Arrays.stream(ResendFailure.values()).map(Enum::name).toList(), List.copyOf(rows.keySet()));
    for (ResendFailure failure : ResendFailure.values()) {
      List<String> row = rows.get(failure.name());
      assertTrue(row.get(1).contains("`" + failure.type() + "`"), failure.name());
      boolean asSent = Set.of("SERVER_ERROR", "UNRECOGNIZED").contains(failure.name());
      assertEquals(
          asSent ? "as sent" : String.valueOf(failure.httpStatus()), row.get(2), failure.name());
      assertEquals(
          failure == ResendFailure.UNRECOGNIZED
              ? "no for a 4xx, else yes"
              : failure.maybeSent() ? "yes" : "no",
          row.get(3),
          failure.name());
      assertEquals("`" + failure.nextStep() + "`", row.get(4), failure.name());
      assertFalse(row.get(5).isBlank(), failure.name());
    }
  }

  @Test
  void the_commands_are_those_that_the_ci_runs() throws Exception {
    String ci = Files.readString(Path.of(".ci", "run"));

    for (String command : List.of("mvn -q test-compile exec:java", "mvn -B verify")) {
      assertTrue(blocks(readme, "shell").contains(command + "\n"), command);
      assertTrue(ci.contains(command), command);
    }
  }

  @Test
  void the_output_of_the_demo_is_what_it_prints() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(out, true, UTF_8);
    Method run =
        Demo.class.getDeclaredMethod(
            "run", String[].class, Map.class, PrintStream.class, PrintStream.class);
    run.setAccessible(true);
    run.invoke(null, new String[0], Map.of(), print, print);

    assertEquals(
        withoutPortAndMillis(out.toString(UTF_8)),
        withoutPortAndMillis(blocks(section("Try it"), "text").get(0)));
  }

  @Test
  void the_coordinates_are_those_of_the_build() throws Exception {
    String pom = Files.readString(Path.of("pom.xml"));
    String library =
        find(
                "(?s)<groupId>\\S+</groupId>\\s+<artifactId>\\S+</artifactId>\\s+<version>\\S+</version>",
                pom)
            .group()
            .replaceAll("\\s+", "");
    String wiremock = find("<wiremock.version>(.+)</wiremock.version>", pom).group(1);

    assertTrue(blocks(section("Install"), "xml").get(0).replaceAll("\\s+", "").contains(library));
    assertTrue(blocks(section(SANDBOX), "xml").get(0).replaceAll("\\s+", "").contains(library));
    assertTrue(section(SANDBOX).contains("WireMock " + wiremock));
    assertTrue(section(SANDBOX).contains("<version>" + wiremock + "</version>"));
    assertTrue(
        section("Requirements")
            .contains("Vert.x " + find("<vertx.version>(.+)</vertx.version>", pom).group(1)));
  }

  @Test
  void every_relative_link_has_a_target() {
    List<String> links =
        Pattern.compile("\\]\\(([^)#]+)[^)]*\\)")
            .matcher(readme)
            .results()
            .map(link -> link.group(1))
            .filter(link -> !link.startsWith("https://"))
            .toList();

    assertFalse(links.isEmpty());
    for (String link : links) {
      assertTrue(Files.exists(Path.of(link)), link);
    }
  }

  @Test
  void the_cached_tokens_recover_from_a_fetch_that_never_completes() throws Exception {
    String example = example(TOKENS);
    String cachedTokens = example.substring(0, example.indexOf("OtpResendClient client"));
    try (Isolated isolated =
        compile("Recovery", HANGING_FETCH.formatted(ALL_IMPORTS, cachedTokens))) {
      assertEquals("new", isolated.load("Recovery").getMethod("tokenAfterAFailure").invoke(null));
    }
  }

  /** Runs the example of a section against the sandbox, and returns the line that it logs. */
  private String log(String imports, String before, String section) throws Exception {
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
    try (Isolated isolated =
        compile("Snippet", FRAME.formatted(imports, before, example(section)))) {
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

  private static String example(String section) {
    return blocks(section(section), "java").get(0);
  }

  private static String section(String name) {
    return sections().get(name);
  }

  private static Map<String, String> sections() {
    Map<String, String> sections = new LinkedHashMap<>();
    List<MatchResult> headings = SECTION.matcher(readme).results().toList();
    for (int i = 0; i < headings.size(); i++) {
      int end = i + 1 < headings.size() ? headings.get(i + 1).start() : readme.length();
      sections.put(headings.get(i).group(1), readme.substring(headings.get(i).end(), end));
    }
    return sections;
  }

  private static List<String> blocks(String text, String language) {
    return Pattern.compile("(?ms)^```" + language + "\\n(.*?)^```$")
        .matcher(text)
        .results()
        .map(block -> block.group(1))
        .toList();
  }

  /** The rows of the tables of a section whose first cell is a name in code. */
  private static Map<String, List<String>> rows(String section) {
    Map<String, List<String>> rows = new LinkedHashMap<>();
    section(section)
        .lines()
        .filter(line -> line.startsWith("| `") && !line.contains("| type |"))
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
        .map(line -> line.startsWith("Codes ") ? line : line.replaceFirst(" +\\d+$", ""))
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
