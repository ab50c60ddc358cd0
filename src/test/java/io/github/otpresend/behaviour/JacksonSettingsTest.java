// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.ser.DefaultSerializerProvider;
import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.core.json.jackson.DatabindCodec;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An application that changes the settings of the mapper with which Vert.x writes JSON. */
@Isolated("the mapper belongs to all code of this JVM")
class JacksonSettingsTest {
  private static final String ANSWER =
      FaultServer.response(
              409,
              """
              {"type":"RestartCooldownActiveException","message":"",\
              "payload":{"a":"","b":[],"c":{},"d":0,"e":false,"f":1.50}}\
              """)
          .replace("\r\n\r\n", "\r\nRetry-After: 7\r\n\r\n");

  /** A change of the settings. */
  enum Settings {
    NON_EMPTY(mapper -> mapper.setSerializationInclusion(JsonInclude.Include.NON_EMPTY)),
    NON_DEFAULT(
        mapper ->
            mapper.setDefaultPropertyInclusion(
                JsonInclude.Value.construct(
                    JsonInclude.Include.NON_DEFAULT, JsonInclude.Include.NON_DEFAULT))),
    NUMBERS_AS_STRINGS(
        mapper ->
            mapper.configure(JsonWriteFeature.WRITE_NUMBERS_AS_STRINGS.mappedFeature(), true)),
    INDENTED(mapper -> mapper.enable(SerializationFeature.INDENT_OUTPUT));

    final Consumer<ObjectMapper> change;

    Settings(Consumer<ObjectMapper> change) {
      this.change = change;
    }

    void undo(ObjectMapper mapper) {
      mapper.setDefaultPropertyInclusion(JsonInclude.Value.empty());
      mapper.configure(JsonWriteFeature.WRITE_NUMBERS_AS_STRINGS.mappedFeature(), false);
      mapper.disable(SerializationFeature.INDENT_OUTPUT);
    }
  }

  /** The mapper keeps serializers with the settings of their first use. */
  private static void flush(ObjectMapper mapper) {
    ((DefaultSerializerProvider) mapper.getSerializerProvider()).flushCachedSerializers();
  }

  @ParameterizedTest
  @EnumSource
  void the_outcome_is_the_same_everywhere(Settings settings) {
    ObjectMapper mapper = DatabindCodec.mapper();
    Vertx vertx = Vertx.vertx();
    CountDownLatch answer = new CountDownLatch(1);
    try (FaultServer server =
        FaultServer.onRequest(
            peer -> {
              peer.await(answer);
              peer.write(ANSWER);
            })) {
      settings.change.accept(mapper);
      flush(mapper);
      OtpResendOptions options = server.options().setCooldown(Duration.ofMinutes(1));
      OtpResendClient client = OtpResendClient.create(vertx, options);
      await(EventBusAdapter.register(vertx, options.getAddress(), client));
      Future<ResendResponse> direct = client.resend("id");
      eventually("it is sent", () -> server.requests().size() == 1);
      Future<ResendResponse> sharing = client.resend("id");
      Future<ResendResponse> overBus = OtpResendClient.overEventBus(vertx).resend("id");
      // it is handled on the client's event loop after the calls
      causeOf(vertx.eventBus().request(options.getAddress(), ".."));
      answer.countDown();
      for (Future<ResendResponse> call : List.of(direct, sharing, overBus)) {
        ResendException failure = failureOf(call);
        assertEquals(ResendFailure.RESTART_COOLDOWN_ACTIVE, failure.failure(), settings.name());
        assertEquals("", failure.getMessage());
        assertEquals(Duration.ofSeconds(7), failure.retryAfter().orElseThrow());
        JsonObject payload = (JsonObject) failure.payload().orElseThrow();
        assertEquals(List.of("a", "b", "c", "d", "e", "f"), List.copyOf(payload.fieldNames()));
      }
      assertEquals(1, server.requests().size());
    } finally {
      settings.undo(mapper);
      flush(mapper);
      await(vertx.close());
    }
  }
}
