// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.TestCluster;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxBuilder;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.micrometer.Label;
import io.vertx.micrometer.MicrometerMetricsFactory;
import io.vertx.micrometer.MicrometerMetricsOptions;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The Micrometer metrics of Vert.x for resends, and the number of their series. */
class MetricsIT {
  private static final int IDS = 10_000;
  private static final int AT_ONCE = 500;

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private Vertx vertx = vertx(Label.EB_ADDRESS);

  private Vertx vertx(Label... labels) {
    return measured().with(options(labels)).build();
  }

  private VertxBuilder measured() {
    return Vertx.builder().withMetrics(new MicrometerMetricsFactory(registry));
  }

  private static VertxOptions options(Label... labels) {
    MicrometerMetricsOptions metrics =
        new MicrometerMetricsOptions()
            .setRegistryName(UUID.randomUUID().toString())
            .addLabels(Label.CLIENT_NAME) // the default since Vert.x 5.2
            .addLabels(labels);
    metrics.setEnabled(true);
    return new VertxOptions().setMetricsOptions(metrics);
  }

  @AfterEach
  void stop() {
    await(vertx.close());
  }

  private Set<String> series() {
    return registry.getMeters().stream()
        .map(Meter::getId)
        .map(id -> id.getName() + id.getTags())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Sends messages for a range of request ids, some at a time. */
  private void ask(int from, int to) {
    OtpResendClient client = OtpResendClient.overEventBus(vertx);
    for (int start = from; start < to; start += AT_ONCE) {
      await(
          Future.all(
              IntStream.range(start, Math.min(to, start + AT_ONCE))
                  .mapToObj(i -> client.resend("request-" + i))
                  .toList()));
    }
  }

  @Test
  void ten_thousand_request_ids_make_no_more_series_than_one_and_are_in_no_label() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      await(vertx.deployVerticle(new OtpResendVerticle(server.options())));
      ask(0, 1);
      eventually("the first is counted", () -> responses("otp-resend", "201") == 1);
      Set<String> ofOne = series();
      ask(1, IDS);
      eventually("all are counted", () -> responses("otp-resend", "201") == IDS);

      assertEquals(ofOne, series());
      assertFalse(ofOne.toString().contains("request-"), ofOne::toString);
      assertEquals(IDS, server.requests().size());
    }
  }

  @Test
  void ten_thousand_request_ids_make_no_more_series_on_two_nodes() {
    await(vertx.close());
    TestCluster cluster = new TestCluster();
    vertx = cluster.join(measured(), options(Label.EB_ADDRESS), UnaryOperator.identity());
    Vertx serving = cluster.join(measured(), options(Label.EB_ADDRESS), UnaryOperator.identity());
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      OtpResendOptions patient = // the cluster-wide map may be slow on a busy machine
          server.options().setConnectTimeout(OtpResendOptions.DEFAULT_TIMEOUT);
      await(serving.deployVerticle(new OtpResendVerticle(patient)));
      ask(0, 1);
      eventually("the first is counted", () -> responses("otp-resend", "201") == 1);
      Set<String> ofOne = series();
      ask(1, AT_ONCE);
      eventually("all are counted", () -> responses("otp-resend", "201") == AT_ONCE);
      Set<String> ofAll = series();
      ofAll.removeIf(
          name -> name.contains("__vertx_ping")); // the event bus sends a ping every 20 s
      assertEquals(ofOne, ofAll);
    } finally {
      await(serving.close());
    }
  }

  private double responses(String clientName, String code) {
    Counter counter =
        registry
            .find("vertx.http.client.responses")
            .tags("client_name", clientName, "code", code)
            .counter();
    return counter == null ? 0 : counter.count();
  }

  @Test
  void the_metrics_name_of_the_options_is_kept() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      WebClientOptions webClient = new WebClientOptions();
      webClient.setMetricsName("codes");
      OtpResendClient client =
          OtpResendClient.create(vertx, server.options().setWebClient(webClient));
      await(client.resend("id"));
      eventually("it is counted", () -> responses("codes", "201") == 1);
      assertEquals(0, responses("otp-resend", "201"));
    }
  }

  @Test
  void messages_are_counted_by_address() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      await(vertx.deployVerticle(new OtpResendVerticle(server.options())));
      ask(0, 3);
      causeOf(vertx.eventBus().request("otp.resend", new JsonObject()));
      eventually("all are processed", () -> messages("processed") == 4);
      assertEquals(4, messages("sent"));
      assertEquals(4, messages("received"));
      assertEquals(
          1, registry.get("vertx.eventbus.handlers").tag("address", "otp.resend").gauge().value());
    }
  }

  private double messages(String what) {
    Counter counter =
        registry
            .find("vertx.eventbus." + what)
            .tags("address", "otp.resend", "side", "local")
            .counter();
    return counter == null ? 0 : counter.count();
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  void an_exchange_that_is_aborted_is_no_longer_active() {
    try (FaultServer server = FaultServer.onRequest(FaultServer.Peer::silence)) {
      OtpResendClient client =
          OtpResendClient.create(vertx, server.options().setTimeout(Duration.ofSeconds(2)));
      Future<ResendResponse> silent = client.resend("id");
      eventually("it is there", () -> server.requests().size() == 1);
      assertEquals(1, active());
      assertEquals(ResendFailure.TIMEOUT, failureOf(silent).failure());
      eventually("none is active", () -> active() == 0);
    }
  }

  private double active() {
    return registry
        .get("vertx.http.client.active.requests")
        .tag("client_name", "otp-resend")
        .gauge()
        .value();
  }

  @Test
  void the_optional_label_of_the_path_contains_the_request_id() {
    await(vertx.close());
    vertx = vertx(Label.HTTP_PATH);
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      await(OtpResendClient.create(vertx, server.options()).resend("request-1"));
      eventually(
          "it is a series of its own",
          () -> series().toString().contains("tag(path=/api/request-1/resend)"));
    }
  }
}
