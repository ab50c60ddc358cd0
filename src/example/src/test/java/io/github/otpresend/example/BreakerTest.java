// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.github.tomakehurst.wiremock.http.Fault;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.example.recipes.Breaker;
import io.github.otpresend.sandbox.OtpSandbox;
import io.github.otpresend.sandbox.SessionState;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The recipe with a circuit breaker. */
@ExtendWith(VertxExtension.class)
class BreakerTest {
  private final OtpSandbox sandbox = OtpSandbox.start();
  private Vertx vertx;
  private OtpResendClient client;

  @BeforeEach
  void start(Vertx vertx) {
    this.vertx = vertx;
    client = OtpResendClient.create(vertx, options());
    sandbox.session("open");
    sandbox.session("refused").inState(SessionState.ATTEMPTS_EXPIRED);
  }

  @AfterEach
  void stop() {
    sandbox.close();
  }

  private OtpResendOptions options() {
    return new OtpResendOptions().setBaseUrl(sandbox.baseUrl()).setToken(sandbox.token());
  }

  private static ResendFailure failureOf(Future<?> resend) {
    return assertThrows(ResendException.class, () -> resend.await(30, TimeUnit.SECONDS)).failure();
  }

  @Test
  void the_circuit_breaker_opens_if_the_service_is_down_and_not_for_refusals() throws Exception {
    Breaker breaker = new Breaker(vertx, client);
    for (int i = 0; i < 10; i++) {
      assertEquals(ResendFailure.ATTEMPTS_EXPIRED, failureOf(breaker.resend("refused")));
    }
    for (int i = 0; i < 5; i++) {
      sandbox.session("lost-" + i).fault(Fault.CONNECTION_RESET_BY_PEER);
      assertEquals(ResendFailure.CONNECTION_LOST, failureOf(breaker.resend("lost-" + i)));
    }
    ResendException open =
        assertThrows(
            ResendException.class, () -> breaker.resend("open").await(30, TimeUnit.SECONDS));
    assertEquals(ResendFailure.CONNECTION_FAILED, open.failure());
    assertFalse(open.maybeSent());
    assertEquals(0, sandbox.requests("open"));
  }

  @Test
  void the_circuit_breaker_opens_if_the_service_is_silent() throws Exception {
    sandbox.session("silent").delay(Duration.ofMinutes(1));
    OtpResendOptions options = options().setTimeout(Duration.ofMillis(2_500));
    Breaker breaker = new Breaker(vertx, OtpResendClient.create(vertx, options));
    for (int i = 0; i < 5; i++) { // one after the other, for longer than ten seconds
      assertEquals(ResendFailure.TIMEOUT, failureOf(breaker.resend("silent")));
    }
    assertEquals(ResendFailure.CONNECTION_FAILED, failureOf(breaker.resend("open")));
    assertEquals(0, sandbox.requests("open"));
  }
}
