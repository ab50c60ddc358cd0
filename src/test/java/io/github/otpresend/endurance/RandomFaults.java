// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.testing.FaultServer;
import io.vertx.core.Future;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/**
 * A server that injects a fault into one numbered call in ten, and counts the requests of each
 * call. The fault of a call depends only on the seed and its number, not on the order of the calls.
 */
final class RandomFaults implements AutoCloseable {
  /** The timeout of the client. A call without a fault takes much less time. */
  static final Duration TIMEOUT = Duration.ofSeconds(3);

  static final int MAX_RESPONSE_BYTES = 1_024;

  /** The faults, each with its number of calls in 10,000 and the failure that a caller must get. */
  enum Fault {
    RESET(80, ResendFailure.CONNECTION_LOST),
    RESET_AFTER_THE_HEAD(80, ResendFailure.CONNECTION_LOST),
    FIN(80, ResendFailure.CONNECTION_LOST),
    HALF_A_HEAD(80, ResendFailure.CONNECTION_LOST),
    HALF_A_BODY(80, ResendFailure.CONNECTION_LOST),
    GARBAGE(80, ResendFailure.INVALID_RESPONSE),
    CONTENT_LENGTH_TOO_SHORT(60, ResendFailure.INVALID_RESPONSE),
    CONTENT_LENGTH_TOO_LONG(60, ResendFailure.CONNECTION_LOST),
    SERVER_ERROR(80, ResendFailure.SERVER_ERROR),
    REFUSAL(100, null),
    REDIRECT(60, ResendFailure.INVALID_RESPONSE),
    BODY_TOO_LONG(50, ResendFailure.INVALID_RESPONSE),
    SLOW(20, null),
    SUCCESS_THEN_FIN(15, null),
    SUCCESS_THEN_RESET(15, null),
    UNAUTHORIZED_ONCE(25, null),
    UNAUTHORIZED_TWICE(10, ResendFailure.UNAUTHORIZED),
    UNAUTHORIZED_THEN_RESET(10, ResendFailure.CONNECTION_LOST),
    // the next three are rare because each occupies a connection until the deadline
    SILENCE(5, ResendFailure.TIMEOUT),
    BYTE_BY_BYTE(5, ResendFailure.TIMEOUT),
    AT_THE_DEADLINE(5, ResendFailure.TIMEOUT), // or a success if the answer is just in time
    NONE(9_000, null);

    private final int weight;
    private final @Nullable ResendFailure outcome;

    Fault(int weight, @Nullable ResendFailure outcome) {
      this.weight = weight;
      this.outcome = outcome;
    }

    boolean startsWithUnauthorized() {
      return this == UNAUTHORIZED_ONCE
          || this == UNAUTHORIZED_TWICE
          || this == UNAUTHORIZED_THEN_RESET;
    }
  }

  private static final List<ResendFailure> REFUSALS =
      List.of(
          ResendFailure.RESEND_CHANNEL,
          ResendFailure.ATTEMPTS_EXPIRED,
          ResendFailure.NO_AVAILABLE_CHANNELS,
          ResendFailure.FORBIDDEN,
          ResendFailure.SESSION_NOT_FOUND,
          ResendFailure.RESTART_COOLDOWN_ACTIVE,
          ResendFailure.SESSION_ALREADY_CONFIRMED,
          ResendFailure.RATE_LIMITED);

  private final long seed;
  private final AtomicIntegerArray received;
  private final AtomicInteger tokensUsedTwice = new AtomicInteger();
  private final Map<Integer, String> rejectedTokens = new ConcurrentHashMap<>();

  /** The peers that wait for the next request. The set does not keep peers that have ended. */
  private final Set<FaultServer.Peer> idle =
      Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

  private final FaultServer server;

  /** Starts a server for calls whose request ids are the numbers below {@code calls}. */
  RandomFaults(long seed, int calls) {
    this.seed = seed;
    received = new AtomicIntegerArray(calls);
    server = FaultServer.onCountlessRequests(this::serve);
  }

  /** Returns the options of a client of this server. */
  OtpResendOptions options() {
    return new OtpResendOptions()
        .setBaseUrl(server.baseUrl())
        .setTimeout(TIMEOUT)
        .setMaxResponseBytes(MAX_RESPONSE_BYTES);
  }

  /** Returns a provider that provides another token after the current token was rejected. */
  static TokenProvider tokens() {
    AtomicInteger current = new AtomicInteger();
    return new TokenProvider() {
      @Override
      public Future<String> token() {
        return Future.succeededFuture("secret-token-" + current);
      }

      @Override
      public void rejected(String token) {
        int number = Integer.parseInt(token.substring(token.lastIndexOf('-') + 1));
        current.compareAndSet(number, number + 1);
      }
    };
  }

  /** Returns how many requests of this call the server has read. */
  int timesReceived(int call) {
    return received.get(call);
  }

  /** Returns how many calls sent their request again with the rejected token. */
  int tokensUsedTwice() {
    return tokensUsedTwice.get();
  }

  /** Closes the connections that wait for the next request. */
  void closeIdleConnections() {
    for (FaultServer.Peer peer : idle.toArray(new FaultServer.Peer[0])) {
      try {
        peer.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  int openConnections() {
    return server.openConnections();
  }

  /** Returns the fault of this call. */
  Fault faultOf(int call) {
    int number = random(call).nextInt(10_000);
    for (Fault fault : Fault.values()) {
      number -= fault.weight;
      if (number < 0) {
        return fault;
      }
    }
    return Fault.NONE;
  }

  /** Returns the expected failure of this call if nothing else fails; null is a success. */
  @Nullable ResendFailure outcomeOf(int call) {
    Fault fault = faultOf(call);
    return fault == Fault.REFUSAL ? REFUSALS.get(variant(call, REFUSALS.size())) : fault.outcome;
  }

  private SplittableRandom random(int call) {
    return new SplittableRandom(seed + call * 0x9E3779B97F4A7C15L);
  }

  private int variant(int call, int variants) {
    SplittableRandom random = random(call);
    random.nextInt(10_000); // skips the number that chose the fault
    return random.nextInt(variants);
  }

  @Override
  public void close() {
    server.close();
  }

  private void serve(FaultServer.Peer peer) throws IOException {
    idle.remove(peer);
    answer(peer);
    idle.add(peer);
  }

  private void answer(FaultServer.Peer peer) throws IOException {
    String head = peer.head();
    int call = Integer.parseInt(between(head, "/api/", "/resend"));
    int attempt = received.incrementAndGet(call);
    Fault fault = faultOf(call);
    if (fault.startsWithUnauthorized()) {
      String token = between(head, "Bearer ", "\r\n");
      if (attempt == 1) {
        rejectedTokens.put(call, token);
        peer.write(FaultServer.response(401, ""));
        return;
      } else if (token.equals(rejectedTokens.remove(call))) {
        tokensUsedTwice.incrementAndGet();
      }
    }
    switch (fault) {
      case RESET, UNAUTHORIZED_THEN_RESET -> peer.reset();
      case RESET_AFTER_THE_HEAD -> {
        peer.write(cut(FaultServer.SUCCESS.indexOf('{')));
        peer.reset();
      }
      case FIN -> peer.close();
      case HALF_A_HEAD -> {
        peer.write(cut(variant(call, FaultServer.SUCCESS.indexOf('{') - 1) + 1));
        peer.close();
      }
      case HALF_A_BODY, CONTENT_LENGTH_TOO_LONG -> {
        peer.write(
            fault == Fault.HALF_A_BODY
                ? cut(FaultServer.SUCCESS.length() - 5)
                : FaultServer.SUCCESS.replace("Length: 16", "Length: 17"));
        peer.close();
      }
      case GARBAGE -> {
        peer.write("garbage\r\n\r\n");
        peer.silence();
      }
      // the last byte of the body remains in the connection, before the next answer
      case CONTENT_LENGTH_TOO_SHORT ->
          peer.write(FaultServer.SUCCESS.replace("Length: 16", "Length: 15"));
      case SERVER_ERROR -> peer.write(FaultServer.response(500 + variant(call, 5), "<html>"));
      case REFUSAL -> {
        ResendFailure refusal = REFUSALS.get(variant(call, REFUSALS.size()));
        peer.write(
            FaultServer.response(refusal.httpStatus(), "{\"type\":\"" + refusal.type() + "\"}"));
      }
      case REDIRECT ->
          peer.write(
              FaultServer.response(
                  List.of(301, 302, 303, 307, 308).get(variant(call, 5)),
                  "Location: /api/" + call + "/resend",
                  ""));
      case BODY_TOO_LONG ->
          peer.write(FaultServer.response(201, " ".repeat(4 * MAX_RESPONSE_BYTES)));
      case SLOW -> {
        pause(TIMEOUT.dividedBy(50));
        peer.write(FaultServer.SUCCESS);
      }
      case SUCCESS_THEN_FIN, SUCCESS_THEN_RESET -> {
        peer.write(FaultServer.SUCCESS);
        if (fault == Fault.SUCCESS_THEN_FIN) {
          peer.close();
        } else {
          peer.reset();
        }
      }
      case UNAUTHORIZED_ONCE, NONE -> peer.write(FaultServer.SUCCESS);
      case UNAUTHORIZED_TWICE -> peer.write(FaultServer.response(401, ""));
      case SILENCE -> peer.silence();
      case BYTE_BY_BYTE -> {
        peer.write(variant(call, 2) == 0 ? "HTTP/1.1 201 " : "HTTP/1.1 201 Created\r\nX: ");
        while (true) { // until the client closes the connection
          pause(TIMEOUT.dividedBy(20));
          peer.write("x");
        }
      }
      case AT_THE_DEADLINE -> {
        pause(TIMEOUT.minusMillis(variant(call, 10)));
        peer.write(FaultServer.SUCCESS);
      }
    }
  }

  private static String cut(int length) {
    return FaultServer.SUCCESS.substring(0, length);
  }

  private static String between(String text, String before, String after) {
    int begin = text.indexOf(before) + before.length();
    return text.substring(begin, text.indexOf(after, begin));
  }

  private static void pause(Duration duration) throws IOException {
    try {
      Thread.sleep(duration.toMillis());
    } catch (InterruptedException e) {
      throw new InterruptedIOException();
    }
  }
}
