// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.docs;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.github.otpresend.EventBusAdapter;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.EveryFailure;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.junit5.VertxExtension;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The AsyncAPI document agrees with the messages on the event bus. */
@ExtendWith(VertxExtension.class)
class AsyncApiTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final Path FILE = Path.of("src", "site", "resources", "asyncapi.json");

  private Vertx vertx;
  private String address;
  private JsonNode document;

  @BeforeEach
  void start(Vertx vertx) throws Exception {
    this.vertx = vertx;
    document = MAPPER.readTree(FILE.toFile());
    address = document.at("/channels/resend/address").textValue();
  }

  /** Serves the address with a client whose calls have this outcome. */
  private void serve(Future<ResendResponse> outcome) {
    OtpResendClient client =
        new OtpResendClient() {
          @Override
          public Future<ResendResponse> resend(String requestId) {
            return outcome;
          }

          @Override
          public Future<Void> close() {
            return Future.succeededFuture();
          }
        };
    await(EventBusAdapter.register(vertx, address, client));
  }

  private boolean isValid(String schema, @Nullable Object value) throws Exception {
    ObjectNode root = MAPPER.createObjectNode();
    root.put("$ref", "#/components/schemas/" + schema);
    root.set("components", document.get("components"));
    return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V7)
        .getSchema(root)
        .validate(MAPPER.readTree(Json.encode(value)))
        .isEmpty();
  }

  @Test
  void the_address_is_the_default() {
    assertEquals(OtpResendOptions.DEFAULT_ADDRESS, address);
  }

  static Stream<Object> bodies() {
    return Stream.of(
        "4711",
        "a b",
        "x".repeat(256),
        "x".repeat(257),
        "",
        " ",
        ".",
        "..",
        new JsonObject().put("requestId", "4711"),
        new JsonObject().put("requestId", "4711").put("more", 1),
        new JsonObject().put("requestId", ".."),
        new JsonObject().put("requestId", 4711),
        new JsonObject().putNull("requestId"),
        new JsonObject().put("id", "4711"),
        new JsonObject(),
        new JsonArray().add("4711"),
        4711,
        true);
  }

  @ParameterizedTest
  @MethodSource("bodies")
  void a_body_is_valid_exactly_if_it_is_accepted(Object body) throws Exception {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      await(vertx.deployVerticle(new OtpResendVerticle(server.options())));
      Future<?> reply = vertx.eventBus().request(address, body);
      boolean isAccepted = await(reply.map(true).otherwise(false));
      assertEquals(isAccepted, isValid("request", body));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"99999999999999", "0", "-1", "", "soon", "1e9", "99999999999999999999"})
  void a_header_is_valid_exactly_if_it_is_a_time(String expiresAt) throws Exception {
    serve(Future.succeededFuture(new ResendResponse(true)));
    Future<?> reply =
        vertx
            .eventBus()
            .request(address, "4711", new DeliveryOptions().addHeader("expires-at", expiresAt));
    boolean isTime =
        await(
            reply
                .map(true)
                .otherwise(
                    cause ->
                        ResendException.from(cause).failure() != ResendFailure.INVALID_REQUEST));
    assertEquals(isTime, isValid("headers", new JsonObject().put("expires-at", expiresAt)));
  }

  static Stream<ResendResponse> responses() {
    return Stream.of(
        new ResendResponse(true),
        new ResendResponse(false),
        new ResendResponse(true, Optional.of(Duration.ofSeconds(30))));
  }

  @ParameterizedTest
  @MethodSource("responses")
  void a_reply_is_valid(ResendResponse response) throws Exception {
    serve(Future.succeededFuture(response));
    Object reply = await(vertx.eventBus().request(address, "4711")).body();
    assertTrue(isValid("success", reply), reply::toString);
  }

  @ParameterizedTest
  @EnumSource(ResendFailure.class)
  void a_failure_is_valid(ResendFailure kind) throws Exception {
    serve(Future.failedFuture(EveryFailure.of(kind.name())));
    ReplyException reply =
        assertInstanceOf(ReplyException.class, causeOf(vertx.eventBus().request(address, "4711")));
    JsonObject failure = new JsonObject(reply.getMessage());
    assertTrue(isValid("failure", failure), failure::encode);
    assertEquals(reply.failureCode(), failure.getInteger("httpStatus"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"request", "success", "failure"})
  void the_examples_are_valid(String message) throws Exception {
    JsonNode examples = document.at("/components/messages/" + message + "/examples");
    assertTrue(examples.size() > 0);
    for (JsonNode example : examples) {
      assertTrue(isValid(message, Json.decodeValue(example.get("payload").toString())));
    }
  }
}
