// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;

/** What a caller has to know about a resend. */
enum Outcome {
  SUCCESS,
  COOLDOWN,
  ERROR;

  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** Returns the outcome of a response, for contenders that have no JSON parser of their own. */
  static Outcome of(int status, byte[] body) {
    try {
      JsonNode json = MAPPER.readTree(body);
      return of(status, json.path("success").asBoolean(), json.path("type").asText());
    } catch (IOException e) {
      return ERROR;
    }
  }

  static Outcome of(int status, boolean success, String type) {
    if (status == 201 && success) {
      return SUCCESS;
    }
    return status == 409 && "RestartCooldownActiveException".equals(type) ? COOLDOWN : ERROR;
  }
}
