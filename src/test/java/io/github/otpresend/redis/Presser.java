// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.time.Instant;

/**
 * A process that prints its time when it is ready. Then it makes a call for each word of its input,
 * and prints the outcome.
 */
public final class Presser {
  private Presser() {}

  /** Its argument is the JSON of the options. */
  public static void main(String[] args) throws IOException {
    OtpResendClient client =
        OtpResendClient.create(Vertx.vertx(), new OtpResendOptions(new JsonObject(args[0])));
    System.out.println("ready " + Instant.now());
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      for (String id : line.split(" ")) {
        client
            .resend(id)
            .onComplete(
                (response, failure) ->
                    System.out.println(id + ": " + (failure == null ? response : failure) + '.'));
      }
    }
  }
}
