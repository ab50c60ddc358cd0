// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ResendFailureTest {
  /** Returns the rows of the outcome tables. */
  static Stream<Arguments> documented() {
    return Stream.of(
        row("RESEND_CHANNEL", "ResendChannelException", 400, false, "RESEND"),
        row("ATTEMPTS_EXPIRED", "AttemptsExpiredException", 400, false, "START_OVER"),
        row("NO_AVAILABLE_CHANNELS", "NoAvailableChannelsException", 400, false, "START_OVER"),
        row("UNAUTHORIZED", "UnauthorizedException", 401, false, "FIX_CREDENTIALS"),
        row("FORBIDDEN", "ForbiddenException", 403, false, "FIX_CREDENTIALS"),
        row("SESSION_NOT_FOUND", "SessionNotFoundException", 404, false, "START_OVER"),
        row("RESTART_COOLDOWN_ACTIVE", "RestartCooldownActiveException", 409, false, "WAIT"),
        row("SESSION_ALREADY_CONFIRMED", "SessionAlreadyConfirmedException", 409, false, "PROCEED"),
        row("RATE_LIMITED", "RateLimitException", 429, false, "WAIT"),
        row("SERVER_ERROR", "InternalServerErrorException", 500, true, "AWAIT_CODE"),
        row("SESSION_CLOSED", "SessionClosedException", 400, false, "START_OVER"),
        row("CHANNEL_CHANGED", "ChannelChangedException", 400, true, "AWAIT_CODE"),
        row("BAD_REQUEST", "BadRequestException", 400, false, "FIX_REQUEST"),
        row("BLOCKED", "WidgetIsBlockedException", 403, false, "FIX_CREDENTIALS"),
        row("UNRECOGNIZED", "UnrecognizedException", 500, true, "RETRY_LATER"),
        row("INVALID_REQUEST", "InvalidRequestException", 400, false, "FIX_REQUEST"),
        row("TOKEN_UNAVAILABLE", "TokenUnavailableException", 503, false, "FIX_CREDENTIALS"),
        row("CONNECTION_FAILED", "ConnectionFailedException", 503, false, "RETRY_LATER"),
        row("OVERLOADED", "OverloadedException", 503, false, "RETRY_LATER"),
        row("COOLING_DOWN", "CoolingDownException", 409, false, "WAIT"),
        row("CLOSED", "ClientClosedException", 503, false, "RETRY_LATER"),
        row("ALREADY_IN_PROGRESS", "AlreadyInProgressException", 409, false, "AWAIT_CODE"),
        row("GUARD_UNAVAILABLE", "GuardUnavailableException", 503, false, "RETRY_LATER"),
        row("EXPIRED", "ExpiredException", 504, false, "RETRY_LATER"),
        row("TIMEOUT", "TimeoutException", 504, true, "AWAIT_CODE"),
        row("CONNECTION_LOST", "ConnectionLostException", 502, true, "AWAIT_CODE"),
        row("INVALID_RESPONSE", "InvalidResponseException", 502, true, "AWAIT_CODE"));
  }

  private static Arguments row(
      String failure, String type, int status, boolean maybeSent, String nextStep) {
    return Arguments.of(failure, type, status, maybeSent, nextStep);
  }

  @ParameterizedTest
  @MethodSource("documented")
  void a_kind_matches_the_outcome_tables(
      String failure, String type, int status, boolean maybeSent, String nextStep) {
    ResendFailure kind = ResendFailure.valueOf(failure);
    assertEquals(type, kind.type());
    assertEquals(status, kind.httpStatus());
    assertEquals(maybeSent, kind.maybeSent());
    assertEquals(NextStep.valueOf(nextStep), kind.nextStep());
  }

  @Test
  void every_kind_is_in_the_outcome_tables() {
    Set<String> rows =
        documented().map(row -> (String) row.get()[0]).collect(Collectors.toUnmodifiableSet());
    assertEquals(names(ResendFailure.values()), rows);
  }

  @Test
  void every_next_step_belongs_to_a_kind() {
    Set<NextStep> used = EnumSet.noneOf(NextStep.class);
    for (ResendFailure kind : ResendFailure.values()) {
      used.add(kind.nextStep());
    }
    assertEquals(EnumSet.allOf(NextStep.class), used);
  }

  @Test
  void no_two_kinds_have_the_same_type() {
    assertEquals(
        ResendFailure.values().length,
        Arrays.stream(ResendFailure.values()).map(ResendFailure::type).distinct().count());
  }

  @Test
  void a_kind_that_may_have_been_sent_never_has_the_next_step_resend() {
    for (ResendFailure kind : ResendFailure.values()) {
      assertTrue(!kind.maybeSent() || kind.nextStep() != NextStep.RESEND, kind.name());
    }
  }

  private static Set<String> names(ResendFailure[] kinds) {
    return Arrays.stream(kinds).map(Enum::name).collect(Collectors.toUnmodifiableSet());
  }
}
