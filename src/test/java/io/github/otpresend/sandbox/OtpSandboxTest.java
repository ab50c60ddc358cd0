// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.sandbox;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.tomakehurst.wiremock.http.Fault;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The sandbox, called through a socket, so that no client retries or decodes. */
@Timeout(30)
class OtpSandboxTest {
  private static final Answer SUCCESS = json(201, "{\"success\":true}");
  private static final Answer COOLDOWN =
      refusal(409, "RestartCooldownActiveException", "Перезапуск недоступен: требуется подождать.");
  private static final Answer NOT_FOUND =
      refusal(404, "SessionNotFoundException", "Сессия не найдена");
  private static final Answer UNAUTHORIZED = new Answer(401, "", "");

  private final TestClock clock = new TestClock();
  private final OtpSandbox sandbox = OtpSandbox.start(clock);

  @AfterEach
  void close() {
    sandbox.close();
  }

  @Test
  void the_first_resend_of_a_session_succeeds() throws IOException {
    sandbox.session("4711");

    assertEquals(SUCCESS, resend("4711"));
    assertEquals(1, sandbox.resends("4711"));
  }

  @Test
  void a_second_resend_within_the_cooldown_is_refused() throws IOException {
    sandbox.session("4711").withCooldown(Duration.ofSeconds(30));
    resend("4711");
    clock.advance(Duration.ofSeconds(30).minusMillis(1));

    assertEquals(COOLDOWN, resend("4711"));
    assertEquals(1, sandbox.resends("4711"));
  }

  @Test
  void after_the_cooldown_a_resend_succeeds_and_the_next_cooldown_begins() throws IOException {
    sandbox.session("4711").withCooldown(Duration.ofSeconds(30));
    resend("4711");
    clock.advance(Duration.ofSeconds(30));

    assertEquals(SUCCESS, resend("4711"));
    assertEquals(COOLDOWN, resend("4711"));
    assertEquals(2, sandbox.resends("4711"));
  }

  @Test
  void a_refused_resend_does_not_prolong_the_cooldown() throws IOException {
    sandbox.session("4711").withCooldown(Duration.ofSeconds(30));
    resend("4711");
    clock.advance(Duration.ofSeconds(20));
    resend("4711");
    clock.advance(Duration.ofSeconds(10));

    assertEquals(SUCCESS, resend("4711"));
  }

  @Test
  void the_cooldown_is_a_minute_unless_set() throws IOException {
    sandbox.session("4711");
    resend("4711");
    clock.advance(Duration.ofSeconds(59));
    assertEquals(COOLDOWN, resend("4711"));
    clock.advance(Duration.ofSeconds(1));

    assertEquals(SUCCESS, resend("4711"));
  }

  @Test
  void without_a_cooldown_every_resend_succeeds() throws IOException {
    sandbox.session("4711").withCooldown(Duration.ZERO);

    assertEquals(List.of(SUCCESS, SUCCESS, SUCCESS), resends("4711", 3));
    assertEquals(3, sandbox.resends("4711"));
  }

  @Test
  void the_longest_cooldown_never_ends() throws IOException {
    sandbox.session("4711").withCooldown(Duration.ofSeconds(Long.MAX_VALUE));
    resend("4711");
    clock.advance(Duration.ofDays(365_000));

    assertEquals(COOLDOWN, resend("4711"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ATTEMPTS_EXPIRED|400|AttemptsExpiredException|Количество попыток ввода кода исчерпано, запустите попытку авторизации заново
          NO_AVAILABLE_CHANNELS|400|NoAvailableChannelsException|Нет подходящих каналов для отправки сообщения, запустите попытку авторизации заново
          FORBIDDEN|403|ForbiddenException|Запрещено
          SESSION_NOT_FOUND|404|SessionNotFoundException|Сессия не найдена
          RESTART_COOLDOWN_ACTIVE|409|RestartCooldownActiveException|Перезапуск недоступен: требуется подождать.
          SESSION_ALREADY_CONFIRMED|409|SessionAlreadyConfirmedException|Сессия уже подтверждена
          RATE_LIMITED|429|RateLimitException|Too many sends to this phone number
          SESSION_CLOSED|400|SessionClosedException|The session is closed
          CHANNEL_CHANGED|400|ChannelChangedException|The channel is being changed
          BLOCKED|403|WidgetIsBlockedException|The form is blocked
          SERVER_ERROR|500|InternalServerErrorException|Internal server error
          """)
  void a_refusing_state_refuses_every_resend(
      SessionState state, int status, String type, String message) throws IOException {
    sandbox.session("4711").inState(state);
    Answer refusal = refusal(status, type, message);

    assertEquals(List.of(refusal, refusal), resends("4711", 2));
    assertEquals(0, sandbox.resends("4711"));
    assertEquals(2, sandbox.requests("4711"));
  }

  @Test
  void a_channel_that_must_be_restarted_is_refused_once_and_then_resends() throws IOException {
    sandbox.session("4711").inState(SessionState.RESEND_CHANNEL);

    assertEquals(
        List.of(refusal(400, "ResendChannelException", "Перезапустите канал"), SUCCESS, COOLDOWN),
        resends("4711", 3));
    assertEquals(1, sandbox.resends("4711"));
  }

  @Test
  void no_cooldown_applies_to_a_channel_that_must_be_restarted() throws IOException {
    SandboxSession session = sandbox.session("4711");
    resend("4711");
    session.inState(SessionState.RESEND_CHANNEL);
    resend("4711");

    assertEquals(SUCCESS, resend("4711"));
  }

  @Test
  void a_channel_fails_several_times_before_no_channel_is_left() throws IOException {
    sandbox.session("4711").channelsFail(2);
    Answer failed = refusal(400, "ResendChannelException", "Перезапустите канал");

    assertEquals(List.of(failed, SUCCESS, failed, SUCCESS), resends("4711", 4));
    for (Answer answer : resends("4711", 2)) {
      assertTrue(answer.body().contains("NoAvailableChannelsException"), answer.body());
    }
    assertEquals(2, sandbox.resends("4711"));
  }

  @Test
  void a_state_that_is_set_ends_the_failures_of_a_channel() throws IOException {
    sandbox.session("4711").channelsFail(5).inState(SessionState.OPEN);

    assertEquals(List.of(SUCCESS, COOLDOWN), resends("4711", 2));
  }

  @Test
  void a_channel_cannot_fail_less_than_once() {
    SandboxSession session = sandbox.session("4711");

    assertThrows(IllegalArgumentException.class, () -> session.channelsFail(0));
  }

  @Test
  void a_session_that_was_just_sent_to_resends_after_its_cooldown() throws IOException {
    sandbox.session("4711").justSent().withCooldown(Duration.ofSeconds(5));
    assertEquals(COOLDOWN, resend("4711"));
    clock.advance(Duration.ofSeconds(5));

    assertEquals(SUCCESS, resend("4711"));
  }

  @Test
  void an_opened_session_has_no_cooldown_left() throws IOException {
    SandboxSession session = sandbox.session("4711");
    resend("4711");
    session.inState(SessionState.OPEN);

    assertEquals(SUCCESS, resend("4711"));
  }

  @Test
  void an_id_without_a_session_is_not_found() throws IOException {
    assertEquals(NOT_FOUND, resend("4711"));
    assertEquals(0, sandbox.resends("4711"));
    assertEquals(1, sandbox.requests("4711"));
  }

  @Test
  void a_request_without_the_token_is_refused_without_a_body() throws IOException {
    sandbox.session("4711");
    String path = path("4711");

    assertAll(
        () -> assertEquals(UNAUTHORIZED, post(path)),
        () -> assertEquals(UNAUTHORIZED, post(path, "Authorization: Bearer wrong")),
        () -> assertEquals(UNAUTHORIZED, post(path, "Authorization: " + sandbox.token())),
        () -> assertEquals(UNAUTHORIZED, post(path, "Authorization: Basic " + sandbox.token())));
    assertEquals(0, sandbox.resends("4711"));
    assertEquals(4, sandbox.requests("4711"));
  }

  @Test
  void a_request_without_the_token_does_not_reveal_which_sessions_exist() throws IOException {
    assertEquals(UNAUTHORIZED, post(path("4711")));
  }

  @Test
  void other_requests_are_not_counted() throws IOException {
    sandbox.session("4711");

    assertAll(
        () -> assertEquals(404, send("GET", path("4711"), bearer()).status()),
        () -> assertEquals(404, post(path("4711") + "/more", bearer()).status()),
        () -> assertEquals(404, post("/4711/resend", bearer()).status()));
    assertEquals(0, sandbox.requests("4711"));
    assertEquals(0, sandbox.resends("4711"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a b", "a/b", "a?b", "a#b", "a%b", "a%2Fb", "a+b", "{id}", "a;b=c", "a\\b", "a&b=c", "..a",
        "a//b", "../x", "%", "запрос", "🔑", "\"<>|^`"
      })
  void an_id_is_compared_after_decoding(String id) throws IOException {
    sandbox.session(id);

    assertEquals(SUCCESS, resend(id));
    assertEquals(1, sandbox.resends(id));
    assertEquals(1, sandbox.requests(id));
  }

  @Test
  void a_plus_sign_in_a_path_is_not_a_space() throws IOException {
    sandbox.session("a+b");

    assertEquals(SUCCESS, post(path("a+b"), bearer()));
    assertEquals(NOT_FOUND, resend("a b"));
  }

  @Test
  void sessions_are_independent() throws IOException {
    sandbox.session("one").inState(SessionState.FORBIDDEN);
    sandbox.session("two");

    assertEquals(403, resend("one").status());
    assertEquals(SUCCESS, resend("two"));
    assertEquals(List.of(0, 1), List.of(sandbox.resends("one"), sandbox.resends("two")));
  }

  @Test
  void the_same_id_is_the_same_session() {
    assertSame(sandbox.session("4711"), sandbox.session("4711"));
  }

  @Test
  void sandboxes_are_independent() throws IOException {
    sandbox.session("4711");
    resend("4711");
    try (OtpSandbox other = OtpSandbox.start(clock)) {
      assertNotEquals(sandbox.token(), other.token());
      assertNotEquals(sandbox.baseUrl(), other.baseUrl());
      assertEquals(UNAUTHORIZED, send(other, "POST", path("4711"), bearer()));
      assertEquals(
          NOT_FOUND, send(other, "POST", path("4711"), "Authorization: Bearer " + other.token()));
      assertEquals(0, other.resends("4711"));
    }
    assertEquals(1, sandbox.requests("4711"));
  }

  @Test
  void the_times_of_the_requests_are_known_in_their_order() throws Exception {
    sandbox.session("4711");
    Instant first = clock.instant();
    resend("4711");
    clock.advance(Duration.ofSeconds(5));
    resend("4711");
    assertEquals(List.of(first, first.plusSeconds(5)), sandbox.requestTimes("4711"));
    assertEquals(List.of(), sandbox.requestTimes("unknown"));
  }

  @Test
  void of_two_simultaneous_resends_exactly_one_succeeds() throws Exception {
    sandbox.session("4711");
    List<Answer> answers = simultaneously("4711", 2);

    assertEquals(1, answers.stream().filter(SUCCESS::equals).count());
    assertEquals(1, answers.stream().filter(COOLDOWN::equals).count());
    assertEquals(1, sandbox.resends("4711"));
    assertEquals(2, sandbox.requests("4711"));
  }

  @Test
  void simultaneous_requests_are_all_counted() throws Exception {
    sandbox.session("4711").withCooldown(Duration.ZERO);
    simultaneously("4711", 16);

    assertEquals(16, sandbox.resends("4711"));
    assertEquals(16, sandbox.requests("4711"));
  }

  @Test
  void a_delayed_answer_is_late_and_complete() throws IOException {
    sandbox.session("4711").delay(Duration.ofMillis(300));
    long start = System.nanoTime();

    assertEquals(SUCCESS, resend("4711"));
    assertTrue(System.nanoTime() - start >= TimeUnit.MILLISECONDS.toNanos(300));
  }

  @Test
  void a_sandbox_closes_while_an_answer_is_delayed() throws IOException {
    sandbox.session("4711").delay(Duration.ofMinutes(5));
    try (Socket socket = new Socket("localhost", port(sandbox))) {
      write(socket, "POST", path("4711"), bearer());
      while (sandbox.resends("4711") == 0) {
        Thread.onSpinWait();
      }
      assertTimeout(Duration.ofSeconds(5), sandbox::close);
    }
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void a_fault_loses_the_answer_of_a_completed_resend(Fault fault) throws IOException {
    SandboxSession session = sandbox.session("4711").fault(fault);
    try {
      assertNotEquals(SUCCESS, resend("4711"));
    } catch (SocketException expectedOfAReset) {
      assertEquals(Fault.CONNECTION_RESET_BY_PEER, fault);
    }
    assertEquals(1, sandbox.resends("4711"));
    assertEquals(1, sandbox.requests("4711"));

    session.fault(null);
    assertEquals(COOLDOWN, resend("4711"));
  }

  @Test
  void a_fault_of_a_refusal_counts_no_code() {
    sandbox.session("4711").inState(SessionState.FORBIDDEN).fault(Fault.CONNECTION_RESET_BY_PEER);

    assertThrows(SocketException.class, () -> resend("4711"));
    assertEquals(0, sandbox.resends("4711"));
  }

  @Test
  void a_negative_duration_is_refused() {
    SandboxSession session = sandbox.session("4711");
    Duration negative = Duration.ofMillis(-1);

    assertThrows(IllegalArgumentException.class, () -> session.withCooldown(negative));
    assertThrows(IllegalArgumentException.class, () -> session.delay(negative));
  }

  @Test
  void a_closed_sandbox_stops_listening_and_keeps_its_counts() throws IOException {
    sandbox.session("4711");
    resend("4711");
    sandbox.close();
    sandbox.close();

    assertThrows(ConnectException.class, () -> resend("4711"));
    assertEquals(1, sandbox.resends("4711"));
    assertTrue(sandbox.baseUrl().endsWith("/api/n/otp-handler"));
  }

  private record Answer(int status, String contentType, String body) {}

  private static Answer json(int status, String body) {
    return new Answer(status, "application/json; charset=utf-8", body);
  }

  private static Answer refusal(int status, String type, String message) {
    return json(
        status,
        "{\"type\":\""
            + type
            + "\",\"message\":\""
            + message
            + "\",\"httpStatus\":"
            + status
            + "}");
  }

  private Answer resend(String id) throws IOException {
    return post(path(encode(id)), bearer());
  }

  private List<Answer> resends(String id, int times) throws IOException {
    Answer[] answers = new Answer[times];
    for (int i = 0; i < times; i++) {
      answers[i] = resend(id);
    }
    return List.of(answers);
  }

  private List<Answer> simultaneously(String id, int times) throws Exception {
    CyclicBarrier barrier = new CyclicBarrier(times);
    ExecutorService threads = Executors.newFixedThreadPool(times);
    try {
      List<Future<Answer>> answers =
          IntStream.range(0, times)
              .mapToObj(
                  i ->
                      threads.submit(
                          () -> {
                            barrier.await();
                            return resend(id);
                          }))
              .toList();
      Answer[] all = new Answer[times];
      for (int i = 0; i < times; i++) {
        all[i] = answers.get(i).get();
      }
      return List.of(all);
    } finally {
      threads.shutdown();
    }
  }

  private Answer post(String path, String... headers) throws IOException {
    return send("POST", path, headers);
  }

  private Answer send(String method, String path, String... headers) throws IOException {
    return send(sandbox, method, path, headers);
  }

  private static Answer send(OtpSandbox sandbox, String method, String path, String... headers)
      throws IOException {
    try (Socket socket = new Socket("localhost", port(sandbox))) {
      write(socket, method, path, headers);
      return read(new String(socket.getInputStream().readAllBytes(), UTF_8));
    }
  }

  private static void write(Socket socket, String method, String path, String... headers)
      throws IOException {
    String head =
        method
            + " "
            + path
            + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n"
            + String.join("", List.of(headers).stream().map(header -> header + "\r\n").toList())
            + "\r\n";
    socket.getOutputStream().write(head.getBytes(US_ASCII));
  }

  /** An answer. A missing header is empty, and a missing answer has the status 0. */
  private static Answer read(String response) {
    Matcher answer =
        Pattern.compile("HTTP/1.1 (\\d{3}) .*?\r\n\r\n(.*)", Pattern.DOTALL).matcher(response);
    if (!answer.matches()) {
      return new Answer(0, "", response);
    }
    Matcher contentType = Pattern.compile("(?i)\r\ncontent-type: (.*)\r\n").matcher(response);
    return new Answer(
        Integer.parseInt(answer.group(1)),
        contentType.find() ? contentType.group(1) : "",
        answer.group(2));
  }

  private static int port(OtpSandbox sandbox) {
    return URI.create(sandbox.baseUrl()).getPort();
  }

  private static String path(String segment) {
    return "/api/n/otp-handler/" + segment + "/resend";
  }

  private String bearer() {
    return "Authorization: Bearer " + sandbox.token();
  }

  private static String encode(String id) {
    return HexFormat.of().withPrefix("%").formatHex(id.getBytes(UTF_8));
  }

  private static final class TestClock extends Clock {
    private volatile Instant now = Instant.parse("2026-01-01T00:00:00Z");

    void advance(Duration time) {
      now = now.plus(time);
    }

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      throw new UnsupportedOperationException();
    }
  }
}
