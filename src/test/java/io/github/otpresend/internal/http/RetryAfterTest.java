// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RetryAfterTest {
  private static final Instant NOW = Instant.parse("2026-11-23T10:00:00Z");

  private static final String[] DAYS = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"
  };
  private static final String[] MONTHS = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
  };

  @ParameterizedTest
  @CsvSource({"1, 1", "30, 30", "0, 0", "007, 7", "86400, 86400", "999999999, 999999999"})
  void digits_are_seconds(String header, long seconds) {
    assertEquals(Duration.ofSeconds(seconds), retryAfter(header, NOW));
  }

  @ParameterizedTest
  @ValueSource(strings = {" 5", "5 ", "\t5\t", "  5  "})
  void whitespace_around_the_value_is_ignored(String header) {
    assertEquals(Duration.ofSeconds(5), retryAfter(header, NOW));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Mon, 23 Nov 2026 10:02:03 GMT",
        "Monday, 23-Nov-26 10:02:03 GMT",
        "Mon Nov 23 10:02:03 2026",
        " Mon, 23 Nov 2026 10:02:03 GMT ",
      })
  void a_date_is_converted_to_the_time_left(String header) {
    assertEquals(Duration.ofSeconds(123), retryAfter(header, NOW));
  }

  static Stream<LocalDate> days() {
    return LocalDate.of(2028, 1, 1).datesUntil(LocalDate.of(2029, 1, 1));
  }

  @ParameterizedTest
  @MethodSource("days")
  void every_day_of_a_leap_year_is_parsed_in_all_three_formats(LocalDate day) {
    String name = DAYS[day.getDayOfWeek().ordinal()];
    String month = MONTHS[day.getMonthValue() - 1];
    int number = day.getDayOfMonth();
    Instant midnight = day.atStartOfDay(ZoneOffset.UTC).toInstant();
    for (String header :
        new String[] {
          "%.3s, %02d %s 2028 00:00:09 GMT".formatted(name, number, month),
          "%s, %02d-%s-28 00:00:09 GMT".formatted(name, number, month),
          "%.3s %s %2d 00:00:09 2028".formatted(name, month, number)
        }) {
      assertEquals(Duration.ofSeconds(9), retryAfter(header, midnight), header);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Mon, 23 Nov 2026 09:59:59 GMT",
        "Monday, 23-Nov-26 09:59:59 GMT",
        "Mon Nov 23 09:59:59 2026",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Mon, 23 Nov 2026 10:00:00 GMT",
      })
  void a_date_that_has_passed_is_zero(String header) {
    assertEquals(Duration.ZERO, retryAfter(header, NOW));
  }

  /** RFC 9110, section 5.6.7: a year more than 50 years ahead is a year of the last century. */
  @Test
  void a_two_digit_year_far_in_the_future_is_a_year_of_the_last_century() {
    assertEquals(Duration.ZERO, retryAfter("Sunday, 06-Nov-94 08:49:37 GMT", NOW));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "-1",
        "+1",
        "1.5",
        "1,5",
        "1e3",
        "0x10",
        "5s",
        "1 2",
        "soon",
        "null",
        "1234567890",
        "99999999999999999999",
        "\u0665",
        "\uFF15",
        "Mon, 23 Nov 2026 10:02:03 CET",
        "Mon, 23 Nov 2026 10:02:03 UTC",
        "Mon, 23 Nov 2026 10:02:03",
        "Monday, 23-Nov-26 10:02:03 CET",
        "Mon Nov 23 10:02:03 2026 CET",
        "Mon Nov 23 10:02:03 26",
        "Tue, 23 Nov 2026 10:02:03 GMT",
        "Mon, 23 Nov 2026 25:02:03 GMT",
        "Mon, 32 Nov 2026 10:02:03 GMT",
        "Пн, 23 ноя 2026 10:02:03 GMT",
        "2026-11-23T10:02:03Z",
      })
  void parsing_a_malformed_value_returns_null(String header) {
    assertNull(retryAfter(header, NOW));
  }

  @Test
  void parsing_a_missing_header_returns_null() {
    assertNull(retryAfter(null, NOW));
  }

  @Test
  void the_time_left_to_a_date_is_rounded_down_to_milliseconds() {
    assertEquals(
        Duration.ofMillis(999), retryAfter("Mon, 23 Nov 2026 10:00:01 GMT", NOW.plusNanos(400)));
  }

  @Test
  void less_than_a_millisecond_left_to_a_date_is_zero() {
    assertEquals(
        Duration.ZERO, retryAfter("Mon, 23 Nov 2026 10:00:01 GMT", NOW.plusNanos(999_000_001)));
  }

  @Test
  void seconds_do_not_depend_on_the_time_of_day() {
    assertEquals(Duration.ofSeconds(3), retryAfter("3", NOW.plusNanos(400)));
  }

  @Test
  void the_latest_possible_date_does_not_overflow() {
    assertEquals(
        Duration.between(NOW, Instant.parse("9999-12-31T23:59:59Z")),
        retryAfter("Fri, 31 Dec 9999 23:59:59 GMT", NOW));
  }

  @ParameterizedTest
  @ValueSource(ints = {-3_600, -600, -1, 0, 1, 600, 3_600})
  void a_date_counts_from_the_date_of_the_answer(int secondsOff) {
    DateTimeFormatter format = DateTimeFormatter.RFC_1123_DATE_TIME.withZone(ZoneOffset.UTC);
    Instant serverTime = NOW.plusSeconds(secondsOff);
    MultiMap headers =
        HttpHeaders.headers()
            .set(HttpHeaders.DATE, format.format(serverTime))
            .set(HttpHeaders.RETRY_AFTER, format.format(serverTime.plusSeconds(60)));
    assertEquals(Duration.ofSeconds(60), RetryAfter.of(headers, () -> NOW));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "now", "0", "Mon, 23 Nov 2026 25:02:03 GMT"})
  void a_date_counts_from_now_if_the_date_of_the_answer_is_malformed(String date) {
    MultiMap headers =
        HttpHeaders.headers()
            .set(HttpHeaders.DATE, date)
            .set(HttpHeaders.RETRY_AFTER, "Mon, 23 Nov 2026 10:02:03 GMT");
    assertEquals(Duration.ofSeconds(123), RetryAfter.of(headers, () -> NOW));
  }

  @Test
  void seconds_do_not_depend_on_the_date_of_the_answer() {
    MultiMap headers =
        HttpHeaders.headers()
            .set(HttpHeaders.DATE, "Mon, 23 Nov 2026 11:00:00 GMT")
            .set(HttpHeaders.RETRY_AFTER, "5");
    assertEquals(Duration.ofSeconds(5), RetryAfter.of(headers, () -> NOW));
  }

  /** Returns the time to wait of an answer that has no date. */
  private static Duration retryAfter(String header, Instant now) {
    MultiMap headers = HttpHeaders.headers();
    if (header != null) {
      headers.set(HttpHeaders.RETRY_AFTER, header);
    }
    return RetryAfter.of(headers, () -> now);
  }
}
