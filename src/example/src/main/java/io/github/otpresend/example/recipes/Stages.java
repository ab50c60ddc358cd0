// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example.recipes;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.ResendResponse;
import io.reactivex.rxjava3.core.Single;
import java.util.concurrent.CompletionStage;

/**
 * A resend as CompletionStage and as Single of RxJava 3.
 *
 * <p>They promise: one call sends once, however often somebody subscribes or retries.
 */
public final class Stages {
  private Stages() {}

  /** Sends at once. */
  public static CompletionStage<ResendResponse> stage(OtpResendClient client, String requestId) {
    return client.resend(requestId).toCompletionStage();
  }

  /**
   * Sends at once, and once only: {@code retry()} repeats the outcome. With {@code Single.defer}
   * around it, each subscription and each {@code retry()} would send another code.
   */
  public static Single<ResendResponse> single(OtpResendClient client, String requestId) {
    return Single.fromCompletionStage(stage(client, requestId));
  }
}
