// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;
import static io.github.otpresend.Calls.causeOf;
import static io.github.otpresend.Calls.eventually;
import static io.github.otpresend.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The event-bus contract on the local bus. */
class EventBusTest {
  private Vertx vertx;
  private FaultServer server;
  private EventBusAdapter adapter;

  @BeforeEach
  void start() {
    vertx = Vertx.vertx();
    server =
        FaultServer.onRequest(
            peer ->
                peer.write(
                    peer.head().contains("/refused/")
                        ? FaultServer.response(404, "{\"type\":\"SessionNotFoundException\"}")
                        : FaultServer.SUCCESS));
    OtpResendClient client =
        OtpResendClient.create(
            vertx, new OtpResendOptions().setBaseUrl(server.baseUrl()).setToken("secret-token"));
    adapter = await(EventBusAdapter.register(vertx, "otp.resend", client));
  }

  @AfterEach
  void stop() {
    await(vertx.close());
    server.close();
  }

  static Stream<Object> good() {
    return Stream.of(
        "id",
        new JsonObject().put("requestId", "id"),
        new JsonObject().put("requestId", "id").put("more", 1));
  }

  @ParameterizedTest
  @MethodSource("good")
  void an_id_is_asked_for_as_an_object_or_bare(Object body) {
    assertEquals(
        new JsonObject().put("success", true),
        await(vertx.eventBus().request("otp.resend", body)).body());
    assertTrue(server.requests().get(0).startsWith("POST /api/id/resend "));
  }

  static Stream<Object> bad() {
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
  @MethodSource("bad")
  void any_other_body_is_an_invalid_request_and_opens_no_socket(Object body) {
    ReplyException failure =
        assertInstanceOf(
            ReplyException.class, causeOf(vertx.eventBus().request("otp.resend", body)));
    assertEquals(400, failure.failureCode());
    assertEquals(ResendFailure.INVALID_REQUEST, ResendException.from(failure).failure());
    assertEquals(0, server.connections());
  }

  @Test
  void a_null_body_is_an_invalid_request() {
    ReplyException failure =
        assertInstanceOf(
            ReplyException.class, causeOf(vertx.eventBus().request("otp.resend", null)));
    assertEquals(ResendFailure.INVALID_REQUEST, ResendException.from(failure).failure());
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Long.MIN_VALUE, 1_700_000_000_000L})
  void a_message_that_comes_after_it_expired_is_not_sent(long expiresAt) {
    DeliveryOptions late = new DeliveryOptions().addHeader("expires-at", "" + expiresAt);
    ReplyException failure =
        assertInstanceOf(
            ReplyException.class, causeOf(vertx.eventBus().request("otp.resend", "id", late)));
    assertEquals(504, failure.failureCode());
    assertEquals(ResendFailure.EXPIRED, ResendException.from(failure).failure());
    assertFalse(ResendException.from(failure).maybeSent());
    assertEquals(0, server.connections());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "soon", "1e30", "99999999999999999999"})
  void a_time_of_expiry_that_is_no_number_is_an_invalid_request(String expiresAt) {
    DeliveryOptions options = new DeliveryOptions().addHeader("expires-at", expiresAt);
    ReplyException failure =
        assertInstanceOf(
            ReplyException.class, causeOf(vertx.eventBus().request("otp.resend", "id", options)));
    assertEquals(ResendFailure.INVALID_REQUEST, ResendException.from(failure).failure());
    assertEquals(0, server.connections());
  }

  @Test
  void a_message_that_has_not_expired_is_sent() {
    long later = System.currentTimeMillis() + 600_000;
    DeliveryOptions options = new DeliveryOptions().addHeader("expires-at", "" + later);
    await(vertx.eventBus().request("otp.resend", "id", options));
    assertEquals(1, server.requests().size());
  }

  @Test
  void the_client_of_an_address_says_when_its_message_expires() {
    long before = System.currentTimeMillis();
    Promise<String> expiresAt = Promise.promise();
    vertx
        .eventBus()
        .consumer(
            "elsewhere",
            message -> {
              expiresAt.complete(message.headers().get("expires-at"));
              message.reply(new JsonObject().put("success", true));
            });
    OtpResendOptions options =
        new OtpResendOptions().setAddress("elsewhere").setTimeout(Duration.ofMinutes(5));
    await(OtpResendClient.overEventBus(vertx, options).resend("id"));
    long millis = Long.parseLong(await(expiresAt.future())) - before;
    assertTrue(millis >= 300_000 && millis < 360_000, "" + millis);
  }

  @ParameterizedTest
  @ValueSource(strings = {"id", "refused", ".."})
  void a_message_without_a_reply_address_is_served(String id) {
    try (LogCapture log = LogCapture.of(EventBusAdapter.class)) {
      vertx.eventBus().send("otp.resend", id);
      if (id.equals("id")) {
        eventually("the service is asked", () -> server.requests().size() == 1);
        await(vertx.eventBus().request("otp.resend", "another"));
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
  void published_messages_are_served() {
    vertx.eventBus().publish("otp.resend", "id");
    eventually("the service is asked", () -> server.requests().size() == 1);
  }

  @Test
  void no_consumer_means_that_nothing_was_sent() {
    await(adapter.unregister());
    ResendException failure = failureOf(OtpResendClient.overEventBus(vertx).resend("id"));
    assertEquals(ResendFailure.CONNECTION_FAILED, failure.failure());
    assertFalse(failure.maybeSent());
    assertEquals(0, server.connections());
  }

  @Test
  void a_consumer_that_never_replies_means_maybe_sent() {
    vertx.eventBus().consumer("black.hole", message -> {});
    OtpResendClient client =
        OtpResendClient.overEventBus(
            vertx,
            new OtpResendOptions().setAddress("black.hole").setTimeout(Duration.ofMillis(100)));
    ResendException failure = failureOf(client.resend("id"));
    assertEquals(ResendFailure.TIMEOUT, failure.failure());
    assertTrue(failure.maybeSent());
  }

  @Test
  void a_reply_that_is_none_is_an_invalid_response() {
    vertx.eventBus().consumer("elsewhere", message -> message.reply("done"));
    ResendException failure =
        failureOf(
            OtpResendClient.overEventBus(vertx, new OtpResendOptions().setAddress("elsewhere"))
                .resend("id"));
    assertEquals(ResendFailure.INVALID_RESPONSE, failure.failure());
    assertTrue(failure.maybeSent());
  }

  static Stream<Arguments> wrongClients() {
    Promise<ResendResponse> failsWithNull = Promise.promise();
    failsWithNull.tryFail((Throwable) null);
    return Stream.of(
        Arguments.of(wrongClient(id -> null)),
        Arguments.of(wrongClient(id -> Future.failedFuture((Throwable) null))),
        Arguments.of(wrongClient(id -> failsWithNull.future())),
        Arguments.of(wrongClient(id -> Future.succeededFuture(null))),
        Arguments.of(wrongClient(id -> Future.failedFuture(new Exception("of its own")))),
        Arguments.of(
            wrongClient(
                id -> {
                  throw new IllegalStateException("of its own");
                })),
        Arguments.of(
            wrongClient(
                id -> {
                  throw new LinkageError("of its own");
                })));
  }

  /** A client that is not this library's. */
  private static OtpResendClient wrongClient(Function<String, Future<ResendResponse>> resend) {
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
  @MethodSource("wrongClients")
  void whatever_a_client_does_its_asker_gets_a_typed_failure(OtpResendClient wrong) {
    await(EventBusAdapter.register(vertx, "wrong", wrong));
    ResendException failure =
        failureOf(
            OtpResendClient.overEventBus(vertx, new OtpResendOptions().setAddress("wrong"))
                .resend("id"));
    assertTrue(
        Set.of(ResendFailure.INVALID_RESPONSE, ResendFailure.UNRECOGNIZED)
            .contains(failure.failure()));
    assertTrue(failure.maybeSent());
  }

  @Test
  void a_failure_of_another_kind_of_consumer_may_have_been_sent() {
    vertx.eventBus().consumer("elsewhere", message -> message.fail(409, "busy"));
    ResendException failure =
        failureOf(
            OtpResendClient.overEventBus(vertx, new OtpResendOptions().setAddress("elsewhere"))
                .resend("id"));
    assertEquals(ResendFailure.UNRECOGNIZED, failure.failure());
    assertEquals(409, failure.httpStatus());
    assertTrue(failure.maybeSent());
  }

  @Test
  void the_typed_answer_wins_over_the_timeout_of_the_bus() {
    try (FaultServer silent = FaultServer.onRequest(FaultServer.Peer::silence)) {
      Duration timeout = Duration.ofSeconds(2); // to connect to it too
      OtpResendOptions options =
          new OtpResendOptions()
              .setBaseUrl(silent.baseUrl())
              .setToken("secret-token")
              .setAddress("slow")
              .setTimeout(timeout);
      await(vertx.deployVerticle(new OtpResendVerticle(options)));
      ResendException failure =
          failureOf(OtpResendClient.overEventBus(vertx, options).resend("id"));
      assertEquals(ResendFailure.TIMEOUT, failure.failure());
      assertEquals("No complete answer within timeout, PT2S", failure.getMessage());
    }
  }

  @Test
  void a_closed_client_of_the_bus_refuses_and_asks_nobody() {
    OtpResendClient client = OtpResendClient.overEventBus(vertx);
    await(client.close());
    await(client.close());
    assertEquals(ResendFailure.CLOSED, failureOf(client.resend("id")).failure());
    assertEquals(0, server.connections());
  }

  @Test
  void a_bad_id_is_refused_before_it_reaches_the_bus() {
    ResendException failure =
        failureOf(
            OtpResendClient.overEventBus(vertx, new OtpResendOptions().setAddress("nobody"))
                .resend("half \ud83d"));
    assertEquals(ResendFailure.INVALID_REQUEST, failure.failure());
  }

  @Test
  void headers_of_a_message_are_of_no_account() {
    DeliveryOptions options = new DeliveryOptions().addHeader("action", "resend");
    await(vertx.eventBus().request("otp.resend", "id", options));
    assertEquals(1, server.requests().size());
  }
}
