// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.vertx.core.Future;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The claims of several processes, in Redis. A request id has one key. Each operation is one
 * script, which Redis runs as one step. Redis measures the times to live and the times left, so the
 * clocks of the processes do not count.
 */
public final class RedisClaims implements SharedClaims {
  private static final String PREFIX = "io.github.otpresend:";

  /** Claims the key, or returns its time left in milliseconds, a space, and its value. */
  static final String CLAIM =
      """
      local held = redis.call('GET', KEYS[1])
      if not held then
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
      elseif held ~= ARGV[1] then
        return redis.call('PTTL', KEYS[1]) .. ' ' .. held
      end
      return false
      """;

  static final String COOL =
      """
      if redis.call('GET', KEYS[1]) == ARGV[1] then
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
      end
      return false
      """;

  static final String RELEASE =
      """
      if redis.call('GET', KEYS[1]) == ARGV[1] then
        redis.call('DEL', KEYS[1])
      end
      return false
      """;

  private final Scripts scripts;
  private final String service;

  /** What runs the scripts. */
  public interface Scripts {
    /** Runs a script on one key. Returns its text, or null if it returns none. */
    Future<@Nullable String> run(String script, String key, List<String> arguments);

    void close();
  }

  /**
   * @param service the name of the service to which the request ids belong
   */
  public RedisClaims(Scripts scripts, String service) {
    this.scripts = scripts;
    this.service = service;
  }

  /** Throws an exception if the application lacks the Redis client. */
  public static void checkClient() {
    try {
      Class.forName("io.vertx.redis.client.Redis", false, RedisClaims.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new IllegalArgumentException(
          "redis is set, but the application lacks io.vertx:vertx-redis-client", e);
    }
  }

  @Override
  public Future<Optional<Refusal>> claim(Claim claim) {
    long timeToLive = claim.millisInFlight() + claim.cooldownMillis();
    return run(CLAIM, claim, held(claim), "" + timeToLive)
        .map(other -> Optional.ofNullable(other).map(RedisClaims::refusal));
  }

  /** Decodes the time left, and the value of {@link #held} or {@link #cool}. */
  private static Refusal refusal(String other) {
    String[] parts = other.split(" ", 4);
    long left = Long.parseLong(parts[0]);
    long cooling = Long.parseLong(parts[2]);
    boolean isInFlight = left > cooling;
    return new Refusal(
        isInFlight, Duration.ofMillis(Math.max(1, isInFlight ? left - cooling : left)));
  }

  @Override
  public Future<Void> cool(Claim claim, long millisInFlight, long millisCooling) {
    String cooling = "cooling " + Math.max(0, millisCooling - millisInFlight) + ' ' + claim.owner();
    long timeToLive = Math.max(1, Math.max(millisInFlight, millisCooling)); // Redis refuses 0
    return run(COOL, claim, held(claim), cooling, "" + timeToLive).mapEmpty();
  }

  @Override
  public Future<Void> release(Claim claim) {
    return run(RELEASE, claim, held(claim)).mapEmpty();
  }

  @Override
  public void close() {
    scripts.close();
  }

  /** The value of a claim: how much of its time to live is a cooldown, and the owner. */
  private static String held(Claim claim) {
    return "held " + claim.cooldownMillis() + ' ' + claim.owner();
  }

  private Future<@Nullable String> run(String script, Claim claim, String... arguments) {
    return scripts.run(script, PREFIX + claim.hash(service), List.of(arguments));
  }
}
