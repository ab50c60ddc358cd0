// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.sandbox;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;

/**
 * What a session of the {@link OtpSandbox} answers to a resend. Every text is the service's own.
 */
public enum SessionState {
  /** The next resend succeeds, and the cooldown begins with it. A new session is in this state. */
  OPEN(201, "{\"success\":true}"),

  /** The next resend is refused and restarts the channel, so that the one after it succeeds. */
  RESEND_CHANNEL(400, "ResendChannelException", "Перезапустите канал"),

  /** Every resend is refused. */
  ATTEMPTS_EXPIRED(
      400,
      "AttemptsExpiredException",
      "Количество попыток ввода кода исчерпано, запустите попытку авторизации заново"),

  /** Every resend is refused. */
  NO_AVAILABLE_CHANNELS(
      400,
      "NoAvailableChannelsException",
      "Нет подходящих каналов для отправки сообщения, запустите попытку авторизации заново"),

  /** Every resend is refused. */
  FORBIDDEN(403, "ForbiddenException", "Запрещено"),

  /** Every resend is refused, as it is for an id that has no session. */
  SESSION_NOT_FOUND(404, "SessionNotFoundException", "Сессия не найдена"),

  /** A resend is refused until the cooldown is over, which begins when this state is set. */
  RESTART_COOLDOWN_ACTIVE(
      409, "RestartCooldownActiveException", "Перезапуск недоступен: требуется подождать."),

  /** Every resend is refused. */
  SESSION_ALREADY_CONFIRMED(409, "SessionAlreadyConfirmedException", "Сессия уже подтверждена");

  private final int status;
  private final String body;

  SessionState(int status, String type, String message) {
    this(
        status,
        "{\"type\":\"%s\",\"message\":\"%s\",\"httpStatus\":%d}".formatted(type, message, status));
  }

  SessionState(int status, String body) {
    this.status = status;
    this.body = body;
  }

  ResponseDefinitionBuilder response() {
    return aResponse()
        .withStatus(status)
        .withHeader("Content-Type", "application/json; charset=utf-8")
        .withBody(body);
  }
}
