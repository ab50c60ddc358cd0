// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.NextStep;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Each answer of the service: by future, over the event bus in plain Vert.x, and by the client over
 * the event bus.
 */
@ExtendWith(VertxExtension.class)
class OutcomesTest {
  private Vertx vertx;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      textBlock =
          """
          400 | ResendChannelException           | Перезапустите канал | RESEND_CHANNEL | false | RESEND
          400 | AttemptsExpiredException         | Количество попыток ввода кода исчерпано, запустите попытку авторизации заново | ATTEMPTS_EXPIRED | false | START_OVER
          400 | NoAvailableChannelsException     | Нет подходящих каналов для отправки сообщения, запустите попытку авторизации заново | NO_AVAILABLE_CHANNELS | false | START_OVER
          401 | UnauthorizedException            | Unauthorized | UNAUTHORIZED | false | FIX_CREDENTIALS
          401 | -                                | - | UNAUTHORIZED | false | FIX_CREDENTIALS
          403 | ForbiddenException               | Запрещено | FORBIDDEN | false | FIX_CREDENTIALS
          403 | CommonForbiddenException         | Запрещено | FORBIDDEN | false | FIX_CREDENTIALS
          404 | SessionNotFoundException         | Сессия не найдена | SESSION_NOT_FOUND | false | START_OVER
          409 | RestartCooldownActiveException   | Перезапуск недоступен: требуется подождать. | RESTART_COOLDOWN_ACTIVE | false | WAIT
          409 | SessionAlreadyConfirmedException | Сессия уже подтверждена | SESSION_ALREADY_CONFIRMED | false | PROCEED
          404 | RequestNotFoundException         | Нет такого запроса | SESSION_NOT_FOUND | false | START_OVER
          400 | SessionClosedException           | Сессия закрыта | SESSION_CLOSED | false | START_OVER
          400 | ChannelChangedException          | Канал изменён | CHANNEL_CHANGED | true | AWAIT_CODE
          400 | BadRequestException              | Плохой запрос | BAD_REQUEST | false | FIX_REQUEST
          422 | ValidateError                    | Плохой запрос | BAD_REQUEST | false | FIX_REQUEST
          403 | WidgetIsBlockedException         | Заблокировано | BLOCKED | false | FIX_CREDENTIALS
          404 | WidgetNotFoundException          | Нет формы | BLOCKED | false | FIX_CREDENTIALS
          408 | LongPollingTimeoutException      | Долго | UNRECOGNIZED | true | AWAIT_CODE
          408 | -                                | - | UNRECOGNIZED | true | AWAIT_CODE
          429 | RateLimitException               | Слишком много запросов | RATE_LIMITED | false | WAIT
          429 | -                                | - | RATE_LIMITED | false | WAIT
          500 | InternalServerErrorException     | Ошибка | SERVER_ERROR | true | AWAIT_CODE
          503 | -                                | - | SERVER_ERROR | true | AWAIT_CODE
          418 | TeapotException                  | Я чайник | UNRECOGNIZED | true | AWAIT_CODE
          404 | TeapotException                  | Я чайник | UNRECOGNIZED | false | RETRY_LATER
          521 | TeapotException                  | Я чайник | SERVER_ERROR | true | AWAIT_CODE
          404 | -                                | - | UNRECOGNIZED | false | RETRY_LATER
          """)
  void a_failure_is_the_same_by_future_and_by_event_bus(
      int status,
      String type,
      String message,
      ResendFailure expected,
      boolean maybeSent,
      NextStep nextStep) {
    JsonObject payload = new JsonObject().put("wait", 30).put("часть", "ы");
    String body =
        type == null
            ? "<html>secret-of-a-proxy</html>"
            : new JsonObject()
                .put("type", type)
                .put("message", message)
                .put("httpStatus", status)
                .put("payload", payload)
                .encode();
    String answer =
        FaultServer.response(
            status, "Content-Type: application/json; charset=utf-8\r\nRetry-After: 30", body);
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(answer))) {
      OtpResendVerticle verticle = new OtpResendVerticle(options(server));
      await(vertx.deployVerticle(verticle));

      ResendException direct = failureOf(verticle.resend("direct"));
      assertEquals(expected, direct.failure());
      assertEquals(type == null ? expected.type() : type, direct.type());
      assertEquals(type == null ? "The service answered " + status : message, direct.getMessage());
      assertEquals(status, direct.httpStatus());
      assertEquals(maybeSent, direct.maybeSent());
      assertEquals(nextStep, direct.nextStep());
      assertEquals(Optional.of(Duration.ofSeconds(30)), direct.retryAfter());
      assertEquals(type == null ? Optional.empty() : Optional.of(payload), direct.payload());

      ReplyException raw =
          assertInstanceOf(
              ReplyException.class,
              causeOf(
                  vertx
                      .eventBus()
                      .request("otp.resend", new JsonObject().put("requestId", "plain"))));
      assertEquals(ReplyFailure.RECIPIENT_FAILURE, raw.failureType());
      assertEquals(status, raw.failureCode());
      assertEquals(direct.toJson(), new JsonObject(raw.getMessage()));

      ResendException typed = failureOf(OtpResendClient.overEventBus(vertx).resend("typed"));
      assertEquals(expected, typed.failure());
      assertEquals(direct.toJson(), typed.toJson());

      assertEquals(3, server.requests().size());
      for (int i = 0; i < 3; i++) {
        String id = new String[] {"direct", "plain", "typed"}[i];
        assertTrue(server.requests().get(i).startsWith("POST /api/" + id + "/resend HTTP/1.1\r\n"));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"200, true", "201, true", "201, false", "202, true"})
  void a_success_is_the_same_by_future_and_by_event_bus(int status, boolean success) {
    String answer = FaultServer.response(status, "{\"more\": [1], \"success\": " + success + "}\n");
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(answer))) {
      OtpResendVerticle verticle = new OtpResendVerticle(options(server));
      await(vertx.deployVerticle(verticle));

      assertEquals(new ResendResponse(success), await(verticle.resend("direct")));
      assertEquals(
          new JsonObject().put("success", success),
          await(vertx.eventBus().request("otp.resend", "plain")).body());
      assertEquals(
          new ResendResponse(success), await(OtpResendClient.overEventBus(vertx).resend("typed")));
      assertEquals(3, server.requests().size());
    }
  }

  @ParameterizedTest
  @CsvSource({"301", "302", "303", "307", "308"})
  void a_redirect_is_not_followed(int status) {
    try (FaultServer other = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS));
        FaultServer server =
            FaultServer.onRequest(
                peer ->
                    peer.write(
                        FaultServer.response(
                            status, "Location: " + other.baseUrl() + "/id/resend", "")))) {
      OtpResendClient client = OtpResendClient.create(vertx, options(server));

      ResendException failure = failureOf(client.resend("id"));

      assertEquals(ResendFailure.INVALID_RESPONSE, failure.failure());
      assertTrue(failure.maybeSent());
      assertEquals(1, server.requests().size());
      assertEquals(0, other.connections());
    }
  }

  @Test
  void a_refusal_of_the_library_is_the_same_by_future_and_by_event_bus() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendVerticle verticle = new OtpResendVerticle(options(server));
      await(vertx.deployVerticle(verticle));

      ResendException direct = failureOf(verticle.resend(".."));
      assertEquals(ResendFailure.INVALID_REQUEST, direct.failure());
      ReplyException raw =
          assertInstanceOf(
              ReplyException.class, causeOf(vertx.eventBus().request("otp.resend", "..")));
      assertEquals(400, raw.failureCode());
      assertEquals(direct.toJson(), new JsonObject(raw.getMessage()));
      ResendException typed = failureOf(OtpResendClient.overEventBus(vertx).resend(".."));
      assertEquals(direct.toJson(), typed.toJson());
      assertEquals(0, server.requests().size());
    }
  }

  private static OtpResendOptions options(FaultServer server) {
    return server.options();
  }
}
