// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.sandbox;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;

/**
 * The answer of a session of the {@link OtpSandbox} to a resend.
 *
 * <p>The service documents the states up to {@link #SESSION_ALREADY_CONFIRMED} for a resend, with
 * these texts. The other states are assumed: the service documents their types only for other
 * calls, or without a status, and their texts are invented.
 */
public enum SessionState {
  /** The next resend succeeds and begins the cooldown. A new session is in this state. */
  OPEN(201, "{\"success\":true}"),

  /** The next resend is refused and restarts the channel. The resend after it succeeds. */
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

  /** Every resend is refused, as for an id without a session. */
  SESSION_NOT_FOUND(404, "SessionNotFoundException", "Сессия не найдена"),

  /**
   * A resend is refused until the cooldown ends. The cooldown begins when this state is set, and
   * whenever a code is sent.
   */
  RESTART_COOLDOWN_ACTIVE(
      409, "RestartCooldownActiveException", "Перезапуск недоступен: требуется подождать."),

  /** Every resend is refused. */
  SESSION_ALREADY_CONFIRMED(409, "SessionAlreadyConfirmedException", "Сессия уже подтверждена"),

  /** Every resend is refused. The status is assumed. */
  RATE_LIMITED(429, "RateLimitException", "Too many sends to this phone number"),

  /** Every resend is refused. */
  SESSION_CLOSED(400, "SessionClosedException", "The session is closed"),

  /**
   * Every resend is refused, because the service is already changing the channel. It does not count
   * as a code.
   */
  CHANNEL_CHANGED(400, "ChannelChangedException", "The channel is being changed"),

  /** Every resend is refused. */
  BLOCKED(403, "WidgetIsBlockedException", "The form is blocked"),

  /**
   * Every resend fails and does not count as a code. Whether the service sends a code then is not
   * documented.
   */
  SERVER_ERROR(500, "InternalServerErrorException", "Internal server error");

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
