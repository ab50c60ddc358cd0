// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The packages of the library, the "rooms", and which of them may use which. */
class RoomsTest {
  private static final String API = "";
  private static final String GROUND_FLOOR = "internal";

  /** The rooms that each room may use besides itself. */
  private static final Map<String, Set<String>> ALLOWED =
      Map.of(
          "internal.call",
          Set.of(API, GROUND_FLOOR, "internal.claims", "internal.http"),
          "internal.claims",
          Set.of(API, GROUND_FLOOR),
          "internal.http",
          Set.of(API, GROUND_FLOOR),
          "internal.bus",
          Set.of(API, GROUND_FLOOR),
          GROUND_FLOOR,
          Set.of(API));

  /** What each file of the API may use of the rooms; a file that is not listed uses nothing. */
  private static final Map<String, Set<String>> ALLOWED_IN_API =
      Map.of(
          "OtpResendClient",
          Set.of("internal.call.HttpResendClient", "internal.bus.EventBusResendClient"),
          "OtpResendVerticle",
          Set.of("internal.Contexts", "internal.call.HttpResendClient"),
          "EventBusAdapter",
          Set.of(
              "internal.Contexts",
              "internal.Failures",
              "internal.StrictJson",
              "internal.WireNames",
              "internal.bus.Departure",
              "internal.bus.RequestMessage"),
          "OtpResendOptions",
          Set.of("internal.Setting", "internal.BaseUrl"),
          "ResendException",
          Set.of(
              "internal.FailureFinder",
              "internal.Outcomes",
              "internal.StrictJson",
              "internal.WireNames"),
          "ResendResponse",
          Set.of("internal.WireNames"));

  /** The factories of the API, and what they create. */
  private static final Set<Set<String>> FACTORIES =
      Set.of(
          Set.of("OtpResendClient", "internal.call.HttpResendClient"),
          Set.of("OtpResendClient", "internal.bus.EventBusResendClient"),
          Set.of("ResendException", "internal.FailureFinder"));

  /** An arrow: one file uses another. Names begin after {@code io.github.otpresend}. */
  private record Arrow(String from, String to) {
    private static final Pattern LINE =
        Pattern.compile(
            " +io\\.github\\.otpresend\\.([\\w.]+)(?:\\$\\S*)? +->"
                + " io\\.github\\.otpresend\\.([\\w.]+)(?:\\$\\S*)? .*");

    private Arrow back() {
      return new Arrow(to, from);
    }
  }

  /** Returns all arrows, which {@code jdeps} finds in the class files. */
  private static Set<Arrow> arrows() {
    StringWriter out = new StringWriter();
    int result =
        ToolProvider.findFirst("jdeps")
            .orElseThrow()
            .run(
                new PrintWriter(out),
                new PrintWriter(out),
                "-verbose:class",
                "-filter:none",
                "--ignore-missing-deps",
                "-e",
                "io\\.github\\.otpresend\\..*",
                "target/classes/io");
    assertEquals(0, result, out::toString);
    return out.toString()
        .lines()
        .map(Arrow.LINE::matcher)
        .filter(line -> line.matches())
        .map(line -> new Arrow(line.group(1), line.group(2)))
        .filter(arrow -> !arrow.from.equals(arrow.to))
        .collect(Collectors.toSet());
  }

  private static String room(String file) {
    return file.substring(0, Math.max(0, file.lastIndexOf('.')));
  }

  private static boolean isAllowed(Arrow arrow) {
    String from = room(arrow.from);
    String to = room(arrow.to);
    return from.equals(to)
        || (from.equals(API)
            ? ALLOWED_IN_API.getOrDefault(arrow.from, Set.of()).contains(arrow.to)
            : ALLOWED.get(from).contains(to));
  }

  @Test
  void every_arrow_between_rooms_is_allowed() {
    assertEquals(List.of(), arrows().stream().filter(arrow -> !isAllowed(arrow)).toList());
  }

  @Test
  void every_room_is_in_the_plan_and_is_used() {
    Set<String> rooms =
        arrows().stream()
            .map(arrow -> room(arrow.to))
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> plan = new TreeSet<>(ALLOWED.keySet());
    plan.add(API);
    assertEquals(plan, rooms);
  }

  @Test
  void no_two_files_use_each_other_except_a_factory_and_what_it_creates() {
    Set<Arrow> arrows = arrows();
    Set<Set<String>> pairs =
        arrows.stream()
            .filter(arrow -> arrows.contains(arrow.back()))
            .map(arrow -> Set.of(arrow.from, arrow.to))
            .collect(Collectors.toSet());
    assertEquals(FACTORIES, pairs);
  }
}
