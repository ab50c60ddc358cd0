// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.vertx.core.json.EncodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A reader of JSON from outside: one object, nothing after it, no name twice, limited depth; and a
 * writer whose settings the application cannot change, unlike those of Vert.x's own writer.
 */
public final class StrictJson {
  public static final int MAX_DEPTH = 64;

  private static final ObjectReader READER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          // a double would turn 1e999 into Infinity, which JSON cannot represent
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build()
          .readerForMapOf(Object.class);

  private static final ObjectWriter WRITER = JsonMapper.builder().build().writer();

  private StrictJson() {}

  /** Returns the text that represents an object, or another value that JSON has. */
  public static String write(Object json) {
    try {
      return WRITER.writeValueAsString(plain(json));
    } catch (JsonProcessingException e) {
      throw new EncodeException(e.getMessage(), e);
    }
  }

  /** Returns a value without types of Vert.x, whose Jackson may come from another class loader. */
  private static @Nullable Object plain(@Nullable Object json) {
    if (json instanceof JsonObject object) {
      Map<String, @Nullable Object> fields = new LinkedHashMap<>();
      object.forEach(field -> fields.put(field.getKey(), plain(field.getValue())));
      return fields;
    } else if (json instanceof JsonArray array) {
      List<@Nullable Object> elements = new ArrayList<>();
      array.forEach(element -> elements.add(plain(element)));
      return elements;
    }
    return json;
  }

  /**
   * Returns the object that these UTF-8 bytes represent, or null if they represent anything else.
   */
  public static @Nullable JsonObject readObject(byte[] utf8) {
    String json = new String(utf8, UTF_8);
    // bytes that are not UTF-8 become U+FFFD, which the text may also contain itself
    boolean isUtf8 = json.indexOf('\ufffd') < 0 || Arrays.equals(json.getBytes(UTF_8), utf8);
    return isUtf8 ? readObject(json.startsWith("\ufeff") ? json.substring(1) : json) : null;
  }

  /** Returns the object that this text represents, or null if it represents anything else. */
  public static @Nullable JsonObject readObject(String json) {
    try {
      Map<String, Object> fields = READER.readValue(json);
      return fields == null ? null : new JsonObject(fields);
    } catch (IOException notJson) {
      return null;
    }
  }
}
