// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.internal.call.OptionRules;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import org.junit.jupiter.api.Timeout;

/** A fuzz test of the configuration of a verticle. The input is any JSON object. */
@Timeout(10) // seconds for each input
class OptionsFuzzTest {
  @FuzzTest
  void any_json_makes_valid_options_or_is_refused(byte[] bytes) {
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
      OptionRules.check(options);
    } catch (IllegalArgumentException refusal) {
      if (!withoutSecrets(json).encode().contains(FuzzInput.CANARY)) {
        FuzzInput.assertNoSecretIn(refusal);
      }
    }
  }

  /** Returns a copy without the secret values, also in nested objects. */
  private static JsonObject withoutSecrets(JsonObject json) {
    JsonObject rest = new JsonObject();
    for (String key : json.fieldNames()) {
      Object value = json.getValue(key);
      if (value instanceof JsonObject nested) {
        rest.put(key, withoutSecrets(nested));
      } else if (!key.equals("token") && !key.equals("password")) {
        rest.put(key, value);
      }
    }
    return rest;
  }
}
