// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
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

  /** Returns how long to wait from now, or null if the header is missing or malformed. */
  static @Nullable Duration parse(@Nullable String header, Instant now) {
    if (header == null) {
      return null;
    }
    String value = header.trim();
    if (SECONDS.matcher(value).matches()) {
      return Duration.ofSeconds(Long.parseLong(value));
    }
    for (DateTimeFormatter date : DATES) {
      try {
        Duration wait = Duration.between(now, Instant.from(date.parse(value)));
        return wait.isNegative() ? Duration.ZERO : wait.truncatedTo(ChronoUnit.MILLIS);
      } catch (DateTimeException anotherForm) {
        continue;
      }
    }
    return null;
  }
}
