// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import io.github.otpresend.ResendException;
import io.github.otpresend.internal.Outcomes;
import io.github.otpresend.internal.StrictJson;

/** The removal of the token from a failure, in case the service repeats the token in its answer. */
public final class Redaction {
  private Redaction() {}

  /** Returns the failure, without the texts of the service if they repeat the secret. */
  public static ResendException without(String secret, ResendException failure) {
    if (secret.isEmpty() || !repeats(secret, failure)) {
      return failure;
    }
    String message =
        "The service answered "
            + failure.httpStatus()
            + "; its text is left out, because it contains the token";
    return new ResendException(
        failure.failure(),
        Outcomes.isListed(failure.type()) ? failure.type() : failure.failure().type(),
        failure.httpStatus(),
        failure.maybeSent(),
        message,
        failure.retryAfter().orElse(null),
        null,
        null);
  }

  private static boolean repeats(String secret, ResendException failure) {
    return String.valueOf(failure.getMessage()).contains(secret)
        || (!Outcomes.isListed(failure.type()) && failure.type().contains(secret))
        || failure.payload().filter(payload -> repeatsInJson(secret, payload)).isPresent();
  }

  private static boolean repeatsInJson(String secret, Object payload) {
    String quoted = StrictJson.write(secret); // the form that the secret has in JSON
    return StrictJson.write(payload).contains(quoted.substring(1, quoted.length() - 1));
  }
}
