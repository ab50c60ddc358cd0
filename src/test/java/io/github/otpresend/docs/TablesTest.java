// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.docs;

import static io.github.otpresend.docs.Pages.INTERNALS;
import static io.github.otpresend.docs.Pages.OPERATIONS;
import static io.github.otpresend.docs.Pages.README;
import static io.github.otpresend.docs.Pages.REFERENCE;
import static io.github.otpresend.docs.Pages.blocks;
import static io.github.otpresend.docs.Pages.find;
import static io.github.otpresend.docs.Pages.rows;
import static io.github.otpresend.docs.Pages.section;
import static io.github.otpresend.docs.Pages.sections;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendFailure;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The tables of README and the manual have the values of the code. */
class TablesTest {
  private static final Pattern LOG_LINE = Pattern.compile("LOG\\.log\\(\\s*Level\\.(\\w+)");
  private static final Pattern RANGE = Pattern.compile("(\\d+) to (\\d+)");

  @Test
  void the_options_tables_have_the_defaults_of_the_options() {
    OtpResendOptions options = new OtpResendOptions().setToken("t").setRedis("redis://h");
    JsonObject defaults = options.setConnectTimeout(options.getConnectTimeout()).toJson();
    Map<String, List<String>> all = rows(REFERENCE, "Options");
    Map<String, List<String>> most = rows(README, "Options");

    assertEquals(defaults.fieldNames(), all.keySet());
    assertTrue(defaults.fieldNames().containsAll(most.keySet()), most::toString);
    for (String key : defaults.fieldNames()) {
      String expected =
          switch (key) {
            case "token", "redis" -> "none";
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
      boolean isUnrecognized = failure == ResendFailure.UNRECOGNIZED;
      String maybeSent = failure.maybeSent() ? "yes" : "no";
      String nextStep =
          isUnrecognized
              ? "`AWAIT_CODE`; `RETRY_LATER` if not sent"
              : "`" + failure.nextStep() + "`";
      assertTrue(row.get(1).contains("`" + failure.type() + "`"), name);
      assertEquals(asSent ? "as sent" : String.valueOf(failure.httpStatus()), row.get(2), name);
      String exceptInDetails = isUnrecognized ? ", except the statuses above" : "";
      assertEquals(List.of(maybeSent + exceptInDetails, nextStep), row.subList(3, 5), name);
      assertFalse(row.get(5).isBlank(), name);
      String except = isUnrecognized ? ", except some 4xx" : "";
      assertEquals(List.of("`" + name + "`", maybeSent + except, nextStep), rows.get(name));
    }
  }

  @Test
  void the_table_of_alerts_has_every_failure_once() {
    List<String> named =
        section(OPERATIONS, "What do I log and alert on?")
            .lines()
            .filter(line -> line.startsWith("|"))
            .flatMap(line -> Pattern.compile("`([A-Z_]+)`").matcher(line).results())
            .map(kind -> kind.group(1))
            .sorted()
            .toList();

    assertEquals(Arrays.stream(ResendFailure.values()).map(Enum::name).sorted().toList(), named);
  }

  @Test
  void the_table_of_log_lines_has_the_level_and_logger_of_each() throws IOException {
    List<String> logged = new ArrayList<>();
    for (Path file : sources()) {
      String source = Files.readString(file);
      for (MatchResult line : LOG_LINE.matcher(source).results().toList()) {
        String logger = find("System\\.getLogger\\((\\w+)\\.class", source).group(1);
        logged.add(line.group(1) + " io.github.otpresend." + logger);
      }
    }
    List<String> listed =
        section(OPERATIONS, "Logging")
            .lines()
            .filter(line -> line.matches("\\| [A-Z]+ \\|.*"))
            .map(line -> line.replaceFirst("\\| (\\w+) \\|.*\\| `(.+)` \\|", "$1 $2"))
            .toList();

    assertEquals(logged.stream().sorted().toList(), listed.stream().sorted().toList());
  }

  private static List<Path> sources() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("src", "main", "java"))) {
      return files.filter(file -> file.toString().endsWith(".java")).toList();
    }
  }

  @Test
  void the_number_of_connections_of_several_instances_follows_from_the_default() {
    int connections = 4 * 3 * OtpResendOptions.DEFAULT_MAX_CONNECTIONS;
    String row = rows(REFERENCE, "Options").get("maxConnections").get(3);

    String instances = "four instances on three nodes have up to " + connections + " connections";
    assertTrue(row.contains(instances), row);
  }

  @Test
  void the_changelog_tells_how_many_other_clients_the_benchmarks_have() throws IOException {
    String method = sections(Files.readString(Path.of("benchmarks", "README.md"))).get("Method");
    long others =
        method
            .lines()
            .filter(line -> line.matches("\\| .+ \\| .+ \\|"))
            .filter(line -> !line.matches("\\| (contender|this library|a lock|a bare event-bus).*"))
            .count();

    assertEquals(9, others);
    assertTrue(Files.readString(Path.of("CHANGELOG.md")).contains("nine other HTTP clients"));
  }

  @Test
  void the_steps_of_a_call_are_those_of_the_code() {
    List<String> steps = List.of("SHARED", "CLAIM", "TOKEN", "CONNECTION", "SENT", "DONE");
    String diagram = blocks(section(INTERNALS, "The steps of a call"), "text").get(0);

    assertEquals(steps, List.copyOf(rows(INTERNALS, "The steps of a call").keySet()));
    steps.forEach(step -> assertTrue(diagram.contains(step), step));
  }
}
