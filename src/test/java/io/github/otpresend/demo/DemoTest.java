// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.demo;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.tomakehurst.wiremock.http.Fault;
import io.github.otpresend.sandbox.OtpSandbox;
import io.github.otpresend.sandbox.SessionState;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class DemoTest {
  private final OtpSandbox service = OtpSandbox.start();

  @AfterEach
  void close() {
    service.close();
  }

  @Test
  void without_a_token_it_shows_each_outcome_of_a_sandbox() {
    Run run = run(Map.of());

    assertEquals(0, run.exitCode());
    assertEquals("", run.err());
    assertEquals(
        List.of(
            "open SUCCESS 201 yes -",
            "resend-channel RESEND_CHANNEL 400 no RESEND",
            "attempts-expired ATTEMPTS_EXPIRED 400 no START_OVER",
            "no-available-channels NO_AVAILABLE_CHANNELS 400 no START_OVER",
            "forbidden FORBIDDEN 403 no FIX_CREDENTIALS",
            "session-not-found SESSION_NOT_FOUND 404 no START_OVER",
            "restart-cooldown-active RESTART_COOLDOWN_ACTIVE 409 no WAIT",
            "session-already-confirmed SESSION_ALREADY_CONFIRMED 409 no PROCEED",
            "rate-limited RATE_LIMITED 429 no WAIT",
            "session-closed SESSION_CLOSED 400 no START_OVER",
            "channel-changed CHANNEL_CHANGED 400 yes AWAIT_CODE",
            "blocked BLOCKED 403 no FIX_CREDENTIALS",
            "server-error SERVER_ERROR 500 yes AWAIT_CODE",
            "wrong-token UNAUTHORIZED 401 no FIX_CREDENTIALS",
            "answer-lost CONNECTION_LOST 502 yes AWAIT_CODE"),
        run.table());
    assertTrue(run.out().endsWith("Codes that would have gone out: 2" + System.lineSeparator()));
  }

  @Test
  void its_columns_are_aligned() {
    List<String> lines = run(Map.of()).out().lines().toList();
    int header =
        lines.indexOf(
            lines.stream().filter(l -> l.startsWith("request id")).findFirst().orElseThrow());

    for (String line : lines.subList(header, lines.size() - 2)) {
      assertEquals(lines.get(header).length(), line.length(), line);
    }
  }

  @Test
  void without_a_terminal_it_prints_no_escape_sequence() {
    assertFalse(run(Map.of()).out().contains("\u001b"));
  }

  @Test
  void its_arguments_are_request_ids_of_the_sandbox() {
    Run run = run(Map.of(), "open", "open", "nobody's", "a b/ж");

    assertEquals(0, run.exitCode());
    assertEquals(
        List.of(
            "open SUCCESS 201 yes -",
            "open RESTART_COOLDOWN_ACTIVE 409 no WAIT",
            "nobody's SESSION_NOT_FOUND 404 no START_OVER",
            "a b/ж SESSION_NOT_FOUND 404 no START_OVER"),
        run.table());
    assertTrue(run.out().contains("gone out: 1"), run.out());
  }

  @Test
  void with_a_token_it_sends_exactly_one_resend() {
    service.session("4711");
    Run run = run(serviceAndToken(), "4711");

    assertEquals(0, run.exitCode(), run.out());
    assertTrue(run.out().contains("{\"success\":true}"), run.out());
    assertEquals(1, service.requests("4711"));
    assertEquals(1, service.resends("4711"));
  }

  @Test
  void a_refused_resend_exits_with_1_and_says_what_to_do() {
    service.session("4711").inState(SessionState.RESEND_CHANNEL);
    Run run = run(serviceAndToken(), "4711");

    assertEquals(1, run.exitCode());
    assertTrue(run.out().contains("ResendChannelException: Перезапустите канал"), run.out());
    assertTrue(run.out().contains("May a code have gone out: no"), run.out());
    assertTrue(run.out().contains("Next step: RESEND"), run.out());
    assertEquals(1, service.requests("4711"));
  }

  @Test
  void a_lost_answer_exits_with_1_and_nothing_is_sent_again() {
    service.session("4711").fault(Fault.CONNECTION_RESET_BY_PEER);
    Run run = run(serviceAndToken(), "4711");

    assertEquals(1, run.exitCode());
    assertTrue(run.out().contains("ConnectionLostException: "), run.out());
    assertTrue(run.out().contains("May a code have gone out: yes"), run.out());
    assertTrue(run.out().contains("Next step: AWAIT_CODE"), run.out());
    assertEquals(1, service.requests("4711"));
  }

  @Test
  void a_refused_token_exits_with_1() {
    service.session("4711");
    Run run = run(Map.of("OTP_TOKEN", "secret", "OTP_BASE_URL", service.baseUrl()), "4711");

    assertEquals(1, run.exitCode());
    assertTrue(run.out().contains("UnauthorizedException: "), run.out());
    assertEquals(0, service.resends("4711"));
  }

  @Test
  void bad_usage_exits_with_2_and_a_usage_line_and_sends_nothing() {
    service.session("4711");
    service.session("4712");
    String url = service.baseUrl();

    assertAll(
        () -> assertBadUsage(run(serviceAndToken())),
        () -> assertBadUsage(run(serviceAndToken(), "4711", "4712")),
        () -> assertBadUsage(run(Map.of("OTP_TOKEN", "", "OTP_BASE_URL", url), "4711")),
        () -> assertBadUsage(run(Map.of("OTP_TOKEN", "secret\nx", "OTP_BASE_URL", url), "4711")),
        () -> assertBadUsage(run(Map.of("OTP_TOKEN", "secret", "OTP_BASE_URL", ""), "4711")),
        () -> assertBadUsage(run(Map.of("OTP_TOKEN", "secret", "OTP_BASE_URL", "no url"), "4711")),
        () ->
            assertBadUsage(
                run(
                    Map.of("OTP_TOKEN", "secret", "OTP_BASE_URL", "http://plaintext.invalid"),
                    "4711")));
    assertEquals(0, service.requests("4711") + service.requests("4712"));
  }

  private static void assertBadUsage(Run run) {
    assertEquals(2, run.exitCode());
    assertEquals("", run.out());
    assertTrue(run.err().contains("usage: "), run.err());
  }

  private Map<String, String> serviceAndToken() {
    return Map.of("OTP_TOKEN", service.token(), "OTP_BASE_URL", service.baseUrl());
  }

  /** Checks that the output contains no token. */
  private Run run(Map<String, String> env, String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exitCode =
        Demo.run(args, env, new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8));
    Run run = new Run(exitCode, out.toString(UTF_8), err.toString(UTF_8));
    for (String token : List.of(service.token(), "sandbox-", "secret")) {
      assertFalse((run.out() + run.err()).contains(token), run.toString());
    }
    return run;
  }

  private record Run(int exitCode, String out, String err) {
    /** Returns the lines below the header, without alignment and milliseconds. */
    List<String> table() {
      return out.lines()
          .dropWhile(line -> !line.startsWith("request id"))
          .skip(1)
          .takeWhile(line -> !line.isEmpty())
          .map(line -> line.replaceAll(" +", " ").replaceFirst(" \\d+$", ""))
          .toList();
    }
  }
}
