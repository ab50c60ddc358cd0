// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.otpresend.ResendException;
import io.vertx.core.Future;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;

/**
 * The claims of all nodes, in a store that the nodes share. Each operation has an effect only for
 * the owner of the claim. So it may come late by any time, and more than once. A claim that its
 * owner neither cools nor releases ends by itself.
 */
public interface SharedClaims {
  /**
   * A claim of a call on a request id.
   *
   * @param owner the name of the call, unique in the world
   * @param since the time of the claim, in milliseconds since the epoch
   * @param millisInFlight how long after that the call ends at the latest
   * @param cooldownMillis how long the request id is refused after that, if nothing settles the
   *     claim
   */
  record Claim(
      String requestId, String owner, long since, long millisInFlight, long cooldownMillis) {
    /** Hashes the request id, so that a store shows none. */
    String hash(String service) {
      try {
        byte[] id = (service + '\n' + requestId).getBytes(UTF_8);
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(id));
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException(e); // every Java platform has SHA-256
      }
    }
  }

  /**
   * What refuses a claim.
   *
   * @param isInFlight whether a call is in flight, or the service may still be working on it; if
   *     not, the request id is cooling down
   * @param rest how long this will last at the most
   */
  record Refusal(boolean isInFlight, Duration rest) {
    ResendException toFailure() {
      return isInFlight ? LocalClaims.inProgress(rest) : LocalClaims.coolingDown(rest);
    }
  }

  /**
   * Claims a request id, or returns what refuses it. If the future fails, the store may have the
   * claim all the same, so it must be released.
   */
  Future<Optional<Refusal>> claim(Claim claim);

  /**
   * Turns the claim into a cooldown.
   *
   * @param millisInFlight how long the service may still be working on the request; 0 if it has
   *     answered, or the deadline of the call has passed
   * @param millisCooling how long the request id is refused; may be shorter than the former, or 0
   */
  Future<Void> cool(Claim claim, long millisInFlight, long millisCooling);

  /** Ends the claim, because nothing was sent, or without a cooldown. */
  Future<Void> release(Claim claim);

  /** Closes what belongs to these claims alone. */
  default void close() {}
}
