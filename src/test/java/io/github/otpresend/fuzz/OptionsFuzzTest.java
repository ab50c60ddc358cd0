// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.Parsers;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import org.junit.jupiter.api.Timeout;

/** The configuration of a verticle. The input is any JSON object. */
@Timeout(10) // of one input, in seconds
class OptionsFuzzTest {
  @FuzzTest
  void any_json_is_valid_options_or_refused(byte[] bytes) {
    JsonObject json;
    try {
      json = new JsonObject(new FuzzInput(bytes).restAsText());
    } catch (DecodeException e) {
      return;
    }
    try {
      OtpResendOptions options = new OtpResendOptions(json);
      JsonObject read = options.toJson();
      assertEquals(read, new OtpResendOptions(read).toJson());
      assertEquals(read, new OtpResendOptions(options).toJson());
      Parsers.checkTogether(options);
    } catch (IllegalArgumentException refusal) {
      if (!withoutSecrets(json).encode().contains(FuzzInput.CANARY)) {
        FuzzInput.assertKept(refusal);
      }
    }
  }

  /** Returns the JSON without tokens and passwords. */
  private static JsonObject withoutSecrets(JsonObject json) {
    JsonObject rest = new JsonObject();
    for (String key : json.fieldNames()) {
      Object value = json.getValue(key);
      if (value instanceof JsonObject inner) {
        rest.put(key, withoutSecrets(inner));
      } else if (!key.equals("token") && !key.equals("password")) {
        rest.put(key, value);
      }
    }
    return rest;
  }
}
