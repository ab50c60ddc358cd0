// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.vertx.core.Vertx;
import java.util.concurrent.atomic.AtomicInteger;

/** The main class of a process that makes a million calls from a thread without Vert.x. */
final class ManyCalls {
  private static final int CALLS = 1_000_000;

  private ManyCalls() {}

  public static void main(String[] arguments) throws InterruptedException {
    Vertx vertx = Vertx.vertx();
    OtpResendClient client =
        OtpResendClient.create(
            vertx, new OtpResendOptions().setBaseUrl(arguments[0]).setToken("token"));
    AtomicInteger overloaded = new AtomicInteger();
    AtomicInteger others = new AtomicInteger();
    for (int i = 0; i < CALLS; i++) {
      client
          .resend("id-" + i)
          .onComplete(
              (response, failure) ->
                  (failure instanceof ResendException e && e.failure() == ResendFailure.OVERLOADED
                          ? overloaded
                          : others)
                      .incrementAndGet());
    }
    while (overloaded.get() + others.get() < CALLS) {
      Thread.sleep(10);
    }
    System.out.println("ended: " + overloaded.get() + " overloaded, " + others.get() + " others");
    vertx.close().await();
  }
}
