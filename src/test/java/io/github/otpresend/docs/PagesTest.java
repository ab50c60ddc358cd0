// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.docs;

import static io.github.otpresend.docs.Pages.CLUSTER;
import static io.github.otpresend.docs.Pages.INDEX;
import static io.github.otpresend.docs.Pages.OPERATIONS;
import static io.github.otpresend.docs.Pages.PROCESSES;
import static io.github.otpresend.docs.Pages.README;
import static io.github.otpresend.docs.Pages.REFERENCE;
import static io.github.otpresend.docs.Pages.TESTING;
import static io.github.otpresend.docs.Pages.blocks;
import static io.github.otpresend.docs.Pages.find;
import static io.github.otpresend.docs.Pages.section;
import static io.github.otpresend.docs.Pages.sections;
import static io.github.otpresend.docs.Pages.source;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.github.otpresend.demo.Demo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The links, commands, versions and code blocks of README and the manual are valid. */
class PagesTest {
  /** The code blocks of README and the manual, and the test that uses each. */
  private static final String BLOCKS =
      """
      CONTRIBUTING.md, Two commands, shell: PagesTest.the_maven_commands_are_known_to_the_build
      CONTRIBUTING.md, Release, shell: PagesTest.the_maven_commands_are_known_to_the_build
      README.md, vertx-otp-resend, java: ExamplesIT.the_use_by_future_works
      README.md, Try it, shell: PagesTest.the_commands_of_the_readme_are_those_that_the_ci_runs
      README.md, Try it, text: PagesTest.the_demo_prints_what_the_readme_shows
      README.md, Install, xml: PagesTest.the_coordinates_are_those_of_the_build
      README.md, Use, java: ExamplesIT.the_use_by_event_bus_works
      README.md, Handle the outcome, java: ExamplesIT.the_outcome_leads_to_the_next_step
      README.md, Tokens, java: ExamplesIT.the_token_providers_replace_a_token_that_is_refused
      README.md, Test your application, java: ExamplesIT.the_short_use_of_the_sandbox_works
      README.md, Run the tests, shell: PagesTest.the_commands_of_the_readme_are_those_that_the_ci_runs
      cluster.md, Cluster, xml: PagesTest.the_coordinates_are_those_of_the_build
      cluster.md, Run a node as a process, shell: LauncherIT.start
      cluster.md, Run a node as a process, json: LauncherIT.start
      cluster.md, Run a node as a process, xml: LauncherIT.start
      internals.md, The steps of a call, text: TablesTest.the_steps_of_a_call_are_those_of_the_code
      operations.md, Readiness, java: ExamplesIT.the_readiness_of_an_address_is_seen_and_nothing_is_sent
      operations.md, Logging, xml: PagesTest.the_coordinates_are_those_of_the_build
      operations.md, A systemd service, ini: PagesTest.the_systemd_unit_starts_the_node_of_the_cluster_page
      operations.md, Which versions?, shell: PagesTest.the_maven_commands_are_known_to_the_build
      processes.md, Several processes with Redis, java: ExamplesIT.the_use_of_redis_works
      processes.md, Several processes with Redis, xml: PagesTest.the_coordinates_are_those_of_the_build
      reference.md, Event-bus contract, java: ExamplesIT.the_use_in_plain_vertx_works_without_this_library
      reference.md, The demo, shell: PagesTest.the_maven_commands_are_known_to_the_build
      reference.md, The demo, shell: PagesTest.the_maven_commands_are_known_to_the_build
      testing.md, Sandbox, xml: PagesTest.the_coordinates_are_those_of_the_build
      testing.md, Sandbox, java: ExamplesIT.the_test_that_uses_the_sandbox_passes
      testing.md, Without the sandbox, java: ExamplesIT.a_fake_client_returns_any_outcome
      tokens.md, Tokens, java: ExamplesIT.the_token_providers_replace_a_token_that_is_refused
      tokens.md, Tokens, deployed by class name, java: ExamplesIT.a_verticle_deployed_by_name_has_a_token_provider
      verification.md, Supply chain, shell: PagesTest.the_maven_commands_are_known_to_the_build
      webclient.md, How do I come from a WebClient call?, java: ExamplesIT.a_web_client_call_becomes_a_resend
      webclient.md, How do I come from a WebClient call?, java: ExamplesIT.a_web_client_call_becomes_a_resend
      """;

  /** The goals and options of Maven that the pages use, except profiles and properties. */
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
          "failsafe:integration-test",
          "failsafe:verify",
          "spotless:apply",
          "-Dexec.args=\"<requestId>\"");

  private static final Pattern LINK = Pattern.compile("\\]\\(([^)]+)\\)");
  private static final Pattern MAVEN = Pattern.compile("\\bmvn( [^&|`\\n]+)");

  @Test
  void every_code_block_is_used_by_a_test() throws IOException {
    List<String> blocks = new ArrayList<>();
    Pages.ALL.forEach(
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
  void the_commands_of_the_readme_are_those_that_the_ci_runs() throws IOException {
    String ci = Files.readString(Path.of(".ci", "run"));

    List<String> commands = List.of("mvn -q test-compile exec:java\n", "mvn -B verify\n");
    assertEquals(commands, blocks(Pages.ALL.get(README), "shell"));
    commands.forEach(command -> assertTrue(ci.contains(command.strip()), command));
  }

  /** Checks the goals, profiles, properties and test classes of each Maven command. */
  @Test
  void the_maven_commands_are_known_to_the_build() throws IOException {
    String pom = Files.readString(Path.of("pom.xml"));
    int commands = 0;
    for (String text : Pages.ALL.values()) {
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
    } else if (word.startsWith("-Dtest=") || word.startsWith("-Dit.test=")) {
      source(property[1]);
    } else if (word.startsWith("-Dvertx.version=")) {
      assertTrue(pom.contains("<value>" + property[1] + "</value>"), command);
    } else if (word.startsWith("-Dschedules=")) {
      assertTrue(Files.readString(source("SimulationIT")).contains("\"schedules\""), command);
    } else {
      assertTrue(WORDS.contains(word), () -> word + " of " + command);
    }
  }

  @Test
  void the_demo_prints_what_the_readme_shows() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(out, true, UTF_8);
    Method run =
        Demo.class.getDeclaredMethod(
            "run", String[].class, Map.class, PrintStream.class, PrintStream.class);
    run.setAccessible(true);
    run.invoke(null, new String[0], Map.of(), print, print);
    List<String> printed = withoutMillis(out.toString(UTF_8));

    List<String> some = withoutMillis(blocks(section(README, "Try it"), "text").get(0));
    assertTrue(some.size() > 3, some::toString);
    assertEquals(printed.stream().filter(some::contains).toList(), some);
  }

  private static List<String> withoutMillis(String output) {
    return output
        .lines()
        .map(line -> line.startsWith("Codes ") ? line : line.replaceFirst(" +(\\d+|ms)$", ""))
        .toList();
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
    assertTrue(xml(README, "Install").contains(element(version("vertx", pom))));
    assertTrue(section(README, "Install").contains("Vert.x " + version("vertx", pom)));
    assertTrue(xml(OPERATIONS, "Logging").contains(element(version("slf4j", pom))));
    assertTrue(
        section(REFERENCE, "Dependencies and modules")
            .contains("`io.vertx:vertx-dependencies:" + version("vertx", pom) + "`"));
    assertTrue(xml(TESTING, "Sandbox").contains(library));
    assertTrue(xml(TESTING, "Sandbox").contains(element(version("wiremock", pom))));
    assertTrue(section(TESTING, "Sandbox").contains("WireMock " + version("wiremock", pom)));
    assertTrue(xml(CLUSTER, "Cluster").contains(element(version("vertx-hazelcast", pom))));
    assertTrue(
        xml(PROCESSES, "Several processes with Redis")
            .contains(element(version("vertx-redis", pom))));
    for (String engine : List.of("Hazelcast", "Infinispan", "Ignite", "ZooKeeper")) {
      String artifact = "vertx-" + engine.toLowerCase(Locale.ROOT);
      String version =
          engine.equals("Hazelcast")
              ? version(artifact, pom)
              : find(artifact + "</artifactId>\\s+<version>(.+)</", pom).group(1);
      String row = "| " + engine + " | " + version + " |";
      assertTrue(section(CLUSTER, "Cluster managers").contains(row), row);
    }
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

  @Test
  void the_readme_begins_with_code_and_the_way_to_each_answer() {
    List<String> lines = Pages.ALL.get(README).lines().toList();
    String start = String.join("\n", lines.subList(0, 30));

    assertEquals(1, blocks(start, "java").size());
    assertEquals(5, Pattern.compile("(?m)^\\d\\. ").matcher(start).results().count());
    for (String link :
        List.of(
            "https://github.com/sigmasms/otp-sdk-docs",
            "src/site/markdown/two-codes.md",
            "src/site/markdown/index.md",
            "src/example/README.md")) {
      assertTrue(start.contains("](" + link + ")"), link);
    }
  }

  @Test
  void every_page_is_in_the_index_and_in_the_menu() throws IOException {
    String index = Pages.ALL.get(INDEX);
    String menu = Files.readString(Path.of("src", "site", "site.xml"));
    for (String page : Pages.ALL.keySet()) {
      if (page.startsWith("src/site/")) {
        String name = Path.of(page).getFileName().toString();
        assertTrue(page.equals(INDEX) || index.contains("](" + name), page);
        assertTrue(menu.contains('"' + name.replace(".md", ".html") + '"'), page);
      }
    }
  }

  /** The table of words is in CONTRIBUTING.md. */
  @Test
  void a_request_is_sent_and_a_code_goes_out() throws IOException {
    Pattern wrong =
        Pattern.compile(
            "(?i)transmi(t|ssion)|\\bcodes? (was|were|is|are|(may )?ha(s|ve) been) sent"
                + "|\\bsen(d|ds|t) (a|no|any|another|two) (second )?code"
                + "|\\bthe rest\\b|remaining time");
    Map<String, String> pages = new TreeMap<>(Pages.ALL);
    pages.put("CHANGELOG.md", Files.readString(Path.of("CHANGELOG.md")));
    pages.replace("CONTRIBUTING.md", section("CONTRIBUTING.md", "Add an outcome"));
    pages.forEach(
        (page, text) ->
            wrong
                .matcher(text.replaceAll("\\s+", " "))
                .results()
                .forEach(found -> fail(page + ": " + found.group())));
  }

  @Test
  void the_first_version_of_the_changelog_has_only_additions() throws IOException {
    String changelog = Files.readString(Path.of("CHANGELOG.md"));
    String first = changelog.substring(changelog.lastIndexOf("\n## "));

    assertEquals(
        List.of("### Added"), first.lines().filter(line -> line.startsWith("### ")).toList());
  }

  @Test
  void the_readiness_check_is_that_of_the_recipe() throws IOException {
    Path recipe = Path.of("src/example/src/main/java/io/github/otpresend/example/recipes");
    String example = Pages.example(OPERATIONS, "Readiness");
    for (String code : List.of(example, Files.readString(recipe.resolve("Health.java")))) {
      assertTrue(code.contains("new JsonObject()"), code);
      assertTrue(code.contains(".failureType() == ReplyFailure.RECIPIENT_FAILURE"), code);
      assertTrue(code.contains(".failureCode() == 400"), code);
    }
  }

  /** The manual links only to its own pages, since Maven renders it without README. */
  @Test
  void every_relative_link_has_a_target() {
    int links = 0;
    for (String page : Pages.ALL.keySet()) {
      for (MatchResult link : LINK.matcher(Pages.ALL.get(page)).results().toList()) {
        if (link.group(1).startsWith("https://")) {
          continue;
        }
        links++;
        String[] target = link.group(1).split("#");
        String file =
            target[0].isEmpty()
                ? page
                : Path.of(page).resolveSibling(target[0]).normalize().toString().replace('\\', '/');
        boolean isInManual = page.startsWith("src/site/");
        assertTrue(
            isInManual
                ? file.startsWith("src/site/") && Pages.ALL.containsKey(file)
                : Files.exists(Path.of(file)),
            () -> page + ": " + link.group());
        if (target.length > 1) {
          String text = Pages.ALL.get(file);
          assertTrue(anchors(text).contains(target[1]), () -> page + ": " + link.group());
          assertTrue( // Maven's renderer names the sections in its own way
              page.equals(README) || text.contains("<a id=\"" + target[1] + "\"></a>"),
              () -> page + ": no anchor for " + link.group());
        }
      }
    }
    assertTrue(links > 20, links + " links");
  }

  /** The anchors that code hosts make of the headings. */
  private static List<String> anchors(String text) {
    return sections(text).keySet().stream()
        .map(name -> name.toLowerCase(Locale.ROOT).replaceAll("[^\\w -]", "").replace(' ', '-'))
        .toList();
  }

  @Test
  void every_test_that_is_named_exists() throws IOException {
    for (String text : Pages.ALL.values()) {
      for (MatchResult test : Pattern.compile("`(\\w+Test)`").matcher(text).results().toList()) {
        source(test.group(1));
      }
    }
  }

  @Test
  void the_pages_are_short_and_so_are_their_lines() {
    assertTrue(Pages.ALL.get(README).lines().count() <= 220);
    Pages.ALL.forEach(
        (page, text) ->
            Pattern.compile("(?ms)^```.*?^```$")
                .matcher(text)
                .replaceAll("")
                .lines()
                .filter(line -> !line.startsWith("|"))
                .map(line -> LINK.matcher(line).replaceAll("]"))
                .forEach(
                    line ->
                        assertTrue(
                            line.length() <= (page.startsWith("src/site/") ? 100 : 120),
                            () -> page + ": " + line)));
  }
}
