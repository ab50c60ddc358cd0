// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.call;
import static io.github.otpresend.testing.Calls.run;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.testing.Certificates;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.junit5.VertxExtension;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A server that closes TLS after an answer, and leaves TCP open. */
@ExtendWith(VertxExtension.class)
class TlsHalfCloseTest {
  private static final Certificates CERTIFICATES =
      new Certificates().selfSigned("server", "localhost");

  @ParameterizedTest
  @CsvSource({
    "TLSv1.3, false, false",
    "TLSv1.3, false, true",
    "TLSv1.3, true, false",
    "TLSv1.3, true, true",
    "TLSv1.2, false, false",
    "TLSv1.2, false, true",
    "TLSv1.2, true, false",
    "TLSv1.2, true, true",
  })
  void its_connection_is_not_used_again(
      String protocol, boolean rightBehindTheAnswer, boolean overBus, Vertx vertx) {
    Semaphore answered = new Semaphore(0);
    try (FaultServer server =
        FaultServer.onRequest(
            "https",
            CERTIFICATES.server(
                () -> "server",
                "server",
                socket -> socket.setEnabledProtocols(new String[] {protocol})),
            peer -> {
              peer.write(FaultServer.SUCCESS);
              if (!rightBehindTheAnswer) {
                answered.acquireUninterruptibly();
              }
              peer.finish();
              peer.silence();
            })) {
      Context eventLoop = vertx.getOrCreateContext();
      OtpResendClient client = call(eventLoop, () -> client(vertx, server));
      if (overBus) {
        await(EventBusAdapter.register(vertx, OtpResendOptions.DEFAULT_ADDRESS, client));
        client = OtpResendClient.overEventBus(vertx);
      }
      for (int i = 1; i <= 3; i++) {
        assertTrue(await(client.resend("id" + i)).success());
        answered.release();
        server.awaitDisconnected(); // by the client, since the server leaves TCP open
        for (int turn = 0; turn < 2; turn++) {
          run(eventLoop, () -> {}); // the turn in which the client closes has ended after this
        }
        assertEquals(i, server.connections());
      }
    }
  }

  private static OtpResendClient client(Vertx vertx, FaultServer server) {
    return OtpResendClient.create(
        vertx,
        server
            .options()
            .setTimeout(Duration.ofMinutes(1))
            .setConnectTimeout(Duration.ofMinutes(1)) // one attempt, so one connection
            .setKeepAliveTimeout(Duration.ofMinutes(10))
            .setWebClient(new WebClientOptions().setTrustOptions(CERTIFICATES.trust("server"))));
  }
}
