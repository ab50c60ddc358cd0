// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.otpresend.ResendFailure;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class OutcomesTest {
  /** The statuses by which a request is refused before any work. */
  private static final Set<Integer> REFUSALS =
      Set.of(401, 404, 405, 411, 413, 414, 415, 417, 421, 425, 426, 428, 429, 431);

  // answers of the service

  @ParameterizedTest
  @EnumSource(to = "UNRECOGNIZED")
  void a_listed_type_has_its_kind_with_any_status(ResendFailure kind) {
    assumeTrue(kind != ResendFailure.UNRECOGNIZED);
    for (int status : new int[] {400, 401, 404, 418, 429, 500, 599}) {
      assertEquals(kind, Outcomes.kindOfAnswer(kind.type(), status));
    }
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
    assertEquals(kind, Outcomes.kindOfAnswer(type, status));
    assertFalse(Outcomes.maybeSentAfterAnswer(type, status));
  }

  static Stream<String> unlistedTypes() {
    return Stream.concat(
        Stream.of(
            null,
            "",
            " ",
            "about:blank",
            "https://example.com/probs/out-of-credit",
            "FooException",
            "sessionnotfoundexception",
            "SessionNotFoundException ",
            "SESSION_NOT_FOUND",
            "CommonSessionNotFoundException"),
        Arrays.stream(ResendFailure.values())
            .filter(kind -> kind.compareTo(ResendFailure.UNRECOGNIZED) >= 0)
            .map(ResendFailure::type));
  }

  @ParameterizedTest
  @MethodSource("unlistedTypes")
  void the_status_decides_if_the_type_is_not_listed(String type) {
    for (int status = 400; status < 700; status++) {
      ResendFailure kind =
          status == 401
              ? ResendFailure.UNAUTHORIZED
              : status == 429
                  ? ResendFailure.RATE_LIMITED
                  : status / 100 == 5 ? ResendFailure.SERVER_ERROR : ResendFailure.UNRECOGNIZED;
      assertEquals(kind, Outcomes.kindOfAnswer(type, status), "status " + status);
    }
  }

  @ParameterizedTest
  @MethodSource("unlistedTypes")
  void only_a_refusal_before_any_work_is_not_sent_if_the_type_is_not_listed(String type) {
    for (int status = 400; status < 700; status++) {
      boolean maybeSent = !REFUSALS.contains(status);
      assertEquals(maybeSent, Outcomes.maybeSentAfterAnswer(type, status), "status " + status);
    }
  }

  @ParameterizedTest
  @EnumSource(to = "BLOCKED")
  void a_listed_type_vouches_only_with_a_4xx(ResendFailure kind) {
    for (int status : new int[] {400, 401, 403, 404, 408, 409, 418, 429, 499}) {
      assertEquals(kind.maybeSent(), Outcomes.maybeSentAfterAnswer(kind.type(), status));
    }
    for (int status : new int[] {0, 399, 500, 503, 599, 600}) {
      assertTrue(Outcomes.maybeSentAfterAnswer(kind.type(), status));
    }
  }

  // failures over the event bus

  @ParameterizedTest
  @EnumSource(ResendFailure.class)
  void the_type_status_and_maybe_sent_of_a_kind_are_decoded_to_that_kind(ResendFailure kind) {
    assertEquals(kind, Outcomes.kindOfMessage(kind.type(), kind.httpStatus(), kind.maybeSent()));
  }

  @ParameterizedTest
  @EnumSource(from = "INVALID_REQUEST")
  void a_type_of_the_library_has_its_kind_only_with_its_status_and_maybe_sent(ResendFailure kind) {
    int status = kind.httpStatus();
    assertNotEquals(kind, Outcomes.kindOfMessage(kind.type(), status, !kind.maybeSent()));
    assertNotEquals(kind, Outcomes.kindOfMessage(kind.type(), status + 1, kind.maybeSent()));
  }

  @ParameterizedTest
  @EnumSource(from = "INVALID_REQUEST")
  void a_failure_of_the_library_can_be_unsent_if_its_kind_is(ResendFailure kind) {
    assertEquals(!kind.maybeSent(), Outcomes.canBeUnsent(kind.type(), kind.httpStatus()));
    assertFalse(Outcomes.canBeUnsent(kind.type(), 499));
  }

  @ParameterizedTest
  @MethodSource("unlistedTypes")
  void a_message_is_vouched_for_as_little_as_the_answer_that_it_reports(String type) {
    assumeTrue(type != null);
    for (int status : new int[] {406, 408, 410, 418, 499, 501, 599, 401, 404, 405, 429, 431}) {
      assertEquals(REFUSALS.contains(status), Outcomes.canBeUnsent(type, status));
    }
  }

  @Test
  void only_an_outcome_without_an_answer_keeps_the_entry_in_the_cluster() {
    assertEquals(
        EnumSet.of(ResendFailure.TIMEOUT, ResendFailure.CONNECTION_LOST),
        kinds(Outcomes::keepsHold));
  }

  @Test
  void only_a_401_and_an_outcome_without_a_known_answer_close_the_connection() {
    assertEquals(
        EnumSet.of(
            ResendFailure.UNAUTHORIZED,
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
