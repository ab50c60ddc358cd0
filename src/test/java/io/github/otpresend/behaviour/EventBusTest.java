// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.LogCapture;
import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.Message;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.Checkpoint;
import io.vertx.junit5.VertxExtension;
import io.vertx.junit5.VertxTestContext;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The event-bus contract, on the local event bus. */
@ExtendWith(VertxExtension.class)
class EventBusTest {
  private static final String ADDRESS = "otp.resend";
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final JsonObject SUCCESS = new JsonObject().put("success", true);

  private Vertx vertx;
  private FaultServer server;
  private EventBusAdapter adapter;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    server =
        FaultServer.onRequest(
            peer -> {
              if (peer.head().contains("/silent/")) {
                peer.silence();
              }
              peer.write(
                  peer.head().contains("/refused/")
                      ? FaultServer.response(404, "{\"type\":\"SessionNotFoundException\"}")
                      : FaultServer.SUCCESS);
            });
    OtpResendClient client = OtpResendClient.create(vertx, server.options());
    adapter = await(EventBusAdapter.register(vertx, ADDRESS, client));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  static Stream<Object> validBodies() {
    return Stream.of(
        "id",
        new JsonObject().put("requestId", "id"),
        new JsonObject().put("requestId", "id").put("more", 1));
  }

  @ParameterizedTest
  @MethodSource("validBodies")
  void a_message_has_the_request_id_in_an_object_or_as_a_string(
      Object body, VertxTestContext test) {
    vertx
        .eventBus()
        .request(ADDRESS, body)
        .onComplete(
            test.succeeding(
                reply ->
                    test.verify(
                        () -> {
                          assertEquals(SUCCESS, reply.body());
                          assertTrue(server.requests().get(0).startsWith("POST /api/id/resend "));
                          test.completeNow();
                        })));
  }

  static Stream<Object> invalidBodies() {
    return Stream.of(
        new JsonObject(),
        new JsonObject().put("requestId", 5),
        new JsonObject().putNull("requestId"),
        new JsonObject().put("requestId", ""),
        new JsonObject().put("requestid", "id"),
        new JsonArray().add("id"),
        Buffer.buffer("id"),
        new byte[] {'i', 'd'},
        5,
        5L,
        1.5,
        true,
        'c',
        "",
        " ",
        "..");
  }

  @ParameterizedTest
  @NullSource
  @MethodSource("invalidBodies")
  void any_other_body_is_an_invalid_request_and_opens_no_connection(
      @Nullable Object body, VertxTestContext test) {
    vertx
        .eventBus()
        .request(ADDRESS, body)
        .onComplete(refusal(test, 400, ResendFailure.INVALID_REQUEST));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE, 1_700_000_000_000L})
  void a_message_that_arrives_after_its_expiry_is_not_sent(long expiresAt, VertxTestContext test) {
    DeliveryOptions late = new DeliveryOptions().addHeader("expires-at", "" + expiresAt);
    vertx
        .eventBus()
        .request(ADDRESS, "id", late)
        .onComplete(refusal(test, 504, ResendFailure.EXPIRED));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "soon", "1e30", "99999999999999999999"})
  void an_expiry_that_is_not_a_number_is_an_invalid_request(
      String expiresAt, VertxTestContext test) {
    DeliveryOptions options = new DeliveryOptions().addHeader("expires-at", expiresAt);
    vertx
        .eventBus()
        .request(ADDRESS, "id", options)
        .onComplete(refusal(test, 400, ResendFailure.INVALID_REQUEST));
  }

  /** Expects a failure of this kind that was not sent, and no connection to the service. */
  private Handler<AsyncResult<Message<Object>>> refusal(
      VertxTestContext test, int status, ResendFailure kind) {
    return test.failing(
        failure ->
            test.verify(
                () -> {
                  assertEquals(
                      status, assertInstanceOf(ReplyException.class, failure).failureCode());
                  assertEquals(kind, ResendException.from(failure).failure());
                  assertFalse(ResendException.from(failure).maybeSent());
                  assertEquals(0, server.connections());
                  test.completeNow();
                }));
  }

  @Test
  void a_message_before_its_expiry_is_sent(VertxTestContext test) {
    long later = System.currentTimeMillis() + 600_000;
    assertSent(new DeliveryOptions().addHeader("expires-at", "" + later), test);
  }

  @Test
  void unknown_headers_are_ignored(VertxTestContext test) {
    assertSent(new DeliveryOptions().addHeader("action", "resend"), test);
  }

  private void assertSent(DeliveryOptions options, VertxTestContext test) {
    vertx
        .eventBus()
        .request(ADDRESS, "id", options)
        .onComplete(
            test.succeeding(
                reply ->
                    test.verify(
                        () -> {
                          assertEquals(1, server.requests().size());
                          test.completeNow();
                        })));
  }

  @Test
  void the_client_over_the_event_bus_sends_the_expiry_of_its_message(VertxTestContext test) {
    Checkpoint isSent = test.checkpoint();
    Checkpoint hasReply = test.checkpoint();
    long before = System.currentTimeMillis();
    vertx
        .eventBus()
        .consumer(
            "elsewhere",
            message -> {
              long timeout = Long.parseLong(message.headers().get("expires-at")) - before;
              test.verify(() -> assertTrue(timeout >= 300_000 && timeout < 360_000, "" + timeout));
              isSent.flag();
              message.reply(SUCCESS);
            });
    OtpResendOptions options =
        new OtpResendOptions().setAddress("elsewhere").setTimeout(Duration.ofMinutes(5));
    OtpResendClient.overEventBus(vertx, options)
        .resend("id")
        .onComplete(test.succeeding(response -> hasReply.flag()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"id", "refused", ".."})
  void a_message_without_a_reply_address_is_handled(String id) {
    try (LogCapture log = LogCapture.of(EventBusAdapter.class)) {
      vertx.eventBus().send(ADDRESS, id);
      if (id.equals("id")) {
        eventually("the service is called", () -> server.requests().size() == 1);
        await(vertx.eventBus().request(ADDRESS, "another"));
        assertEquals("", log.text());
      } else {
        eventually("the failure is logged", () -> !log.text().isEmpty());
        assertTrue(log.text().startsWith("WARNING"), log.text());
        String expected = id.equals("..") ? "INVALID_REQUEST" : "SESSION_NOT_FOUND";
        assertTrue(log.text().contains(expected), log.text());
        assertFalse(log.text().contains("refused"), "no request id above DEBUG: " + log.text());
      }
    }
  }

  @Test
  void published_messages_are_handled() {
    vertx.eventBus().publish(ADDRESS, "id");
    eventually("the service is called", () -> server.requests().size() == 1);
  }

  @Test
  void without_a_consumer_nothing_is_sent(VertxTestContext test) {
    adapter
        .unregister()
        .compose(v -> OtpResendClient.overEventBus(vertx).resend("id"))
        .onComplete(
            test.failing(
                failure ->
                    test.verify(
                        () -> {
                          ResendException notSent = ResendException.from(failure);
                          assertEquals(ResendFailure.CONNECTION_FAILED, notSent.failure());
                          assertFalse(notSent.maybeSent());
                          assertEquals(0, server.connections());
                          test.completeNow();
                        })));
  }

  @Test
  @Execution(CONCURRENT)
  void without_a_reply_a_message_is_maybe_sent(VertxTestContext test) {
    vertx.eventBus().consumer("elsewhere", message -> {});
    resendElsewhere(Duration.ofMillis(100))
        .onComplete(maybeSent(test, Set.of(ResendFailure.TIMEOUT)));
  }

  @Test
  void a_reply_of_another_format_is_an_invalid_response(VertxTestContext test) {
    vertx.eventBus().consumer("elsewhere", message -> message.reply("done"));
    resendElsewhere(LONG).onComplete(maybeSent(test, Set.of(ResendFailure.INVALID_RESPONSE)));
  }

  @Test
  void a_failure_of_a_consumer_of_another_library_is_maybe_sent(VertxTestContext test) {
    vertx.eventBus().consumer("elsewhere", message -> message.fail(409, "busy"));
    resendElsewhere(LONG)
        .onFailure(
            failure ->
                test.verify(() -> assertEquals(409, ResendException.from(failure).httpStatus())))
        .onComplete(maybeSent(test, Set.of(ResendFailure.UNRECOGNIZED)));
  }

  private Future<ResendResponse> resendElsewhere(Duration timeout) {
    OtpResendOptions options = new OtpResendOptions().setAddress("elsewhere").setTimeout(timeout);
    return OtpResendClient.overEventBus(vertx, options).resend("id");
  }

  private static Handler<AsyncResult<ResendResponse>> maybeSent(
      VertxTestContext test, Set<ResendFailure> kinds) {
    return test.failing(
        failure ->
            test.verify(
                () -> {
                  ResendException lost = assertInstanceOf(ResendException.class, failure);
                  assertTrue(kinds.contains(lost.failure()), lost::toString);
                  assertTrue(lost.maybeSent());
                  test.completeNow();
                }));
  }

  static Stream<OtpResendClient> faultyClients() {
    Promise<ResendResponse> failsWithNull = Promise.promise();
    failsWithNull.tryFail((Throwable) null);
    return Stream.of(
        client(id -> null),
        client(id -> Future.failedFuture((Throwable) null)),
        client(id -> failsWithNull.future()),
        client(id -> Future.succeededFuture(null)),
        client(id -> Future.failedFuture(new Exception("unknown"))),
        client(
            id -> {
              throw new IllegalStateException("unknown");
            }),
        client(
            id -> {
              throw new LinkageError("unknown");
            }));
  }

  /** Returns a client that another library could implement. */
  private static OtpResendClient client(Function<String, Future<ResendResponse>> resend) {
    return new OtpResendClient() {
      @Override
      public Future<ResendResponse> resend(String requestId) {
        return resend.apply(requestId);
      }

      @Override
      public Future<Void> close() {
        return Future.succeededFuture();
      }
    };
  }

  @ParameterizedTest
  @MethodSource("faultyClients")
  void a_faulty_client_leads_to_a_typed_failure(OtpResendClient faulty, VertxTestContext test) {
    EventBusAdapter.register(vertx, "elsewhere", faulty)
        .compose(registered -> resendElsewhere(LONG))
        .onComplete(
            maybeSent(test, Set.of(ResendFailure.INVALID_RESPONSE, ResendFailure.UNRECOGNIZED)));
  }

  @Test
  @Execution(CONCURRENT)
  void the_failure_of_the_call_arrives_before_the_event_bus_times_out(VertxTestContext test) {
    Duration timeout = Duration.ofSeconds(2); // includes the time to connect
    OtpResendOptions options = server.options().setAddress("slow").setTimeout(timeout);
    vertx
        .deployVerticle(new OtpResendVerticle(options))
        .compose(id -> OtpResendClient.overEventBus(vertx, options).resend("silent"))
        .onComplete(
            test.failing(
                failure ->
                    test.verify(
                        () -> {
                          assertEquals(
                              ResendFailure.TIMEOUT, ResendException.from(failure).failure());
                          assertEquals(
                              "No complete answer within timeout, PT2S", failure.getMessage());
                          test.completeNow();
                        })));
  }

  @Test
  void a_closed_client_over_the_event_bus_sends_no_message(VertxTestContext test) {
    OtpResendClient client = OtpResendClient.overEventBus(vertx);
    client
        .close()
        .compose(v -> client.close())
        .compose(v -> client.resend("id"))
        .onComplete(notSent(test, ResendFailure.CLOSED));
  }

  @Test
  void the_client_over_the_event_bus_sends_no_invalid_request_id(VertxTestContext test) {
    OtpResendClient.overEventBus(vertx, new OtpResendOptions().setAddress("nobody"))
        .resend("half \ud83d")
        .onComplete(notSent(test, ResendFailure.INVALID_REQUEST));
  }

  private Handler<AsyncResult<ResendResponse>> notSent(VertxTestContext test, ResendFailure kind) {
    return test.failing(
        failure ->
            test.verify(
                () -> {
                  assertEquals(kind, ResendException.from(failure).failure());
                  assertEquals(0, server.connections());
                  test.completeNow();
                }));
  }

  @Test
  void the_count_of_adapters_is_right_however_an_adapter_ends() {
    Map<String, Integer> adapters = vertx.sharedData().getLocalMap("io.github.otpresend.adapters");
    OtpResendClient client = OtpResendClient.create(vertx, server.options());
    List<EventBusAdapter> ofVerticles = new CopyOnWriteArrayList<>();
    for (int i = 0; i < 3; i++) {
      VerticleBase verticle =
          new VerticleBase() {
            @Override
            public Future<?> start() {
              return EventBusAdapter.register(vertx, ADDRESS, client).onSuccess(ofVerticles::add);
            }
          };
      String deployed = await(vertx.deployVerticle(verticle));
      assertEquals(2, adapters.get(ADDRESS));
      await(vertx.undeploy(deployed));
      assertEquals(1, adapters.get(ADDRESS));
    }
    ofVerticles.forEach(ended -> await(ended.unregister()));
    assertEquals(1, adapters.get(ADDRESS));
    await(adapter.unregister());
    await(adapter.unregister());
    assertEquals(Map.of(), adapters);
  }
}
