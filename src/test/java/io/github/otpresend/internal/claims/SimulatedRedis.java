// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.vertx.core.Future;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A Redis that runs the scripts of the claims, each as one step. */
final class SimulatedRedis extends SimulatedStore {
  SimulatedRedis(Simulation simulation) {
    super(simulation);
  }

  @Override
  SharedClaims claims(SimulatedNode node, String nodeId) {
    return new RedisClaims(
        new RedisClaims.Scripts() {
          @Override
          public Future<@Nullable String> run(String script, String key, List<String> arguments) {
            return node.operation(
                name(script), () -> take(script, key, arguments.get(0), arguments));
          }

          @Override
          public void close() {}
        },
        "service");
  }

  @Override
  long clock() {
    return simulation.now();
  }

  private static String name(String script) {
    return script.equals(RedisClaims.CLAIM)
        ? "claim"
        : script.equals(RedisClaims.COOL) ? "cool" : "release";
  }

  private @Nullable String take(String script, String key, String own, List<String> arguments) {
    String held = get(key);
    switch (name(script)) {
      case "claim" -> {
        if (held != null && !held.equals(own)) {
          return left(key) / Schedule.MILLI + " " + held;
        } else if (held == null) {
          put(key, own, Long.parseLong(arguments.get(1)) * Schedule.MILLI);
        }
      }
      case "cool" -> {
        if (own.equals(held)
            || simulation.bug == Bug.LATE_OWNER_WRITES
            || (held != null && simulation.bug == Bug.COOLDOWN_IS_SHORTENED)) {
          put(key, arguments.get(1), Long.parseLong(arguments.get(2)) * Schedule.MILLI);
        }
      }
      default -> {
        if (own.equals(held) || simulation.bug == Bug.RELEASE_OF_OTHERS) {
          remove(key);
        }
      }
    }
    return null;
  }
}
