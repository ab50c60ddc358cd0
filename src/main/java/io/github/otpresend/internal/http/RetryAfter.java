// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpHeaders;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A parser of the {@code Retry-After} header (RFC 9110, section 10.2.3). Netty's parser of HTTP
 * dates is not used: it ignores the time zone and the day of the week, so a malformed date would
 * give a wrong time.
 */
final class RetryAfter {
  // more digits would mean more than 31 years
  private static final Pattern SECONDS = Pattern.compile("[0-9]{1,9}");

  // the three forms of an HTTP date that a recipient must accept: RFC 9110, section 5.6.7
  private static final List<DateTimeFormatter> DATES =
      List.of(
          DateTimeFormatter.RFC_1123_DATE_TIME,
          new DateTimeFormatterBuilder()
              .appendPattern("EEEE, dd-MMM-")
              .appendValueReduced(ChronoField.YEAR, 2, 2, 1970)
              .appendPattern(" HH:mm:ss 'GMT'")
              .toFormatter(Locale.ENGLISH)
              .withZone(ZoneOffset.UTC),
          DateTimeFormatter.ofPattern("EEE MMM ppd HH:mm:ss yyyy", Locale.ENGLISH)
              .withZone(ZoneOffset.UTC));

  private RetryAfter() {}

  /**
   * Returns the time to wait that an answer asks for, or null if its header is missing or
   * malformed. A date counts from the {@code Date} of the answer, since the clock of the service
   * may be wrong.
   *
   * @param clock the clock that is used for an answer without a valid {@code Date}
   */
  static @Nullable Duration of(MultiMap headers, InstantSource clock) {
    String value = headers.get(HttpHeaders.RETRY_AFTER);
    if (value == null) {
      return null;
    } else if (SECONDS.matcher(value.trim()).matches()) {
      return Duration.ofSeconds(Long.parseLong(value.trim()));
    }
    Instant end = date(value);
    if (end == null) {
      return null;
    }
    Instant sent = date(headers.get(HttpHeaders.DATE));
    Duration wait = Duration.between(sent == null ? clock.instant() : sent, end);
    return wait.isNegative() ? Duration.ZERO : wait.truncatedTo(ChronoUnit.MILLIS);
  }

  /** Returns the instant of an HTTP date, or null if it is missing or malformed. */
  private static @Nullable Instant date(@Nullable String header) {
    if (header == null) {
      return null;
    }
    for (DateTimeFormatter date : DATES) {
      try {
        return Instant.from(date.parse(header.trim()));
      } catch (DateTimeException e) {
        // the date may have another form
      }
    }
    return null;
  }
}
