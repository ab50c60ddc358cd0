// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads JSON that somebody else wrote: one object, nothing after it, no name twice, not deep. */
final class StrictJson {
  static final int MAX_DEPTH = 64;

  private static final ObjectReader READER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          // a double would turn 1e999 into Infinity, which no JSON can carry on
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build()
          .readerForMapOf(Object.class);

  private StrictJson() {}

  /** The object that these bytes are in UTF-8, or null if they are anything else. */
  static @Nullable JsonObject readObject(byte[] utf8) {
    try {
      String json = UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
      return readObject(json.startsWith("\ufeff") ? json.substring(1) : json);
    } catch (CharacterCodingException notUtf8) {
      return null;
    }
  }

  /** The object that this text is, or null if it is anything else. */
  static @Nullable JsonObject readObject(String json) {
    try {
      Map<String, Object> fields = READER.readValue(json);
      return fields == null ? null : new JsonObject(fields);
    } catch (IOException notJson) {
      return null;
    }
  }
}
