// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.eventually;
import static io.github.otpresend.Calls.failureOf;
import static io.github.otpresend.FaultServer.SUCCESS;
import static io.github.otpresend.FaultServer.response;
import static io.github.otpresend.ResendFailure.CONNECTION_FAILED;
import static io.github.otpresend.ResendFailure.CONNECTION_LOST;
import static io.github.otpresend.ResendFailure.INVALID_RESPONSE;
import static io.github.otpresend.ResendFailure.RATE_LIMITED;
import static io.github.otpresend.ResendFailure.RESTART_COOLDOWN_ACTIVE;
import static io.github.otpresend.ResendFailure.SERVER_ERROR;
import static io.github.otpresend.ResendFailure.TIMEOUT;
import static io.github.otpresend.ResendFailure.UNRECOGNIZED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.net.PfxOptions;
import io.vertx.ext.web.client.WebClientOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
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
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Everything that a network and a server can do to a call: a row a fault. Each ends in time with
 * the right kind, transmits at most once, and leaves the one connection of a pool of one to the
 * next call. Directly and over the event bus it is the same.
 */
class FaultTableTest {
  private static final Duration TIMEOUT_OF_CALL = Duration.ofSeconds(2);
  private static final Duration CONNECT_TIMEOUT = Duration.ofMillis(500);

  /** The promise, which the median keeps. */
  private static final Duration LATEST =
      TIMEOUT_OF_CALL.multipliedBy(11).dividedBy(10).plusMillis(50);

  /** For a single call, on a machine that does other work too. */
  private static final Duration ROOM = Duration.ofSeconds(1);

  private static final String HEAD = "HTTP/1.1 201 Created\r\n";
  private static final String CHUNKED = HEAD + "Transfer-Encoding: chunked\r\n\r\n";
  private static final String BODY = "{\"success\":true}";

  /** The first bytes of a TLS record of 122 bytes that holds a ServerHello of 118. */
  private static final byte[] SERVER_HELLO = {0x16, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3, 1, 2, 3, 4};

  /** How long the calls took that their deadline ended. */
  private static final List<Duration> ENDED_BY_DEADLINE = new CopyOnWriteArrayList<>();

  private static Vertx vertx;
  private static SSLContext serverTls;
  private static PfxOptions trust;

  /**
   * A row of the table.
   *
   * @param scheme of the base URL
   * @param script what the server does to a connection, from its first byte on
   * @param kind of the failure; null for a success
   */
  private record Fault(
      String name,
      String scheme,
      FaultServer.Script script,
      @Nullable ResendFailure kind,
      boolean maybeSent) {
    @Override
    public String toString() {
      return name + " -> " + (kind == null ? "SUCCESS" : kind);
    }
  }

  private static final List<Fault> TABLE = new ArrayList<>();

  private static void row(
      String name, String scheme, @Nullable ResendFailure kind, FaultServer.Script fault) {
    TABLE.add(new Fault(name, scheme, fault, kind, kind != null && kind.maybeSent()));
  }

  private static FaultServer.Script afterRequest(FaultServer.Script fault) {
    return peer -> {
      if (peer.readRequest()) {
        fault.run(peer);
      }
    };
  }

  /** A row whose server reads the request first. */
  private static void answer(String name, @Nullable ResendFailure kind, FaultServer.Script fault) {
    row(name, "http", kind, afterRequest(fault));
  }

  /** A row whose server says this and nothing more, until there is another request. */
  private static void says(String name, @Nullable ResendFailure kind, String answer) {
    answer(name, kind, peer -> peer.write(answer));
  }

  private static void forever(FaultServer.Peer peer, String part, Duration pause)
      throws IOException {
    while (true) {
      peer.write(part);
      LockSupport.parkNanos(pause.toNanos());
    }
  }

  private static void drip(FaultServer.Peer peer, String part) throws IOException {
    forever(peer, part, Duration.ofMillis(50));
  }

  private static void flood(FaultServer.Peer peer, String part) throws IOException {
    forever(peer, part.repeat(100), Duration.ZERO);
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

  private static void tlsFaults() {
    tls("refused by an alert", peer -> peer.write(new byte[] {0x15, 3, 3, 0, 2, 2, 40}));
    tls("silence", FaultServer.Peer::silence);
    tls(
        "drips",
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
          flood(peer, "x".repeat(1_000));
        });
    tls("half a ServerHello", peer -> peer.write(SERVER_HELLO));
  }

  /** A row whose server reads the request over TLS first. */
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
        "body drips",
        TIMEOUT,
        peer -> {
          peer.write(HEAD + "Content-Length: 1000000\r\n\r\n");
          drip(peer, " ");
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
        "an answer before the request",
        "http",
        CONNECTION_LOST,
        peer -> {
          peer.readByte();
          peer.write(SUCCESS.substring(0, 30));
          peer.close();
        });
  }

  private static void headFaults() {
    says("head: half, then silence", TIMEOUT, "HTTP/1.1 201 Crea");
    says("head: no end, then silence", TIMEOUT, HEAD + "Content-Length: 16\r\n");
    answer(
        "head: drips",
        TIMEOUT,
        peer -> {
          peer.write(HEAD);
          drip(peer, "X: 1\r\n");
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
    says("head: garbage", INVALID_RESPONSE, "garbage\r\n\r\n");
    says(
        "head: an alert of TLS", INVALID_RESPONSE, "\u0015\u0003\u0003\u0000\u0002\u0002(\r\n\r\n");
    says("head: a request", INVALID_RESPONSE, "POST /echo HTTP/1.1\r\n\r\n");
    says("head: a status that is no number", INVALID_RESPONSE, "HTTP/1.1 abc Created\r\n\r\n");
    says("head: a line that is too long", INVALID_RESPONSE, "HTTP/1.1 201 " + "x".repeat(5_000));
    says("head: a header that is too long", INVALID_RESPONSE, HEAD + "X: " + "x".repeat(9_000));
    answer(
        "head: endless headers",
        INVALID_RESPONSE,
        peer -> {
          peer.write(HEAD);
          flood(peer, "X: 1\r\n");
        });
    answer(
        "head: one endless header",
        INVALID_RESPONSE,
        peer -> {
          peer.write(HEAD + "X: ");
          flood(peer, "x");
        });
  }

  private static void bodyFaults() {
    says("body: silence", TIMEOUT, HEAD + "Content-Length: 16\r\n\r\n");
    says("body: half, then silence", TIMEOUT, HEAD + "Content-Length: 16\r\n\r\n{\"succ");
    says("body: all but its end", TIMEOUT, CHUNKED + "10\r\n" + BODY + "\r\n");
    answer(
        "body: drips",
        TIMEOUT,
        peer -> {
          peer.write(HEAD + "Content-Length: 1000000\r\n\r\n");
          drip(peer, " ");
        });
    answer(
        "body: chunks that drip",
        TIMEOUT,
        peer -> {
          peer.write(CHUNKED);
          drip(peer, "1\r\n \r\n");
        });
    for (String cut : List.of("", "{\"success\":")) {
      String half = HEAD + "Content-Length: 16\r\n\r\n" + cut;
      answer(
          "body: closed after " + cut.length(),
          CONNECTION_LOST,
          peer -> {
            peer.write(half);
            peer.close();
          });
      answer(
          "body: reset after " + cut.length(),
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
    says("body: garbage", INVALID_RESPONSE, response(201, "garbage"));
    says("body: bytes that are no UTF-8", INVALID_RESPONSE, response(201, "\u0000\u0001"));
    says("body: HTML", INVALID_RESPONSE, response(201, "<html>created</html>"));
    says(
        "body: compressed, unasked for",
        INVALID_RESPONSE,
        response(201, "Content-Encoding: gzip", "\u001f\b"));
    says("body: too deep", INVALID_RESPONSE, response(201, "[".repeat(30_000)));
    says("body: one byte too long", INVALID_RESPONSE, response(201, " ".repeat(65_521) + BODY));
    says(
        "body: a success, and too much after it",
        INVALID_RESPONSE,
        response(201, BODY + " ".repeat(65_521)));
    says("body: as long as allowed", null, response(201, " ".repeat(65_520) + BODY));
    answer(
        "body: endless chunks",
        INVALID_RESPONSE,
        peer -> {
          peer.write(CHUNKED);
          flood(peer, "10\r\n                \r\n");
        });
    answer(
        "body: endless to the end of the connection",
        INVALID_RESPONSE,
        peer -> {
          peer.write(HEAD + "\r\n");
          flood(peer, "          ");
        });
    answer(
        "body: to the end of the connection",
        null,
        peer -> {
          peer.write(HEAD + "\r\n" + BODY);
          peer.close();
        });
  }

  private static void framingFaults() {
    says(
        "length: two that differ",
        INVALID_RESPONSE,
        HEAD + "Content-Length: 16\r\nContent-Length: 17\r\n\r\n" + BODY);
    says("length: negative", INVALID_RESPONSE, HEAD + "Content-Length: -1\r\n\r\n" + BODY);
    says("length: text", INVALID_RESPONSE, HEAD + "Content-Length: x\r\n\r\n" + BODY);
    says(
        "length: beside chunks",
        INVALID_RESPONSE,
        HEAD
            + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n"
            + BODY
            + "\r\n0\r\n\r\n");
    says("chunk: its length is no number", INVALID_RESPONSE, CHUNKED + "xyz\r\n");
    answer(
        "chunk: an endless extension",
        INVALID_RESPONSE,
        peer -> {
          peer.write(CHUNKED + "10;");
          flood(peer, "x");
        });
    answer(
        "chunk: endless trailers",
        INVALID_RESPONSE,
        peer -> {
          peer.write(CHUNKED + "10\r\n" + BODY + "\r\n0\r\n");
          flood(peer, "X: 1\r\n");
        });
    says("a second answer to one request", null, SUCCESS + response(404, "{}"));
  }

  private static void statuses() {
    says("status 408", UNRECOGNIZED, response(408, ""));
    for (int status : List.of(413, 425, 499)) {
      FaultServer.Script refusal = afterRequest(peer -> peer.write(response(status, "")));
      TABLE.add(new Fault("status " + status, "http", refusal, UNRECOGNIZED, false));
    }
    says("status 429", RATE_LIMITED, response(429, ""));
    for (int status : List.of(500, 502, 503, 504, 520)) {
      says("status " + status, SERVER_ERROR, response(status, "<html>"));
    }
    says("status 204", INVALID_RESPONSE, "HTTP/1.1 204 No Content\r\n\r\n");
    says("status 205", INVALID_RESPONSE, "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n");
    says("status 206", null, response(206, BODY));
    says("status 303", INVALID_RESPONSE, response(303, "Location: /elsewhere", ""));
    says("status 304", INVALID_RESPONSE, "HTTP/1.1 304 Not Modified\r\n\r\n");
    says("status 999", UNRECOGNIZED, response(999, ""));
  }

  /** Of the 1xx Vert.x skips 100 and 103. Any other one is the answer, as 101 is. */
  private static void interimAnswers() {
    for (String interim : List.of("100 Continue\r\n", "103 Hints\r\nLink: </a>\r\nX: 1\r\n")) {
      String status = "status " + interim.substring(0, 3);
      String answer = "HTTP/1.1 " + interim + "\r\n";
      says(status + ", then 201", null, answer + SUCCESS);
      says(status + " three times, then 201", null, answer.repeat(3) + SUCCESS);
      says(status + ", then 503", SERVER_ERROR, answer + response(503, ""));
      says(status + ", then silence", TIMEOUT, answer);
      answer(status + " without end", TIMEOUT, peer -> flood(peer, answer));
      answer(
          status + ", then closed",
          CONNECTION_LOST,
          peer -> {
            peer.write(answer);
            peer.close();
          });
    }
    for (int status : List.of(102, 104, 199)) {
      says(
          "status " + status + ", then 201",
          INVALID_RESPONSE,
          "HTTP/1.1 " + status + " Status\r\n\r\n" + SUCCESS);
    }
  }

  /** A row whose answer is the last one on its connection; nobody listens to another request. */
  private static void saysLast(String header) {
    answer(
        "last answer: " + header.replace("\r\n", " | "),
        null,
        peer -> {
          peer.write(response(201, header, BODY));
          peer.silence();
        });
  }

  private static void lastAnswers() {
    saysLast("Connection: close");
    saysLast("Connection: Upgrade, close");
    saysLast("connection: upgrade ,CLOSE\t");
    saysLast("Connection: close, keep-alive");
    saysLast("Connection: keep-alive\r\nConnection: x,Close");
    saysLast("Keep-Alive: timeout=0");
    saysLast("Keep-Alive: timeout=1, max=100");
    saysLast("Connection: keep-alive\r\nKeep-Alive: max=3\r\nKeep-Alive: TIMEOUT = \"1\"");
    answer(
        "last answer: HTTP/1.0",
        null,
        peer -> {
          peer.write(SUCCESS.replace("HTTP/1.1", "HTTP/1.0"));
          peer.silence();
        });
  }

  /** A row whose answer is compressed. */
  private static void compressed(
      String coding, int status, String body, @Nullable ResendFailure kind) {
    byte[] bytes = Compression.of(coding, body);
    String head =
        "HTTP/1.1 %d Status\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
            .formatted(status, coding, bytes.length);
    answer(
        coding + " " + status + " of " + body.length(),
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

  @BeforeAll
  static void start(@TempDir Path directory) {
    vertx = Vertx.vertx();
    Certificates certificates =
        new Certificates(directory).selfSigned("localhost", "-ext", "san=dns:localhost");
    serverTls = certificates.context("localhost", "localhost");
    trust = certificates.trust("localhost");
    warmUp();
  }

  /** The first handshake of a JVM may take longer than the connect timeout here. */
  private static void warmUp() {
    FaultServer.Script script =
        peer -> {
          peer.startTls(serverTls);
          peer.readRequest();
          peer.write(SUCCESS);
        };
    try (FaultServer server = FaultServer.onConnection("https", script);
        Ways ways =
            new Ways(
                server.baseUrl(),
                OtpResendOptions.DEFAULT_TIMEOUT,
                OtpResendOptions.DEFAULT_CONNECT_TIMEOUT)) {
      assertTrue(await(ways.overBus.resend("first")).success());
    }
  }

  @AfterAll
  static void stop() {
    await(vertx.close());
    List<Duration> took = ENDED_BY_DEADLINE.stream().sorted().toList();
    Duration median = took.get(took.size() / 2);
    System.out.printf(
        "%d faults, each directly and over the bus; calls with a deadline of %s took %s (median) to %s%n",
        TABLE.size() + 2, TIMEOUT_OF_CALL, median, took.get(took.size() - 1));
    assertTrue(median.compareTo(LATEST) <= 0, took::toString);
  }

  @ParameterizedTest
  @MethodSource("faults")
  void a_fault_is_held(Fault fault) {
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
    try (FaultServer one = FaultServer.onConnection(fault.scheme, script);
        FaultServer other = FaultServer.onConnection(fault.scheme, script);
        Ways direct = new Ways(one.baseUrl());
        Ways overBus = new Ways(other.baseUrl())) {
      Asked directly = new Asked(direct.client.resend("faulty"));
      Asked byMessage = new Asked(overBus.overBus.resend("faulty"));
      directly.assertEnded(fault);
      byMessage.assertEnded(fault);

      faulty.set(false);
      assertTrue(await(direct.client.resend("healthy")).success());
      assertTrue(await(overBus.overBus.resend("healthy")).success());

      for (FaultServer server : List.of(one, other)) {
        assertTrue(requests(server, "faulty") <= (fault.kind == CONNECTION_FAILED ? 0 : 1));
        assertEquals(1, requests(server, "healthy"));
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
  void what_follows_an_answer_is_never_the_answer_of_a_later_call(String answer) {
    FaultServer.Script script =
        peer -> peer.write(peer.head().contains("/faulty/") ? answer : SUCCESS);
    try (FaultServer server = FaultServer.onRequest(script);
        Ways ways = new Ways(server.baseUrl())) {
      for (OtpResendClient client : List.of(ways.client, ways.overBus)) {
        assertEquals(INVALID_RESPONSE, failureOf(client.resend("faulty")).failure());
        assertTrue(await(client.resend("healthy")).success());
      }
      assertEquals(4, server.requests().size());
    }
  }

  @Test
  void a_port_where_nobody_listens() throws Exception {
    ServerSocket unused = listener();
    unused.close();
    assertNotConnected(unused.getLocalPort(), () -> {});
  }

  @Test
  void a_listener_that_does_not_accept() throws Exception {
    ServerSocket listener = listener();
    List<Socket> queue = new ArrayList<>();
    try {
      while (true) { // until its queue is full: then the system answers no SYN
        Socket socket = new Socket();
        queue.add(socket);
        socket.connect(listener.getLocalSocketAddress(), 200);
      }
    } catch (SocketTimeoutException full) {
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
  void a_caller_whose_thread_is_interrupted() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(SUCCESS));
        Ways ways = new Ways(server.baseUrl())) {
      Thread.currentThread().interrupt();
      Future<ResendResponse> direct = ways.client.resend("direct");
      Future<ResendResponse> overBus = ways.overBus.resend("over-bus");
      assertTrue(Thread.interrupted(), "the library took the interrupt for itself");
      assertTrue(await(direct).success());
      assertTrue(await(overBus).success());
      assertEquals(2, server.requests().size());
    }
  }

  @Test
  void a_caller_whose_handler_throws() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(SUCCESS));
        Ways ways = new Ways(server.baseUrl())) {
      for (OtpResendClient client : List.of(ways.client, ways.overBus)) {
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
  void a_caller_whose_context_is_closed(ThreadingModel model, @Nullable String pool) {
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
        Ways ways = new Ways(server.baseUrl())) {
      String id =
          await(
              vertx.deployVerticle(
                  new VerticleBase() {
                    @Override
                    public Future<?> start() {
                      ways.client.resend("faulty");
                      return Future.succeededFuture();
                    }
                  },
                  new DeploymentOptions().setThreadingModel(model).setWorkerPoolName(pool)));
      eventually("it was sent", () -> server.requests().size() == 1);
      await(vertx.undeploy(id));
      answer.countDown();
      assertTrue(await(ways.client.resend("healthy")).success());
      assertEquals(2, server.requests().size());
    }
  }

  private static ServerSocket listener() throws IOException {
    return new ServerSocket(0, 1, InetAddress.getByName("localhost"));
  }

  private static void assertNotConnected(int port, AutoCloseable listener) throws Exception {
    Fault fault = new Fault("connecting", "http", peer -> {}, CONNECTION_FAILED, false);
    try (Ways ways = new Ways("http://localhost:" + port + "/api")) {
      new Asked(ways.client.resend("faulty")).assertEnded(fault);
      new Asked(ways.overBus.resend("faulty")).assertEnded(fault);
      listener.close();
      try (FaultServer server = FaultServer.at(port, peer -> peer.write(SUCCESS))) {
        assertTrue(await(ways.client.resend("healthy")).success());
        assertTrue(await(ways.overBus.resend("healthy")).success());
        assertEquals(2, server.requests().size());
      }
    }
  }

  private static long requests(FaultServer server, String id) {
    return server.requests().stream().filter(head -> head.contains("/" + id + "/")).count();
  }

  /** A client with a pool of one, and the same client over the event bus. */
  private static final class Ways implements AutoCloseable {
    final OtpResendClient client;
    final OtpResendClient overBus;
    private final EventBusAdapter adapter;

    Ways(String baseUrl) {
      this(baseUrl, TIMEOUT_OF_CALL, CONNECT_TIMEOUT);
    }

    Ways(String baseUrl, Duration timeout, Duration connectTimeout) {
      OtpResendOptions options =
          new OtpResendOptions()
              .setBaseUrl(baseUrl)
              .setToken("secret-token")
              .setAddress(baseUrl)
              .setMaxConnections(1)
              .setConnectAttempts(2) // of 500 ms each, well before the deadline
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

  /** A call, and how long it took. */
  private static final class Asked {
    private final Future<ResendResponse> outcome;
    private final long start = System.nanoTime();
    private final CompletableFuture<Duration> time = new CompletableFuture<>();

    Asked(Future<ResendResponse> outcome) {
      this.outcome = outcome;
      outcome.onComplete(done -> time.complete(Duration.ofNanos(System.nanoTime() - start)));
    }

    void assertEnded(Fault fault) {
      if (fault.kind == null) {
        assertTrue(await(outcome).success());
      } else {
        ResendException failure = failureOf(outcome);
        assertEquals(fault.kind, failure.failure(), () -> failure + " from " + failure.getCause());
        assertEquals(fault.maybeSent, failure.maybeSent());
      }
      Duration took = time.join();
      if (fault.kind == TIMEOUT) {
        assertTrue(took.compareTo(LATEST.plus(ROOM)) <= 0, "ended after the deadline: " + took);
        ENDED_BY_DEADLINE.add(took);
      } else {
        assertTrue(took.compareTo(TIMEOUT_OF_CALL) < 0, "only the deadline ended it: " + took);
      }
    }
  }
}
