// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestIdTest {
  private static final String EMOJI = "\uD83D\uDE00";
  private static final String HIGH_SURROGATE = "\uD83D";
  private static final String LOW_SURROGATE = "\uDE00";

  private static final List<String> VALID_IDS =
      List.of(
          "a",
          "0",
          "b2f0c1de-6a1c-4a7e-9a53-1d2e3f405162",
          "a b",
          " a ",
          "a/b",
          "/",
          "a?b=c&d",
          "a#b",
          "100%",
          "%2F",
          "%zz",
          "{}",
          "{requestId}",
          "a+b",
          "a:b",
          "a@b",
          "http://user:password@example.org/",
          "a\\b\"c'<>|^`",
          "a;b,c!d$e&f(g)*h=i[j]",
          "...",
          ".a",
          "..a",
          "./..",
          "-._~",
          "Запрос №7",
          "e\u0301",
          "\u00E9",
          "\u4E2D\u6587",
          EMOJI,
          "a" + EMOJI + "b",
          "a\u2028b",
          "\u00A0",
          "\uFEFFa",
          "\uFFFF",
          "\uDBFF\uDFFF");

  static List<String> validIds() {
    return VALID_IDS;
  }

  @ParameterizedTest
  @MethodSource("validIds")
  void an_id_without_control_characters_is_accepted(String id) {
    assertDoesNotThrow(() -> RequestId.check(id));
  }

  @ParameterizedTest
  @MethodSource("validIds")
  void decoding_the_segment_returns_the_id(String id) {
    assertEquals(id, decodeStrictly(RequestId.toSegment(id)));
  }

  @Test
  void decoding_a_segment_returns_every_character_of_the_basic_plane() {
    IntStream.rangeClosed(0, 0xFFFF)
        .filter(c -> c < 0xD800 || c > 0xDFFF)
        .mapToObj(Character::toString)
        .forEach(c -> assertEquals(c, decodeStrictly(RequestId.encode(c))));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "a b, a%20b",
        "/, %2F",
        "?, %3F",
        "`#`, %23",
        "%, %25",
        "%2F, %252F",
        "{}, %7B%7D",
        "+, %2B",
        ":, %3A",
        "@, %40",
        "Код, %D0%9A%D0%BE%D0%B4",
        "\uD83D\uDE00, %F0%9F%98%80",
        "..., ...",
        "aZ09-._~, aZ09-._~",
      })
  void an_id_is_encoded_as_one_path_segment(String id, String segment) {
    assertEquals(segment, RequestId.toSegment(id));
  }

  static Stream<Arguments> invalidIds() {
    return Stream.of(
        Arguments.of(null, "is null"),
        Arguments.of("", "is empty"),
        Arguments.of(" ", "is blank"),
        Arguments.of(" \u2003\u3000", "is blank"),
        Arguments.of(".", "is ."),
        Arguments.of("..", "is .."),
        Arguments.of("a".repeat(257), "has 257 characters"),
        Arguments.of(EMOJI.repeat(257), "has 257 characters"),
        Arguments.of(" ".repeat(257), "has 257 characters"),
        Arguments.of("a".repeat(100_000), "has 100000 characters"),
        Arguments.of("geheim" + HIGH_SURROGATE, "half a surrogate pair"),
        Arguments.of(LOW_SURROGATE + "geheim", "half a surrogate pair"),
        Arguments.of("geheim" + LOW_SURROGATE + HIGH_SURROGATE, "half a surrogate pair"),
        Arguments.of(HIGH_SURROGATE + "geheim" + LOW_SURROGATE, "half a surrogate pair"),
        Arguments.of(HIGH_SURROGATE + EMOJI, "half a surrogate pair"));
  }

  @ParameterizedTest
  @MethodSource("invalidIds")
  void an_invalid_id_is_rejected_with_the_reason(String id, String reason) {
    String message = rejectionOf(id).getMessage();
    assertTrue(message.contains(reason), message);
  }

  @ParameterizedTest
  @MethodSource("invalidIds")
  void a_rejection_says_what_is_allowed(String id) {
    String message = rejectionOf(id).getMessage();
    assertTrue(
        message.endsWith(
            "a request id is 1 to 256 characters, not blank, not . or .., and has no control characters"),
        message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "4071-geheim\u0000",
        "4071-geheim\uD83D",
        "\uDE004071-geheim",
        "4071-geheim\r\nHost: example.org",
      })
  void a_rejection_does_not_show_the_id(String id) {
    String message = rejectionOf(id).getMessage();
    assertFalse(message.contains("4071"), message);
    assertFalse(message.contains("geheim"), message);
    assertTrue(message.chars().allMatch(c -> c >= ' ' && c <= '~'), message);
  }

  @Test
  void a_rejection_does_not_show_an_id_that_is_too_long() {
    assertFalse(rejectionOf("xy".repeat(129)).getMessage().contains("xy"));
  }

  @Test
  void a_rejection_is_an_invalid_request_that_was_not_sent() {
    ResendException rejection = rejectionOf("");
    assertEquals(ResendFailure.INVALID_REQUEST, rejection.failure());
    assertFalse(rejection.maybeSent());
  }

  static IntStream controlCharacters() {
    return IntStream.concat(IntStream.range(0, 0x20), IntStream.rangeClosed(0x7F, 0x9F));
  }

  @ParameterizedTest
  @MethodSource("controlCharacters")
  void a_control_character_is_rejected(int control) {
    String message = rejectionOf("a" + (char) control + "b").getMessage();
    assertTrue(message.contains("has a control character"), message);
  }

  @Test
  void the_characters_next_to_the_control_characters_are_accepted() {
    String id = "a ~\u00A0";
    assertDoesNotThrow(() -> RequestId.check(id));
  }

  @Test
  void an_id_of_256_characters_is_accepted() {
    String id = "a".repeat(256);
    assertDoesNotThrow(() -> RequestId.check(id));
  }

  @Test
  void an_id_of_256_emoji_is_accepted_because_each_emoji_is_one_character() {
    String id = EMOJI.repeat(256);
    assertDoesNotThrow(() -> RequestId.check(id));
    assertEquals(id, decodeStrictly(RequestId.toSegment(id)));
  }

  private static ResendException rejectionOf(String id) {
    return assertThrows(ResendException.class, () -> RequestId.check(id));
  }

  /** Decodes a segment that may contain only unreserved characters and %XX of valid UTF-8. */
  private static String decodeStrictly(String segment) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < segment.length(); i++) {
      char c = segment.charAt(i);
      if (c == '%') {
        String hex = segment.substring(i + 1, i + 3);
        assertTrue(hex.matches("[0-9A-F]{2}"), segment);
        bytes.write(Integer.parseInt(hex, 16));
        i += 2;
      } else {
        assertTrue(String.valueOf(c).matches("[A-Za-z0-9._~-]"), segment);
        bytes.write(c);
      }
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(ByteBuffer.wrap(bytes.toByteArray()))
          .toString();
    } catch (CharacterCodingException e) {
      throw new AssertionError(segment, e);
    }
  }
}
