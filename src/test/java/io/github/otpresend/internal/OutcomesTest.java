// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.otpresend.ResendFailure;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class OutcomesTest {
  @ParameterizedTest
  @EnumSource(ResendFailure.class)
  void the_type_status_and_maybe_sent_of_a_kind_are_decoded_to_that_kind(ResendFailure kind) {
    assertEquals(kind, Outcomes.kind(kind.type(), kind.httpStatus(), kind.maybeSent()));
  }

  @ParameterizedTest
  @EnumSource(to = "UNRECOGNIZED")
  void a_type_of_the_service_has_its_kind_with_any_status(ResendFailure kind) {
    assertEquals(kind, Outcomes.kind(kind.type(), 418, false));
    assertEquals(kind, Outcomes.kind(kind.type(), 599, true));
  }

  @ParameterizedTest
  @EnumSource(from = "INVALID_REQUEST")
  void a_type_of_the_library_has_its_kind_only_with_its_status_and_maybe_sent(ResendFailure kind) {
    assertEquals(
        ResendFailure.UNRECOGNIZED,
        Outcomes.kind(kind.type(), kind.httpStatus(), !kind.maybeSent()));
    assertEquals(
        ResendFailure.UNRECOGNIZED,
        Outcomes.kind(kind.type(), kind.httpStatus() + 1, kind.maybeSent()));
  }

  @ParameterizedTest
  @CsvSource({
    "CommonForbiddenException, 403, FORBIDDEN",
    "RequestNotFoundException, 404, SESSION_NOT_FOUND",
    "ValidateError, 400, BAD_REQUEST",
    "WidgetNotFoundException, 404, BLOCKED",
  })
  void a_second_type_with_the_same_meaning_has_the_same_kind(
      String type, int status, ResendFailure kind) {
    assertEquals(kind, Outcomes.kind(type, status, false));
  }

  @ParameterizedTest
  @CsvSource({
    "FooException, 404",
    "FooException, 401",
    "FooException, 429",
    "FooException, 500",
    "sessionnotfoundexception, 404",
    "'SessionNotFoundException ', 404",
    "SESSION_NOT_FOUND, 404",
    "CommonSessionNotFoundException, 404",
  })
  void an_unknown_type_is_unrecognized_with_any_status(String type, int status) {
    assertEquals(ResendFailure.UNRECOGNIZED, Outcomes.kind(type, status, status >= 500));
  }

  @ParameterizedTest
  @CsvSource({
    "400, UNRECOGNIZED",
    "401, UNAUTHORIZED",
    "402, UNRECOGNIZED",
    "403, UNRECOGNIZED",
    "404, UNRECOGNIZED",
    "409, UNRECOGNIZED",
    "428, UNRECOGNIZED",
    "429, RATE_LIMITED",
    "430, UNRECOGNIZED",
    "499, UNRECOGNIZED",
    "500, SERVER_ERROR",
    "502, SERVER_ERROR",
    "503, SERVER_ERROR",
    "504, SERVER_ERROR",
    "599, SERVER_ERROR",
    "600, UNRECOGNIZED",
    "0, UNRECOGNIZED",
  })
  void the_status_decides_if_there_is_no_type(int status, ResendFailure kind) {
    assertEquals(kind, Outcomes.kind(null, status, status >= 500));
  }

  @Test
  void only_an_outcome_without_an_answer_keeps_the_entry_in_the_cluster() {
    assertEquals(
        EnumSet.of(ResendFailure.TIMEOUT, ResendFailure.CONNECTION_LOST),
        kinds(Outcomes::keepsHold));
  }

  @Test
  void only_an_outcome_without_a_documented_answer_closes_the_connection() {
    assertEquals(
        EnumSet.of(
            ResendFailure.UNRECOGNIZED,
            ResendFailure.TIMEOUT,
            ResendFailure.CONNECTION_LOST,
            ResendFailure.INVALID_RESPONSE),
        kinds(Outcomes::closesConnection));
  }

  private static Set<ResendFailure> kinds(Predicate<ResendFailure> trait) {
    return Arrays.stream(ResendFailure.values()).filter(trait).collect(Collectors.toSet());
  }
}
