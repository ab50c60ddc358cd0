// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.sandbox;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.post;
import static com.github.tomakehurst.wiremock.client.WireMock.urlPathMatching;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.options;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.core.Options.ChunkedEncodingPolicy;
import com.github.tomakehurst.wiremock.extension.ResponseDefinitionTransformerV2;
import com.github.tomakehurst.wiremock.http.Request;
import com.github.tomakehurst.wiremock.http.ResponseDefinition;
import com.github.tomakehurst.wiremock.stubbing.ServeEvent;
import java.net.URLDecoder;
import java.time.Clock;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The OTP service's behaviour, in this JVM, for tests: nothing is sent, nothing costs. What it does
 * is documented by the service, except where the javadoc says that it is assumed.
 *
 * <pre>{@code
 * try (OtpSandbox sandbox = OtpSandbox.start()) {
 *   sandbox.session("4711");
 *   // POST {sandbox.baseUrl()}/4711/resend with the bearer sandbox.token():
 *   // 201 {"success":true}, and then 409 RestartCooldownActiveException for 60 s
 *   assertEquals(1, sandbox.resends("4711"));
 * }
 * }</pre>
 *
 * <p>A request without the sandbox's token is answered with 401 and no body, one for an id without
 * a session with 404 SessionNotFoundException. Sandboxes know nothing of each other. A sandbox
 * listens on localhost alone, at a free port, and may be used from any thread.
 *
 * <p>It needs WireMock 3 and nothing else.
 */
public final class OtpSandbox implements AutoCloseable {
  private static final String PATH = "/api/n/otp-handler";
  private static final Pattern RESEND = Pattern.compile(PATH + "/([^/?]+)/resend(\\?.*)?");

  private final Clock clock;
  private final String token = "sandbox-" + UUID.randomUUID();
  private final ConcurrentMap<String, SandboxSession> sessions = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, Integer> requests = new ConcurrentHashMap<>();
  private final WireMockServer server;
  private final String baseUrl;

  private OtpSandbox(Clock clock) {
    this.clock = clock;
    Resends resends = new Resends();
    server =
        new WireMockServer(
            options()
                .bindAddress("localhost")
                .dynamicPort()
                .jettyAcceptors(
                    1) // by default two, which it warns of where there are fewer processors
                .http2PlainDisabled(true)
                .gzipDisabled(true)
                .useChunkedTransferEncoding(ChunkedEncodingPolicy.NEVER)
                .disableRequestJournal() // it would keep the requests, tokens included
                .extensions(resends));
    server.stubFor(any(anyUrl()).atPriority(2).willReturn(aResponse().withStatus(404)));
    server.stubFor(
        post(urlPathMatching(PATH + "/[^/]+/resend"))
            .atPriority(1)
            .willReturn(aResponse().withTransformers(resends.getName())));
    server.start();
    baseUrl = "http://localhost:" + server.port() + PATH;
  }

  /**
   * Starts a sandbox without sessions.
   *
   * @return the sandbox, which already listens
   */
  public static OtpSandbox start() {
    return start(Clock.systemUTC());
  }

  static OtpSandbox start(Clock clock) {
    return new OtpSandbox(clock);
  }

  /**
   * Returns the base URL, which is what the service's {@code /{requestId}/resend} is appended to.
   *
   * @return such as {@code http://localhost:40001/api/n/otp-handler}
   */
  public String baseUrl() {
    return baseUrl;
  }

  /**
   * Returns the bearer token that this sandbox, and no other one, accepts.
   *
   * @return the token
   */
  public String token() {
    return token;
  }

  /**
   * Opens a session, or returns the one that was opened before. A new one is a session whose first
   * cooldown is over, so that its first resend succeeds; further ones are refused with 409
   * RestartCooldownActiveException until the cooldown is over, and so on. {@link
   * SandboxSession#justSent} makes it one whose first code has just gone out.
   *
   * @param requestId any text that is not empty; it is compared with the decoded one of a request
   * @return the session
   */
  public SandboxSession session(String requestId) {
    return sessions.computeIfAbsent(requestId, id -> new SandboxSession(clock));
  }

  /**
   * Returns how many codes would have gone out for a request id: the resends that succeeded,
   * whether or not their answer arrived.
   *
   * @param requestId the id, not encoded
   * @return zero if there is no such session
   */
  public int resends(String requestId) {
    SandboxSession session = sessions.get(requestId);
    return session == null ? 0 : session.resends();
  }

  /**
   * Returns how many requests have come for a request id, refused ones and those without the token
   * included.
   *
   * @param requestId the id, not encoded; it needs no session
   * @return the number of requests
   */
  public int requests(String requestId) {
    return requests.getOrDefault(Objects.requireNonNull(requestId), 0);
  }

  /** Stops listening and closes all connections. The counts remain. Closing twice does no harm. */
  @Override
  public void close() {
    server.stop();
  }

  private ResponseDefinition answer(Request request) {
    String id = requestId(request.getUrl());
    requests.merge(id, 1, Integer::sum);
    if (!("Bearer " + token).equals(request.getHeader("Authorization"))) {
      return aResponse().withStatus(401).build();
    }
    SandboxSession session = sessions.get(id);
    return session == null ? SessionState.SESSION_NOT_FOUND.response().build() : session.resend();
  }

  private static String requestId(String url) {
    Matcher resend = RESEND.matcher(url);
    if (!resend.matches()) {
      throw new IllegalStateException("Not the path of a resend");
    }
    // a plus sign in a path is one; the decoder is that of forms, where it is a space
    return URLDecoder.decode(resend.group(1).replace("+", "%2B"), UTF_8);
  }

  private final class Resends implements ResponseDefinitionTransformerV2 {
    @Override
    public ResponseDefinition transform(ServeEvent event) {
      return answer(event.getRequest());
    }

    @Override
    public String getName() {
      return "resends";
    }

    @Override
    public boolean applyGlobally() {
      return false;
    }
  }
}
