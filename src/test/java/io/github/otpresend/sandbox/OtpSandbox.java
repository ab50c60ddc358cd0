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
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A simulation of the OTP service in this JVM, for tests. It sends nothing and costs nothing. Its
 * behaviour is documented by the service, except where the javadoc says that it is assumed.
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
 * <p>It answers a request without its token with 401 and no body, and a request for an id without a
 * session with 404 SessionNotFoundException. Sandboxes are independent. A sandbox listens only on
 * localhost, at a free port. It may be used from any thread.
 *
 * <p>It needs WireMock 3 on the class path, and nothing else.
 */
public final class OtpSandbox implements AutoCloseable {
  private static final String PATH = "/api/n/otp-handler";
  private static final Pattern RESEND = Pattern.compile(PATH + "/([^/?]+)/resend(\\?.*)?");

  private final Clock clock;
  private final String token = "sandbox-" + UUID.randomUUID();
  private final ConcurrentMap<String, SandboxSession> sessions = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, Queue<Instant>> requests = new ConcurrentHashMap<>();
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
                .jettyAcceptors(1) // the default is two; with fewer processors Jetty warns of that
                .http2PlainDisabled(true)
                .gzipDisabled(true)
                .useChunkedTransferEncoding(ChunkedEncodingPolicy.NEVER)
                .disableRequestJournal() // the journal would keep the requests with their tokens
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
   * Starts a sandbox that has no sessions.
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
   * Returns the base URL. A client appends {@code /{requestId}/resend}.
   *
   * @return a URL such as {@code http://localhost:40001/api/n/otp-handler}
   */
  public String baseUrl() {
    return baseUrl;
  }

  /**
   * Returns the bearer token. Only this sandbox accepts it.
   *
   * @return the token
   */
  public String token() {
    return token;
  }

  /**
   * Opens a session, or returns the open session of the id. The cooldown of a new session has
   * ended. So its first resend succeeds, and begins a cooldown. During a cooldown, resends are
   * refused with 409 RestartCooldownActiveException. {@link SandboxSession#justSent} begins a
   * cooldown at once.
   *
   * @param requestId the request id, not encoded; it must not be empty
   * @return the session
   */
  public SandboxSession session(String requestId) {
    return sessions.computeIfAbsent(requestId, id -> new SandboxSession(clock));
  }

  /**
   * Returns how many codes would have been sent for a request id. A resend that succeeded counts
   * even if its answer was lost.
   *
   * @param requestId the request id, not encoded
   * @return the number of codes; zero if there is no such session
   */
  public int resends(String requestId) {
    SandboxSession session = sessions.get(requestId);
    return session == null ? 0 : session.resends();
  }

  /**
   * Returns how many requests came for a request id. Refused requests and requests without the
   * token count too.
   *
   * @param requestId the request id, not encoded; it may have no session
   * @return the number of requests
   */
  public int requests(String requestId) {
    return requestTimes(requestId).size();
  }

  /**
   * Returns when the requests for a request id came, the oldest first. {@link #requests} counts the
   * same requests.
   *
   * @param requestId the request id, not encoded; it may have no session
   * @return the times, by the clock of this machine
   */
  public List<Instant> requestTimes(String requestId) {
    return List.copyOf(
        requests.getOrDefault(Objects.requireNonNull(requestId), new ConcurrentLinkedQueue<>()));
  }

  /** Stops listening and closes all connections. The counts remain. Closing again does nothing. */
  @Override
  public void close() {
    server.stop();
  }

  private ResponseDefinition answer(Request request) {
    String id = requestId(request.getUrl());
    requests.computeIfAbsent(id, any -> new ConcurrentLinkedQueue<>()).add(clock.instant());
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
    // in a path, a plus sign is a plus sign; this decoder is for forms, where it is a space
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
