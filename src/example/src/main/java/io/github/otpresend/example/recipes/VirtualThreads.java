// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example.recipes;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.ResendException;

/**
 * A resend that waits for its outcome, on a virtual thread of Vert.x (JDK 21 or newer).
 *
 * <p>It promises: the event loops go on meanwhile, and each outcome is a case of its own. SENT is a
 * success; after NOT_ACCEPTED, which is one with {@code success} false, a code may come all the
 * same; the others are the names of {@code NextStep}.
 */
public final class VirtualThreads {
  private VirtualThreads() {}

  /** Returns the outcome. Call it from a verticle with {@code ThreadingModel.VIRTUAL_THREAD}. */
  public static String resend(OtpResendClient client, String requestId) {
    try {
      return client.resend(requestId).await().success() ? "SENT" : "NOT_ACCEPTED";
    } catch (ResendException e) {
      return e.nextStep().name();
    }
  }
}
