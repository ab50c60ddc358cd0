// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.docs;

import static io.github.otpresend.docs.Pages.INTERNALS;
import static io.github.otpresend.docs.Pages.README;
import static io.github.otpresend.docs.Pages.REFERENCE;
import static io.github.otpresend.docs.Pages.blocks;
import static io.github.otpresend.docs.Pages.rows;
import static io.github.otpresend.docs.Pages.section;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendFailure;
import io.vertx.core.json.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The tables of README and the manual have the values of the code. */
class TablesTest {
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
  void the_steps_of_a_call_are_those_of_the_code() {
    List<String> steps = List.of("SHARED", "CLAIM", "TOKEN", "CONNECTION", "SENT", "DONE");
    String diagram = blocks(section(INTERNALS, "The steps of a call"), "text").get(0);

    assertEquals(steps, List.copyOf(rows(INTERNALS, "The steps of a call").keySet()));
    steps.forEach(step -> assertTrue(diagram.contains(step), step));
  }
}
