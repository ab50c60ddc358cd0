// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.OtpResendOptions.DEFAULT_CONNECT_TIMEOUT;
import static io.github.otpresend.OtpResendOptions.DEFAULT_TIMEOUT;
import static io.github.otpresend.ResendFailure.CONNECTION_FAILED;
import static io.github.otpresend.ResendFailure.CONNECTION_LOST;
import static io.github.otpresend.ResendFailure.INVALID_RESPONSE;
import static io.github.otpresend.ResendFailure.RATE_LIMITED;
import static io.github.otpresend.ResendFailure.RESTART_COOLDOWN_ACTIVE;
import static io.github.otpresend.ResendFailure.SERVER_ERROR;
import static io.github.otpresend.ResendFailure.TIMEOUT;
import static io.github.otpresend.ResendFailure.UNRECOGNIZED;
import static io.github.otpresend.testing.Calls.PATIENCE;
import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static io.github.otpresend.testing.FaultServer.SUCCESS;
import static io.github.otpresend.testing.FaultServer.response;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.Certificates;
import io.github.otpresend.testing.Compression;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.net.PemTrustOptions;
import io.vertx.ext.web.client.WebClientOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Table of the faults of a network, a server and a caller; each row is one fault. Each call has to
 * end in time with the right outcome, and to send its request at most once. The next call has to
 * get the only connection of the pool. Each fault is tested directly and over the event bus.
 */
class FaultTableIT {
  /** The timeout of a call that ends by it. */
  private static final Duration TIMEOUT_OF_CALL = Duration.ofSeconds(2);

  /** The same for a call over TLS, whose handshake may take long while other rows start. */
  private static final Duration TIMEOUT_OVER_TLS = Duration.ofSeconds(4);

  /** The timeout of an attempt to connect that ends by it. */
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(1);

  /** Maximum of the median time after the deadline at which calls end, as in the manual. */
  private static final Duration MAX_MEDIAN = TIMEOUT_OF_CALL.dividedBy(10).plusMillis(50);

  /** Additional time for a single call, because the machine may be busy. */
  private static final Duration MARGIN = Duration.ofSeconds(1);

  private static final String HEAD = "HTTP/1.1 201 Created\r\n";
  private static final String CHUNKED = HEAD + "Transfer-Encoding: chunked\r\n\r\n";
  private static final String BODY = "{\"success\":true}";

  /** First bytes of a TLS record of 122 bytes that contains a ServerHello of 118 bytes. */
  private static final byte[] SERVER_HELLO = {0x16, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3, 1, 2, 3, 4};

  /** Times after the deadline at which the calls that it ended did end. */
  private static final List<Duration> LATE = new CopyOnWriteArrayList<>();

  private static Vertx vertx;
  private static SSLContext serverTls;
  private static PemTrustOptions trust;

  /**
   * Row of the table.
   *
   * @param scheme the scheme of the base URL
   * @param script what the server does with a connection, from the first byte on
   * @param kind the kind of the failure; null for a success
   */
  private record Fault(
      String name,
      String scheme,
      FaultServer.Script script,
      @Nullable ResendFailure kind,
      boolean maybeSent) {
    Duration timeout() {
      if (kind != TIMEOUT) {
        return DEFAULT_TIMEOUT;
      }
      return scheme.equals("https") ? TIMEOUT_OVER_TLS : TIMEOUT_OF_CALL;
    }

    @Override
    public String toString() {
      return name + " -> " + (kind == null ? "SUCCESS" : kind);
    }
  }

  private static final List<Fault> TABLE = new ArrayList<>();

  /** Rows whose calls only wait for a timeout. They wait together. */
  private static final List<Fault> ENDLESS = new ArrayList<>();

  private static void row(
      String name, String scheme, @Nullable ResendFailure kind, FaultServer.Script fault) {
    List<Fault> rows = kind == TIMEOUT ? ENDLESS : TABLE;
    rows.add(new Fault(name, scheme, fault, kind, kind != null && kind.maybeSent()));
  }

  private static FaultServer.Script afterRequest(FaultServer.Script fault) {
    return peer -> {
      if (peer.readRequest()) {
        fault.run(peer);
      }
    };
  }

  /** Adds a row whose server reads the request first. */
  private static void answer(String name, @Nullable ResendFailure kind, FaultServer.Script fault) {
    row(name, "http", kind, afterRequest(fault));
  }

  /** Adds a row whose server answers with this text, and then waits for another request. */
  private static void sends(String name, @Nullable ResendFailure kind, String answer) {
    answer(name, kind, peer -> peer.write(answer));
  }

  private static void writeForever(FaultServer.Peer peer, String part, Duration pause)
      throws IOException {
    while (true) {
      peer.write(part);
      LockSupport.parkNanos(pause.toNanos());
    }
  }

  private static void writeSlowly(FaultServer.Peer peer, String part) throws IOException {
    writeForever(peer, part, Duration.ofMillis(50));
  }

  private static void writeFast(FaultServer.Peer peer, String part) throws IOException {
    writeForever(peer, part.repeat(100), Duration.ZERO);
  }

  static {
    tlsFaults();
    faultsOverTls();
    requestFaults();
    headFaults();
    bodyFaults();
    framingFaults();
    statuses();
    interimAnswers();
    lastAnswers();
    compressedAnswers();
  }

  private static void tls(String name, FaultServer.Script fault) {
    row("TLS: " + name, "https", CONNECTION_FAILED, fault);
  }

  private static void endlessTls(String name, FaultServer.Script fault) {
    ENDLESS.add(new Fault("TLS: " + name, "https", fault, CONNECTION_FAILED, false));
  }

  private static void tlsFaults() {
    tls("refused by an alert", peer -> peer.write(new byte[] {0x15, 3, 3, 0, 2, 2, 40}));
    endlessTls("silence", FaultServer.Peer::silence);
    endlessTls(
        "sent slowly",
        peer -> {
          for (byte b : SERVER_HELLO) {
            peer.write(new byte[] {b});
            LockSupport.parkNanos(100_000_000);
          }
          peer.silence();
        });
    tls("closed", FaultServer.Peer::close);
    tls("reset", FaultServer.Peer::reset);
    tls("garbage", peer -> peer.write("garbage\r\n\r\n"));
    tls("an HTTP server", peer -> peer.write(response(400, "{}")));
    tls(
        "a record that is too long",
        peer -> {
          peer.write(new byte[] {0x16, 3, 3, (byte) 0xff, (byte) 0xff});
          writeFast(peer, "x".repeat(1_000));
        });
    endlessTls("half a ServerHello", peer -> peer.write(SERVER_HELLO));
  }

  /** Adds a row whose server reads the request over TLS first. */
  private static void overTls(String name, ResendFailure kind, FaultServer.Script fault) {
    row(
        "over TLS: " + name,
        "https",
        kind,
        peer -> {
          peer.startTls(serverTls);
          afterRequest(fault).run(peer);
        });
  }

  private static void faultsOverTls() {
    overTls("silence", TIMEOUT, FaultServer.Peer::silence);
    overTls("closed", CONNECTION_LOST, FaultServer.Peer::close);
    overTls("reset", CONNECTION_LOST, FaultServer.Peer::reset);
    overTls("garbage", INVALID_RESPONSE, peer -> peer.write("garbage\r\n\r\n"));
    overTls(
        "half a body, then closed",
        CONNECTION_LOST,
        peer -> {
          peer.write(HEAD + "Content-Length: 16\r\n\r\n{\"succ");
          peer.close();
        });
    overTls(
        "body sent slowly",
        TIMEOUT,
        peer -> {
          peer.write(HEAD + "Content-Length: 1000000\r\n\r\n");
          writeSlowly(peer, " ");
        });
  }

  private static void requestFaults() {
    row(
        "request: closed before it was read",
        "http",
        CONNECTION_LOST,
        peer -> {
          peer.readByte();
          peer.close();
        });
    row(
        "request: reset before it was read",
        "http",
        CONNECTION_LOST,
        peer -> {
          peer.readByte();
          peer.reset();
        });
    row(
        "request: read too slowly",
        "http",
        TIMEOUT,
        peer -> {
          while (peer.readByte()) {
            LockSupport.parkNanos(20_000_000);
          }
        });
    answer("request: silence after it", TIMEOUT, FaultServer.Peer::silence);
    answer("request: closed after it", CONNECTION_LOST, FaultServer.Peer::close);
    answer("request: reset after it", CONNECTION_LOST, FaultServer.Peer::reset);
    answer(
        "request: answered slowly, but in time",
        null,
        peer -> {
          LockSupport.parkNanos(300_000_000);
          peer.write(SUCCESS);
        });
    row(
        "half an answer before the request, then closed",
        "http",
        CONNECTION_LOST,
        peer -> {
          peer.readByte();
          peer.write(SUCCESS.substring(0, 30));
          peer.close();
        });
  }

  private static void headFaults() {
    sends("head: half, then silence", TIMEOUT, "HTTP/1.1 201 Crea");
    sends("head: no end, then silence", TIMEOUT, HEAD + "Content-Length: 16\r\n");
    answer(
        "head: sent slowly",
        TIMEOUT,
        peer -> {
          peer.write(HEAD);
          writeSlowly(peer, "X: 1\r\n");
        });
    answer(
        "head: one byte, then closed",
        CONNECTION_LOST,
        peer -> {
          peer.write("H");
          peer.close();
        });
    answer(
        "head: half, then closed",
        CONNECTION_LOST,
        peer -> {
          peer.write(HEAD + "Content-Le");
          peer.close();
        });
    answer(
        "head: half, then reset",
        CONNECTION_LOST,
        peer -> {
          peer.write(HEAD + "Content-Le");
          peer.reset();
        });
    sends("head: garbage", INVALID_RESPONSE, "garbage\r\n\r\n");
    sends("head: a TLS alert", INVALID_RESPONSE, "\u0015\u0003\u0003\u0000\u0002\u0002(\r\n\r\n");
    sends("head: a request", INVALID_RESPONSE, "POST /echo HTTP/1.1\r\n\r\n");
    sends("head: a status that is not a number", INVALID_RESPONSE, "HTTP/1.1 abc Created\r\n\r\n");
    sends("head: a line that is too long", INVALID_RESPONSE, "HTTP/1.1 201 " + "x".repeat(5_000));
    sends("head: a header that is too long", INVALID_RESPONSE, HEAD + "X: " + "x".repeat(9_000));
    answer(
        "head: endless headers",
        INVALID_RESPONSE,
        peer -> {
          peer.write(HEAD);
          writeFast(peer, "X: 1\r\n");
        });
    answer(
        "head: one endless header",
        INVALID_RESPONSE,
        peer -> {
          peer.write(HEAD + "X: ");
          writeFast(peer, "x");
        });
  }

  private static void bodyFaults() {
    sends("body: silence", TIMEOUT, HEAD + "Content-Length: 16\r\n\r\n");
    sends("body: half, then silence", TIMEOUT, HEAD + "Content-Length: 16\r\n\r\n{\"succ");
    sends("body: all except the last chunk", TIMEOUT, CHUNKED + "10\r\n" + BODY + "\r\n");
    answer(
        "body: sent slowly",
        TIMEOUT,
        peer -> {
          peer.write(HEAD + "Content-Length: 1000000\r\n\r\n");
          writeSlowly(peer, " ");
        });
    answer(
        "body: chunks sent slowly",
        TIMEOUT,
        peer -> {
          peer.write(CHUNKED);
          writeSlowly(peer, "1\r\n \r\n");
        });
    for (String cut : List.of("", "{\"success\":")) {
      String half = HEAD + "Content-Length: 16\r\n\r\n" + cut;
      answer(
          "body: closed after " + cut.length() + " bytes",
          CONNECTION_LOST,
          peer -> {
            peer.write(half);
            peer.close();
          });
      answer(
          "body: reset after " + cut.length() + " bytes",
          CONNECTION_LOST,
          peer -> {
            peer.write(half);
            peer.reset();
          });
    }
    answer(
        "body: closed before the last chunk",
        CONNECTION_LOST,
        peer -> {
          peer.write(CHUNKED + "10\r\n" + BODY + "\r\n");
          peer.close();
        });
    sends("body: garbage", INVALID_RESPONSE, response(201, "garbage"));
    sends("body: control characters", INVALID_RESPONSE, response(201, "\u0000\u0001"));
    sends("body: HTML", INVALID_RESPONSE, response(201, "<html>created</html>"));
    sends(
        "body: corrupt gzip data",
        INVALID_RESPONSE,
        response(201, "Content-Encoding: gzip", "\u001f\b"));
    sends("body: nested too deeply", INVALID_RESPONSE, response(201, "[".repeat(30_000)));
    sends("body: one byte too long", INVALID_RESPONSE, response(201, " ".repeat(65_521) + BODY));
    sends(
        "body: a success, then too many spaces",
        INVALID_RESPONSE,
        response(201, BODY + " ".repeat(65_521)));
    sends("body: the maximum length", null, response(201, " ".repeat(65_520) + BODY));
    answer(
        "body: endless chunks",
        INVALID_RESPONSE,
        peer -> {
          peer.write(CHUNKED);
          writeFast(peer, "10\r\n                \r\n");
        });
    answer(
        "body: endless, without a length",
        INVALID_RESPONSE,
        peer -> {
          peer.write(HEAD + "\r\n");
          writeFast(peer, "          ");
        });
    answer(
        "body: without a length, then closed",
        null,
        peer -> {
          peer.write(HEAD + "\r\n" + BODY);
          peer.close();
        });
  }

  private static void framingFaults() {
    sends(
        "length: two different values",
        INVALID_RESPONSE,
        HEAD + "Content-Length: 16\r\nContent-Length: 17\r\n\r\n" + BODY);
    sends("length: negative", INVALID_RESPONSE, HEAD + "Content-Length: -1\r\n\r\n" + BODY);
    sends("length: not a number", INVALID_RESPONSE, HEAD + "Content-Length: x\r\n\r\n" + BODY);
    sends(
        "length: together with chunks",
        INVALID_RESPONSE,
        HEAD
            + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n"
            + BODY
            + "\r\n0\r\n\r\n");
    sends("chunk: a length that is not a number", INVALID_RESPONSE, CHUNKED + "xyz\r\n");
    answer(
        "chunk: an endless extension",
        INVALID_RESPONSE,
        peer -> {
          peer.write(CHUNKED + "10;");
          writeFast(peer, "x");
        });
    answer(
        "chunk: endless trailers",
        INVALID_RESPONSE,
        peer -> {
          peer.write(CHUNKED + "10\r\n" + BODY + "\r\n0\r\n");
          writeFast(peer, "X: 1\r\n");
        });
    sends("a second answer to one request", null, SUCCESS + response(404, "{}"));
  }

  private static void statuses() {
    for (int status : List.of(400, 403, 408, 409, 499)) {
      sends("status " + status, UNRECOGNIZED, response(status, ""));
    }
    sends("status 400 and half an object", UNRECOGNIZED, response(400, "{\"type\":\"Channel"));
    for (int status : List.of(413, 425, 431)) {
      FaultServer.Script refusal = afterRequest(peer -> peer.write(response(status, "")));
      TABLE.add(new Fault("status " + status, "http", refusal, UNRECOGNIZED, false));
    }
    sends("status 429", RATE_LIMITED, response(429, ""));
    for (int status : List.of(500, 502, 503, 504, 520)) {
      sends("status " + status, SERVER_ERROR, response(status, "<html>"));
    }
    sends("status 204", INVALID_RESPONSE, "HTTP/1.1 204 No Content\r\n\r\n");
    sends(
        "status 205", INVALID_RESPONSE, "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
    sends("status 206", null, response(206, BODY));
    sends("status 303", INVALID_RESPONSE, response(303, "Location: /elsewhere", ""));
    sends("status 304", INVALID_RESPONSE, "HTTP/1.1 304 Not Modified\r\n\r\n");
    sends("status 999", UNRECOGNIZED, response(999, ""));
  }

  /** Adds rows with 1xx statuses. Vert.x skips 100 and 103; any other 1xx is the final answer. */
  private static void interimAnswers() {
    for (String interim : List.of("100 Continue\r\n", "103 Hints\r\nLink: </a>\r\nX: 1\r\n")) {
      String status = "status " + interim.substring(0, 3);
      String answer = "HTTP/1.1 " + interim + "\r\n";
      sends(status + ", then 201", null, answer + SUCCESS);
      sends(status + " three times, then 201", null, answer.repeat(3) + SUCCESS);
      sends(status + ", then 503", SERVER_ERROR, answer + response(503, ""));
      sends(status + ", then silence", TIMEOUT, answer);
      FaultServer.Script flood = afterRequest(peer -> writeFast(peer, answer));
      // not among the endless faults, since it keeps the cores busy
      TABLE.add(new Fault(status + " without end", "http", flood, TIMEOUT, true));
      answer(
          status + ", then closed",
          CONNECTION_LOST,
          peer -> {
            peer.write(answer);
            peer.close();
          });
    }
    for (int status : List.of(102, 104, 199)) {
      sends(
          "status " + status + ", then 201",
          INVALID_RESPONSE,
          "HTTP/1.1 " + status + " Status\r\n\r\n" + SUCCESS);
    }
  }

  /** Adds a row whose answer is the last answer on its connection; later requests get no answer. */
  private static void sendsLast(String header) {
    answer(
        "last answer: " + header.replace("\r\n", " | "),
        null,
        peer -> {
          peer.write(response(201, header, BODY));
          peer.silence();
        });
  }

  private static void lastAnswers() {
    sendsLast("Connection: close");
    sendsLast("Connection: Upgrade, close");
    sendsLast("connection: upgrade ,CLOSE\t");
    sendsLast("Connection: close, keep-alive");
    sendsLast("Connection: keep-alive\r\nConnection: x,Close");
    sendsLast("Keep-Alive: timeout=0");
    sendsLast("Keep-Alive: timeout=1, max=100");
    sendsLast("Connection: keep-alive\r\nKeep-Alive: max=3\r\nKeep-Alive: TIMEOUT = \"1\"");
    answer(
        "last answer: HTTP/1.0",
        null,
        peer -> {
          peer.write(SUCCESS.replace("HTTP/1.1", "HTTP/1.0"));
          peer.silence();
        });
  }

  /** Adds a row whose answer is compressed. */
  private static void compressed(
      String coding, int status, String body, @Nullable ResendFailure kind) {
    byte[] bytes = Compression.of(coding, body);
    String head =
        "HTTP/1.1 %d Status\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
            .formatted(status, coding, bytes.length);
    answer(
        coding + ", status " + status + ", body of " + body.length() + " bytes",
        kind,
        peer -> {
          peer.write(head);
          peer.write(bytes);
        });
  }

  private static void compressedAnswers() {
    String cooldown = "{\"type\":\"RestartCooldownActiveException\"}";
    for (String coding : List.of("gzip", "x-gzip", "GZIP", "deflate")) {
      compressed(coding, 409, cooldown, RESTART_COOLDOWN_ACTIVE);
      compressed(coding, 201, BODY, null);
    }
    compressed("gzip", 201, " ".repeat(65_520) + BODY, null);
    compressed("gzip", 201, " ".repeat(65_521) + BODY, INVALID_RESPONSE);
    compressed("deflate", 409, cooldown + " ".repeat(10_000_000), INVALID_RESPONSE);
  }

  static Stream<Fault> faults() {
    return TABLE.stream();
  }

  static Stream<Fault> endlessFaults() {
    return ENDLESS.stream();
  }

  @BeforeAll
  static void start() {
    vertx = Vertx.vertx();
    Certificates certificates = new Certificates().selfSigned("localhost", "localhost");
    serverTls = certificates.context("localhost", "localhost");
    trust = certificates.trust("localhost");
    warmUp();
  }

  /** Makes the first TLS handshake of the JVM, as it may take longer than a timeout. */
  private static void warmUp() {
    FaultServer.Script script =
        peer -> {
          peer.startTls(serverTls);
          peer.readRequest();
          peer.write(SUCCESS);
        };
    try (FaultServer server = FaultServer.onConnection("https", script);
        Clients clients = new Clients(server.baseUrl(), PATIENCE, PATIENCE)) {
      assertTrue(await(clients.overBus.resend("first")).success());
    }
  }

  @AfterAll
  static void stop() {
    await(vertx.close());
    if (LATE.isEmpty()) {
      return; // none of the selected tests ends by the deadline
    }
    List<Duration> late = LATE.stream().sorted().toList();
    Duration median = late.get(late.size() / 2);
    System.out.printf(
        "%d faults, each directly and over the event bus; "
            + "calls ended %s (median) and at most %s after their deadline%n",
        TABLE.size() + ENDLESS.size() + 2, median, late.get(late.size() - 1));
    assertTrue(median.compareTo(MAX_MEDIAN) <= 0, late::toString);
  }

  @ParameterizedTest
  @MethodSource("faults")
  void a_fault_ends_the_call_in_time_and_the_next_call_succeeds(Fault fault) {
    assertEndsInTime(fault, connectTimeout(fault));
  }

  @ParameterizedTest
  @MethodSource("endlessFaults")
  @Execution(CONCURRENT)
  void a_fault_without_end_ends_the_call_in_time_and_the_next_call_succeeds(Fault fault) {
    assertEndsInTime(fault, fault.kind == TIMEOUT ? connectTimeout(fault) : CONNECT_TIMEOUT);
  }

  /** Returns the connect timeout that the options have if none was set. */
  private static Duration connectTimeout(Fault fault) {
    return new OtpResendOptions().setTimeout(fault.timeout()).getConnectTimeout();
  }

  private static void assertEndsInTime(Fault fault, Duration connectTimeout) {
    AtomicBoolean faulty = new AtomicBoolean(true);
    FaultServer.Script script =
        peer -> {
          boolean secure = fault.scheme.equals("https");
          if (faulty.get()) {
            fault.script.run(peer);
            if (secure) {
              return;
            }
          } else if (secure) {
            peer.startTls(serverTls);
          }
          while (peer.readRequest()) {
            peer.write(SUCCESS);
          }
        };
    try (FaultServer directServer = FaultServer.onConnection(fault.scheme, script);
        FaultServer busServer = FaultServer.onConnection(fault.scheme, script);
        Clients direct = new Clients(directServer.baseUrl(), fault.timeout(), connectTimeout);
        Clients overBus = new Clients(busServer.baseUrl(), fault.timeout(), connectTimeout)) {
      TimedCall directCall = new TimedCall(direct.client.resend("faulty"));
      TimedCall busCall = new TimedCall(overBus.overBus.resend("faulty"));
      directCall.assertEnded(fault);
      busCall.assertEnded(fault);

      faulty.set(false);
      assertTrue(await(direct.client.resend("healthy")).success());
      assertTrue(await(overBus.overBus.resend("healthy")).success());

      for (FaultServer server : List.of(directServer, busServer)) {
        assertTrue(requestCount(server, "faulty") <= (fault.kind == CONNECTION_FAILED ? 0 : 1));
        assertEquals(1, requestCount(server, "healthy"));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        HEAD + "Content-Length: 15\r\n\r\n" + BODY,
        HEAD + "Content-Length: 0\r\n\r\n" + BODY,
        "HTTP/1.1 204 No Content\r\nContent-Length: 16\r\n\r\n" + BODY,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
      })
  void data_after_an_answer_is_never_the_answer_of_a_later_call(String answer) {
    FaultServer.Script script =
        peer -> peer.write(peer.head().contains("/faulty/") ? answer : SUCCESS);
    try (FaultServer server = FaultServer.onRequest(script);
        Clients clients = new Clients(server.baseUrl())) {
      for (OtpResendClient client : List.of(clients.client, clients.overBus)) {
        assertEquals(INVALID_RESPONSE, failureOf(client.resend("faulty")).failure());
        assertTrue(await(client.resend("healthy")).success());
      }
      assertEquals(4, server.requests().size());
    }
  }

  @Test
  void a_call_to_a_port_without_a_listener_fails() throws Exception {
    try (Socket bound = new Socket()) { // nothing else can bind its port
      bound.bind(new InetSocketAddress("localhost", 0));
      assertNotConnected(bound.getLocalPort(), bound);
    }
  }

  @Test
  @Execution(CONCURRENT)
  void a_call_to_a_listener_that_does_not_accept_fails() throws Exception {
    ServerSocket listener = listener();
    List<Socket> queue = new ArrayList<>();
    try {
      while (true) { // until the queue is full and the system ignores SYN packets
        Socket socket = new Socket();
        queue.add(socket);
        socket.connect(listener.getLocalSocketAddress(), 200);
      }
    } catch (SocketTimeoutException queueIsFull) {
      assertNotConnected(
          listener.getLocalPort(),
          () -> {
            listener.close();
            for (Socket socket : queue) {
              socket.close();
            }
          });
    }
  }

  @Test
  void a_call_of_an_interrupted_thread_succeeds() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(SUCCESS));
        Clients clients = new Clients(server.baseUrl())) {
      Thread.currentThread().interrupt();
      Future<ResendResponse> direct = clients.client.resend("direct");
      Future<ResendResponse> overBus = clients.overBus.resend("over-bus");
      assertTrue(Thread.interrupted(), "the library cleared the interrupt status");
      assertTrue(await(direct).success());
      assertTrue(await(overBus).success());
      assertEquals(2, server.requests().size());
    }
  }

  @Test
  void a_handler_that_throws_does_not_disturb_the_next_call() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(SUCCESS));
        Clients clients = new Clients(server.baseUrl())) {
      for (OtpResendClient client : List.of(clients.client, clients.overBus)) {
        Promise<Throwable> thrown = Promise.promise();
        vertx.runOnContext(
            v -> {
              Vertx.currentContext().exceptionHandler(thrown::complete);
              client
                  .resend("thrower")
                  .onComplete(
                      outcome -> {
                        throw new IllegalStateException("of the caller");
                      });
            });
        assertEquals("of the caller", await(thrown.future()).getMessage());
        assertTrue(await(client.resend("healthy")).success());
      }
      assertEquals(4, server.requests().size());
    }
  }

  @ParameterizedTest
  @CsvSource({"EVENT_LOOP,", "WORKER,", "WORKER, own-pool", "VIRTUAL_THREAD,"})
  void the_next_call_succeeds_after_the_context_of_a_caller_is_closed(
      ThreadingModel model, @Nullable String pool) {
    assumeTrue(model != ThreadingModel.VIRTUAL_THREAD || Runtime.version().feature() >= 21);
    CountDownLatch answer = new CountDownLatch(1);
    FaultServer.Script script =
        peer -> {
          if (peer.head().contains("/faulty/")) {
            peer.await(answer);
          }
          peer.write(SUCCESS);
        };
    try (FaultServer server = FaultServer.onRequest(script);
        Clients clients = new Clients(server.baseUrl())) {
      String id =
          await(
              vertx.deployVerticle(
                  new VerticleBase() {
                    @Override
                    public Future<?> start() {
                      clients.client.resend("faulty");
                      return Future.succeededFuture();
                    }
                  },
                  new DeploymentOptions().setThreadingModel(model).setWorkerPoolName(pool)));
      eventually("the service is called", () -> server.requests().size() == 1);
      await(vertx.undeploy(id));
      answer.countDown();
      assertTrue(await(clients.client.resend("healthy")).success());
      assertEquals(2, server.requests().size());
    }
  }

  private static ServerSocket listener() throws IOException {
    return new ServerSocket(0, 1, InetAddress.getByName("localhost"));
  }

  /** Asserts that calls to the port fail, and that they succeed once a server listens on it. */
  private static void assertNotConnected(int port, AutoCloseable portHolder) throws Exception {
    Fault fault = new Fault("connecting", "http", peer -> {}, CONNECTION_FAILED, false);
    try (Clients clients =
        new Clients("http://localhost:" + port + "/api", DEFAULT_TIMEOUT, CONNECT_TIMEOUT)) {
      new TimedCall(clients.client.resend("faulty")).assertEnded(fault);
      new TimedCall(clients.overBus.resend("faulty")).assertEnded(fault);
      portHolder.close();
      try (FaultServer server = FaultServer.at(port, peer -> peer.write(SUCCESS))) {
        assertTrue(await(clients.client.resend("healthy")).success());
        assertTrue(await(clients.overBus.resend("healthy")).success());
        assertEquals(2, server.requests().size());
      }
    }
  }

  private static long requestCount(FaultServer server, String id) {
    return server.requests().stream().filter(head -> head.contains("/" + id + "/")).count();
  }

  /** Client with a single connection, and a client that calls it over the event bus. */
  private static final class Clients implements AutoCloseable {
    final OtpResendClient client;
    final OtpResendClient overBus;
    private final EventBusAdapter adapter;

    Clients(String baseUrl) {
      this(baseUrl, DEFAULT_TIMEOUT, DEFAULT_CONNECT_TIMEOUT);
    }

    Clients(String baseUrl, Duration timeout, Duration connectTimeout) {
      OtpResendOptions options =
          new OtpResendOptions()
              .setBaseUrl(baseUrl)
              .setToken("secret-token")
              .setAddress(baseUrl)
              .setMaxConnections(1)
              .setConnectAttempts(2)
              .setTimeout(timeout)
              .setConnectTimeout(connectTimeout)
              .setWebClient(new WebClientOptions().setTrustOptions(trust));
      client = OtpResendClient.create(vertx, options);
      overBus = OtpResendClient.overEventBus(vertx, options);
      adapter = await(EventBusAdapter.register(vertx, options.getAddress(), client));
    }

    @Override
    public void close() {
      await(adapter.unregister());
      await(client.close());
    }
  }

  /** Call whose duration is measured. */
  private static final class TimedCall {
    private final Future<ResendResponse> outcome;
    private final long start = System.nanoTime();
    private final CompletableFuture<Duration> duration = new CompletableFuture<>();

    TimedCall(Future<ResendResponse> outcome) {
      this.outcome = outcome;
      outcome.onComplete(done -> duration.complete(Duration.ofNanos(System.nanoTime() - start)));
    }

    void assertEnded(Fault fault) {
      if (fault.kind == null) {
        assertTrue(await(outcome).success());
      } else {
        ResendException failure = failureOf(outcome);
        assertEquals(fault.kind, failure.failure(), () -> failure + " from " + failure.getCause());
        assertEquals(fault.maybeSent, failure.maybeSent());
      }
      Duration took = duration.join();
      if (fault.kind == TIMEOUT) {
        Duration late = took.minus(fault.timeout());
        assertTrue(late.compareTo(MAX_MEDIAN.plus(MARGIN)) <= 0, "ended too late: " + took);
        LATE.add(late);
      } else {
        assertTrue(took.compareTo(fault.timeout()) < 0, "ended only by the deadline: " + took);
      }
    }
  }
}
