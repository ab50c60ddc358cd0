// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import static io.github.otpresend.testing.Calls.PATIENCE;
import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.testing.Calls;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The outcomes of calls for the different behaviours of a token provider. */
@ExtendWith(VertxExtension.class)
class TokensTest {
  private static final String UNAUTHORIZED =
      "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";

  /** The timeout of calls that no token reaches in time. */
  private static final Duration SHORT = Duration.ofSeconds(2);

  private Vertx vertx;
  private FaultServer server;

  /** The server answers when this latch is open. */
  private volatile CountDownLatch answerLatch = new CountDownLatch(0);

  /** Starts a server that accepts every token that ends in "good". */
  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server =
        FaultServer.onRequest(
            peer -> {
              peer.await(answerLatch);
              peer.write(peer.head().contains("good\r\n") ? FaultServer.SUCCESS : UNAUTHORIZED);
            });
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private OtpResendClient client(TokenProvider tokens) {
    return client(tokens, PATIENCE);
  }

  private OtpResendClient client(TokenProvider tokens, Duration timeout) {
    return OtpResendClient.create(
        vertx, new OtpResendOptions().setBaseUrl(server.baseUrl()).setTimeout(timeout), tokens);
  }

  static Stream<Arguments> providersWithoutUsableToken() {
    String secret = "secret-token";
    return Stream.<TokenProvider>of(
            () -> {
              throw new IllegalStateException(secret);
            },
            () -> {
              throw new NoClassDefFoundError(secret);
            },
            () -> null,
            () -> Future.failedFuture(secret),
            () -> Future.failedFuture(new IllegalStateException(secret)),
            () -> Future.succeededFuture(null),
            () -> Future.succeededFuture(""),
            () -> Future.succeededFuture(" "),
            () -> Future.succeededFuture("secret token"),
            () -> Future.succeededFuture(secret + "\r\nX-Evil: 1"),
            () -> Future.succeededFuture(secret + "\n"),
            () -> Future.succeededFuture("секрет"),
            () -> Future.succeededFuture(secret.repeat(1_000)),
            () -> Promise.<String>promise().future())
        .map(Arguments::of);
  }

  @ParameterizedTest
  @MethodSource("providersWithoutUsableToken")
  @Execution(CONCURRENT)
  void a_call_that_gets_no_usable_token_in_time_is_token_unavailable(TokenProvider tokens) {
    ResendException failure = failureOf(client(tokens, SHORT).resend("id"));
    assertEquals(ResendFailure.TOKEN_UNAVAILABLE, failure.failure());
    assertFalse(failure.maybeSent());
    assertFalse(failure.getMessage().contains("secret"), failure.getMessage());
    assertNull(failure.getCause());
    assertEquals(0, server.connections());
  }

  @Test
  void after_a_401_the_request_is_sent_once_more_with_a_new_token() {
    List<String> rejected = new CopyOnWriteArrayList<>();
    TokenProvider tokens =
        new TokenProvider() {
          @Override
          public Future<String> token() {
            return Future.succeededFuture(rejected.isEmpty() ? "old" : "good");
          }

          @Override
          public void rejected(String token) {
            rejected.add(token);
          }
        };
    assertTrue(await(client(tokens).resend("id")).success());
    assertEquals(List.of("old"), rejected);
    assertEquals(2, server.requests().size());
  }

  @Test
  void after_a_401_the_same_token_is_not_sent_again() {
    ResendException failure = failureOf(client(() -> Future.succeededFuture("old")).resend("id"));
    assertEquals(ResendFailure.UNAUTHORIZED, failure.failure());
    assertFalse(failure.maybeSent());
    assertEquals(1, server.requests().size());
  }

  @Test
  void after_a_second_401_the_request_is_not_sent_a_third_time() {
    AtomicInteger calls = new AtomicInteger();
    ResendException failure =
        failureOf(
            client(() -> Future.succeededFuture("old-" + calls.incrementAndGet())).resend("id"));
    assertEquals(ResendFailure.UNAUTHORIZED, failure.failure());
    assertEquals(2, calls.get());
    assertEquals(2, server.requests().size());
  }

  @ParameterizedTest
  @ValueSource(ints = {403, 500})
  void a_refusal_with_the_type_of_a_401_but_another_status_is_not_sent_again(int status) {
    String answer = FaultServer.response(status, "{\"type\":\"UnauthorizedException\"}");
    try (FaultServer other = FaultServer.onRequest(peer -> peer.write(answer))) {
      AtomicInteger calls = new AtomicInteger();
      OtpResendClient client =
          OtpResendClient.create(
              vertx,
              new OtpResendOptions().setBaseUrl(other.baseUrl()),
              () -> Future.succeededFuture("token-" + calls.incrementAndGet()));
      ResendException failure = failureOf(client.resend("id"));
      assertEquals(ResendFailure.UNAUTHORIZED, failure.failure());
      assertEquals(status == 500, failure.maybeSent());
      assertEquals(1, other.requests().size());
      assertEquals(1, calls.get());
    }
  }

  @Test
  void a_call_with_a_refused_fixed_token_is_unauthorized_after_one_request() {
    OtpResendClient client =
        OtpResendClient.create(
            vertx, new OtpResendOptions().setBaseUrl(server.baseUrl()).setToken("old"));
    assertEquals(ResendFailure.UNAUTHORIZED, failureOf(client.resend("id")).failure());
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_call_whose_provider_fails_after_a_401_is_token_unavailable_and_not_sent() {
    AtomicInteger calls = new AtomicInteger();
    TokenProvider tokens =
        () ->
            calls.getAndIncrement() == 0
                ? Future.succeededFuture("old")
                : Future.failedFuture("no more");
    ResendException failure = failureOf(client(tokens).resend("id"));
    assertEquals(ResendFailure.TOKEN_UNAVAILABLE, failure.failure());
    assertFalse(failure.maybeSent());
    assertEquals(1, server.requests().size());
  }

  @Test
  void a_call_whose_provider_throws_from_rejected_is_token_unavailable() {
    TokenProvider tokens =
        new TokenProvider() {
          @Override
          public Future<String> token() {
            return Future.succeededFuture("old");
          }

          @Override
          public void rejected(String token) {
            throw new IllegalStateException(token);
          }
        };
    ResendException failure = failureOf(client(tokens).resend("id"));
    assertEquals(ResendFailure.TOKEN_UNAVAILABLE, failure.failure());
    assertFalse(failure.getMessage().contains("old"), failure.getMessage());
  }

  @Test
  void fifty_concurrent_401s_request_one_new_token() {
    AtomicInteger rejections = new AtomicInteger();
    AtomicInteger calls = new AtomicInteger();
    Promise<String> fresh = Promise.promise();
    TokenProvider tokens =
        new TokenProvider() {
          @Override
          public Future<String> token() {
            return calls.incrementAndGet() <= 50 ? Future.succeededFuture("old") : fresh.future();
          }

          @Override
          public void rejected(String token) {
            rejections.incrementAndGet();
          }
        };
    OtpResendClient client =
        OtpResendClient.create(
            vertx,
            new OtpResendOptions()
                .setBaseUrl(server.baseUrl())
                .setMaxConnections(50)
                .setTimeout(PATIENCE),
            tokens);
    // every call must get its first token before a call requests a second token
    answerLatch = new CountDownLatch(1);
    List<Future<ResendResponse>> all = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      all.add(client.resend("id-" + i));
    }
    eventually("the server has received all requests", () -> server.requests().size() == 50);
    answerLatch.countDown();
    eventually("a new token is requested", () -> calls.get() == 51);
    fresh.complete("good");
    all.forEach(Calls::await);
    assertEquals(1, rejections.get());
    assertEquals(51, calls.get());
    assertEquals(100, server.requests().size());
  }

  @Test
  @Execution(CONCURRENT)
  void a_refresh_that_never_completes_does_not_block_the_next_refresh() {
    // the first call of the JVM may take long
    await(client(() -> Future.succeededFuture("good")).resend("first"));
    AtomicInteger calls = new AtomicInteger();
    TokenProvider tokens =
        () ->
            switch (calls.incrementAndGet()) {
              case 1, 3 -> Future.succeededFuture("old");
              case 2 -> Promise.<String>promise().future();
              default -> Future.succeededFuture("good");
            };
    OtpResendClient client = client(tokens, SHORT);
    assertEquals(ResendFailure.TOKEN_UNAVAILABLE, failureOf(client.resend("id")).failure());
    eventually(
        "the refresh has timed out",
        () -> {
          Future<ResendResponse> next = client.resend("id");
          eventually("the call has ended", next::isComplete);
          return next.succeeded();
        });
  }

  @Test
  void a_token_that_arrives_right_after_the_check_for_it_is_used() {
    Promise<String> token = Promise.promise();
    @SuppressWarnings("unchecked")
    Future<String> completesWhenChecked =
        (Future<String>)
            Proxy.newProxyInstance(
                Future.class.getClassLoader(),
                new Class<?>[] {Future.class},
                (proxy, method, arguments) -> {
                  Object result = method.invoke(token.future(), arguments);
                  if (method.getName().equals("isComplete")) {
                    token.tryComplete("good"); // as another thread may do at this moment
                  }
                  return result;
                });
    assertTrue(await(client(() -> completesWhenChecked).resend("id")).success());
  }

  @ParameterizedTest
  @EnumSource(
      value = ThreadingModel.class,
      names = {"EVENT_LOOP", "WORKER"})
  void a_provider_is_called_on_the_event_loop_that_created_the_client(ThreadingModel model) {
    AtomicReference<Thread> creator = new AtomicReference<>();
    AtomicReference<OtpResendClient> created = new AtomicReference<>();
    List<Thread> callers = new CopyOnWriteArrayList<>();
    List<Boolean> onEventLoops = new CopyOnWriteArrayList<>();
    TokenProvider tokens =
        new TokenProvider() {
          @Override
          public Future<String> token() {
            recordThread();
            return Future.succeededFuture(callers.size() == 1 ? "old" : "good");
          }

          @Override
          public void rejected(String token) {
            recordThread();
          }

          private void recordThread() {
            callers.add(Thread.currentThread());
            onEventLoops.add(Vertx.currentContext().isEventLoopContext());
          }
        };
    await(
        vertx.deployVerticle(
            verticle(
                () -> {
                  creator.set(Thread.currentThread());
                  created.set(client(tokens));
                  return Future.succeededFuture();
                })));
    await(
        vertx.deployVerticle(
            verticle(() -> created.get().resend("id")),
            new DeploymentOptions().setThreadingModel(model)));
    assertEquals(Collections.nCopies(3, creator.get()), callers); // from token, rejected, token
    assertEquals(List.of(true, true, true), onEventLoops);
  }

  private static VerticleBase verticle(Supplier<Future<?>> start) {
    return new VerticleBase() {
      @Override
      public Future<?> start() {
        return start.get();
      }
    };
  }
}
