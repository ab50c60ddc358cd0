// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import org.junit.jupiter.api.Timeout;

/** The configuration of a verticle, which is any JSON object. */
@Timeout(10) // of one input, in seconds
class OptionsFuzzTest {
  @FuzzTest
  void whatever_json_they_are_made_of_options_are_good_or_refused(byte[] bytes) {
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
      options.checkTogether();
    } catch (IllegalArgumentException refusal) {
      if (!withoutSecrets(json).encode().contains(FuzzInput.CANARY)) {
        FuzzInput.assertKept(refusal);
      }
    }
  }

  /** Without what nobody may see, wherever it stands. */
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
