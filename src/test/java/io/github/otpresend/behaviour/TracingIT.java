// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.eventually;
import static io.github.otpresend.testing.Calls.failureOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.TestCluster;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Scope;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.vertx.core.Context;
import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.ThreadingModel;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;
import io.vertx.core.tracing.TracingPolicy;
import io.vertx.ext.web.client.WebClientOptions;
import io.vertx.tracing.opentelemetry.OpenTelemetryTracingFactory;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * One trace from the caller on one node to the HTTP request of another node, with the tracing of
 * Vert.x.
 */
class TracingIT {
  private static final String ID = "request-4711";
  private static final AttributeKey<String> NODE = AttributeKey.stringKey("service.name");
  private static final AttributeKey<String> URL = AttributeKey.stringKey("url.full");

  /**
   * Right after an undeployment, a message may be sent to a node that no longer serves the address.
   */
  private static final DeliveryOptions ANY_NODE = new DeliveryOptions().setSendTimeout(5_000);

  private static final Exporter SPANS = new Exporter();
  private static final OpenTelemetrySdk OF_ASKER = telemetry("caller");

  private static Vertx caller;
  private static Vertx server;

  /** The address of this case. So the verticles of earlier cases may stay until the node closes. */
  private final String address = "otp.resend." + UUID.randomUUID();

  private FaultServer service;

  /** Collects the ended spans of both nodes. */
  private static final class Exporter implements SpanExporter {
    private final List<SpanData> spans = new CopyOnWriteArrayList<>();

    @Override
    public CompletableResultCode export(Collection<SpanData> ended) {
      spans.addAll(ended);
      return CompletableResultCode.ofSuccess();
    }

    @Override
    public CompletableResultCode flush() {
      return CompletableResultCode.ofSuccess();
    }

    @Override
    public CompletableResultCode shutdown() {
      return CompletableResultCode.ofSuccess();
    }
  }

  @BeforeAll
  static void start() {
    TestCluster cluster = new TestCluster();
    server = node(cluster, telemetry("server"));
    caller = node(cluster, OF_ASKER);
  }

  @AfterAll
  static void stop() {
    await(caller.close());
    await(server.close());
  }

  @BeforeEach
  void serve() {
    SPANS.spans.clear();
    service = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS));
  }

  @AfterEach
  void unserve() {
    service.close();
  }

  private static OpenTelemetrySdk telemetry(String node) {
    return OpenTelemetrySdk.builder()
        .setTracerProvider(
            SdkTracerProvider.builder()
                .setResource(Resource.create(Attributes.of(NODE, node)))
                .addSpanProcessor(SimpleSpanProcessor.create(SPANS))
                .build())
        .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
        .build();
  }

  private static Vertx node(TestCluster cluster, OpenTelemetrySdk telemetry) {
    return cluster.join(
        Vertx.builder().withTracer(new OpenTelemetryTracingFactory(telemetry)),
        new VertxOptions(),
        UnaryOperator.identity());
  }

  private OtpResendOptions options() {
    return service.options().setAddress(address);
  }

  private String deploy(OtpResendVerticle verticle, DeploymentOptions how) {
    String deployment = await(server.deployVerticle(verticle, how));
    eventually(
        "the caller's node has the registration",
        () -> probe(caller, ANY_NODE).failureCode() == 400);
    return deployment;
  }

  private String deploy() {
    return deploy(new OtpResendVerticle(options()), new DeploymentOptions());
  }

  private OtpResendClient asker() {
    return OtpResendClient.overEventBus(caller, new OtpResendOptions().setAddress(address));
  }

  /** Makes a call on the calling node within a span that ends with the call. */
  private static <T> Future<T> traced(Supplier<Future<T>> call) {
    return traced(caller, call);
  }

  private static <T> Future<T> traced(Vertx vertx, Supplier<Future<T>> call) {
    Promise<T> outcome = Promise.promise();
    Context context = vertx.getOrCreateContext();
    context.runOnContext(
        v -> {
          Span span = OF_ASKER.getTracer("test").spanBuilder("requester").startSpan();
          Scope scope = span.makeCurrent();
          call.get()
              .onComplete(
                  done -> {
                    scope.close();
                    span.end();
                    outcome.handle(done);
                  });
        });
    return outcome.future();
  }

  private static SpanData ended(String name, SpanKind kind) {
    eventually(
        "a span " + kind + " " + name + " has ended",
        () -> SPANS.spans.stream().anyMatch(s -> s.getName().equals(name) && s.getKind() == kind));
    List<SpanData> found =
        SPANS.spans.stream().filter(s -> s.getName().equals(name) && s.getKind() == kind).toList();
    assertEquals(1, found.size(), found::toString);
    return found.get(0);
  }

  private static String node(SpanData span) {
    return span.getResource().getAttribute(NODE);
  }

  private static void assertChild(SpanData parent, SpanData child) {
    assertEquals(parent.getTraceId(), child.getTraceId());
    assertEquals(parent.getSpanId(), child.getParentSpanId());
  }

  /**
   * Checks the chain: caller, message sent (one node), message received, HTTP request (the other
   * node).
   */
  private SpanData assertChain() {
    SpanData requester = ended("requester", SpanKind.INTERNAL);
    SpanData sent = ended("send", SpanKind.CLIENT);
    SpanData received = ended("send", SpanKind.SERVER);
    SpanData http = ended("otp-resend", SpanKind.CLIENT);
    assertChild(requester, sent);
    assertChild(sent, received);
    assertChild(received, http);
    assertEquals(List.of("caller", "caller"), List.of(node(requester), node(sent)));
    assertEquals(List.of("server", "server"), List.of(node(received), node(http)));
    assertTrue(
        service
            .requests()
            .get(0)
            .contains("traceparent: 00-" + http.getTraceId() + "-" + http.getSpanId()),
        service.requests().get(0));
    return http;
  }

  @Test
  void a_resend_over_the_event_bus_is_one_trace_across_the_nodes() {
    deploy();
    await(traced(() -> asker().resend(ID)));
    assertChain();
  }

  @Test
  void a_message_in_plain_vertx_is_one_trace_across_the_nodes() {
    deploy();
    await(traced(() -> caller.eventBus().request(address, new JsonObject().put("requestId", ID))));
    assertChain();
  }

  @Test
  void the_request_id_is_in_no_span_name_and_only_in_the_attribute_of_the_url() {
    deploy();
    await(traced(() -> asker().resend(ID)));
    SpanData http = assertChain();
    assertEquals(service.baseUrl() + "/" + ID + "/resend", http.getAttributes().get(URL));
    for (SpanData span : SPANS.spans) {
      assertFalse(span.getName().contains(ID), span::toString);
      span.getAttributes()
          .forEach(
              (key, value) ->
                  assertTrue(key.equals(URL) || !value.toString().contains(ID), key::toString));
      assertFalse(span.toString().contains("secret-token"));
    }
  }

  @Test
  void an_asynchronous_token_does_not_break_the_trace() {
    deploy(
        new OtpResendVerticle(options(), () -> server.timer(20).map("secret-token")),
        new DeploymentOptions());
    await(traced(() -> asker().resend(ID)));
    assertChain();
  }

  @Test
  void a_worker_verticle_does_not_break_the_trace() {
    deploy(
        new OtpResendVerticle(options()),
        new DeploymentOptions().setThreadingModel(ThreadingModel.WORKER));
    await(traced(() -> asker().resend(ID)));
    assertChain();
  }

  @Test
  void a_named_worker_pool_does_not_break_the_trace() {
    deploy(
        new OtpResendVerticle(options()),
        new DeploymentOptions()
            .setThreadingModel(ThreadingModel.WORKER)
            .setWorkerPoolName("own-" + UUID.randomUUID()));
    await(traced(() -> asker().resend(ID)));
    assertChain();
  }

  @Test
  void a_direct_call_is_a_child_of_the_span_of_its_caller() {
    OtpResendClient client = OtpResendClient.create(caller, service.options());
    await(traced(() -> client.resend(ID)));
    assertChild(ended("requester", SpanKind.INTERNAL), ended("otp-resend", SpanKind.CLIENT));
  }

  @Test
  void calls_that_share_a_resend_have_one_http_span() {
    CountDownLatch answer = new CountDownLatch(1);
    try (FaultServer slow =
        FaultServer.onRequest(
            peer -> {
              peer.await(answer);
              peer.write(FaultServer.SUCCESS);
            })) {
      OtpResendClient client =
          OtpResendClient.create(caller, service.options().setBaseUrl(slow.baseUrl()));
      Future<ResendResponse> one = traced(() -> client.resend(ID));
      eventually("it is there", () -> slow.requests().size() == 1);
      CountDownLatch asked = new CountDownLatch(1);
      Future<ResendResponse> other =
          traced(
              () -> {
                Future<ResendResponse> shared = client.resend(ID);
                asked.countDown();
                return shared;
              });
      eventually("the other call has asked for a token", () -> asked.getCount() == 0);
      answer.countDown();
      await(one);
      await(other);
      ended("otp-resend", SpanKind.CLIENT);
    }
  }

  @Test
  void a_caller_without_a_span_starts_no_trace() {
    deploy();
    await(asker().resend(ID));
    assertFalse(service.requests().get(0).contains("traceparent"));
    assertEquals(List.of(), List.copyOf(SPANS.spans));
  }

  @Test
  void a_caller_without_a_span_starts_a_trace_with_the_policy_always() {
    WebClientOptions webClient = new WebClientOptions();
    webClient.setTracingPolicy(TracingPolicy.ALWAYS);
    deploy(new OtpResendVerticle(options().setWebClient(webClient)), new DeploymentOptions());
    await(asker().resend(ID));
    assertFalse(ended("otp-resend", SpanKind.CLIENT).getParentSpanContext().isValid());
  }

  @Test
  void a_failure_ends_the_spans_of_the_trace_too() {
    deploy();
    service.close();
    assertEquals(
        ResendFailure.CONNECTION_FAILED, failureOf(traced(() -> asker().resend(ID))).failure());
    assertChild(ended("requester", SpanKind.INTERNAL), ended("send", SpanKind.CLIENT));
    assertChild(ended("send", SpanKind.CLIENT), ended("send", SpanKind.SERVER));
    assertTrue(SPANS.spans.stream().noneMatch(span -> span.getName().equals("otp-resend")));
  }

  @Test
  void an_empty_message_detects_whether_a_node_serves_the_address() {
    String deployment = deploy();
    DeliveryOptions thisNode = new DeliveryOptions().setLocalOnly(true);
    assertEquals(400, probe(server, thisNode).failureCode());
    assertEquals(ReplyFailure.NO_HANDLERS, probe(caller, thisNode).failureType());
    assertEquals(List.of(), service.requests());
    await(server.undeploy(deployment));
    assertEquals(ReplyFailure.NO_HANDLERS, probe(server, thisNode).failureType());
    eventually(
        "the other node knows",
        () -> probe(caller, ANY_NODE).failureType() == ReplyFailure.NO_HANDLERS);
  }

  private ReplyException probe(Vertx vertx, DeliveryOptions options) {
    return assertInstanceOf(
        ReplyException.class,
        causeOf(vertx.eventBus().request(address, new JsonObject(), options)));
  }
}
