// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.sandbox;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;

/**
 * What a session of the {@link OtpSandbox} answers to a resend.
 *
 * <p>The states up to {@link #SESSION_ALREADY_CONFIRMED} are documented for a resend, and their
 * texts are the service's own. The other ones are assumed: the service documents the types, but for
 * other calls than a resend, or without a status. Their texts are made up.
 */
public enum SessionState {
  /**
   * The next resend succeeds, and the cooldown begins with it. A new session is in this state: the
   * cooldown of its first code is over.
   */
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

  /**
   * A resend is refused until the cooldown is over, which begins when this state is set. It is the
   * state after every code that goes out, the first one included.
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
   * Every resend is refused, and counts as no code: the service is already changing the channel.
   */
  CHANNEL_CHANGED(400, "ChannelChangedException", "The channel is being changed"),

  /** Every resend is refused. */
  BLOCKED(403, "WidgetIsBlockedException", "The form is blocked"),

  /** Every resend fails, and counts as no code: whether the service sends one then is not known. */
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
