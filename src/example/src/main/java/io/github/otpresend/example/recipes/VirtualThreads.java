// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example.recipes;

import io.github.otpresend.NextStep;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.ResendException;

/**
 * A resend that waits for its outcome, on a virtual thread of Vert.x (JDK 21 or newer).
 *
 * <p>It promises: the event loops go on meanwhile, and each outcome becomes a next step. After a
 * success the person waits for the code, also if the service did not accept: it may come.
 */
public final class VirtualThreads {
  private VirtualThreads() {}

  /** Returns the next step. Call it from a verticle with {@code ThreadingModel.VIRTUAL_THREAD}. */
  public static NextStep resend(OtpResendClient client, String requestId) {
    try {
      client.resend(requestId).await();
      return NextStep.AWAIT_CODE;
    } catch (ResendException e) {
      return e.nextStep();
    }
  }
}
