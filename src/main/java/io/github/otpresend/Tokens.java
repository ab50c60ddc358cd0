// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * Asks a token provider, which is foreign code: whatever it does, a usable token comes out or a
 * TOKEN_UNAVAILABLE that says nothing of what the provider said, since that may be the token.
 */
final class Tokens {
  private final TokenProvider provider;
  private final DeadlineQueue deadlines;
  private final ConcurrentMap<String, Future<String>> refreshes = new ConcurrentHashMap<>();

  /** The one seen last, which most often comes again. */
  private volatile @Nullable String usable;

  Tokens(TokenProvider provider, DeadlineQueue deadlines) {
    this.provider = provider;
    this.deadlines = deadlines;
  }

  Future<String> ask() {
    Future<String> asked;
    try {
      asked = provider.token();
    } catch (Throwable thrown) {
      return unavailable("threw " + thrown.getClass().getName());
    }
    if (asked == null) {
      return unavailable("returned null in place of a future");
    }
    return asked.isComplete()
        ? checked(asked.result(), asked.cause())
        : asked.transform(this::checked);
  }

  private Future<String> checked(@Nullable String token, @Nullable Throwable failure) {
    if (failure != null) {
      return unavailable("failed with " + failure.getClass().getName());
    } else if (token == null || !token.equals(usable)) {
      if (!OtpResendOptions.isToken(token)) {
        return unavailable("gave no usable token; allowed is " + OtpResendOptions.TOKENS_ALLOWED);
      }
      usable = token;
    }
    return Future.succeededFuture(token);
  }

  /**
   * Asks for a token in place of a rejected one. Whoever does so for the same one shares the
   * answer; a new token is remembered for as long as a 401 to the old one may still be on its way.
   */
  Future<String> askAgain(String rejected) {
    Promise<String> fresh = Promise.promise();
    Future<String> running = refreshes.putIfAbsent(rejected, fresh.future());
    if (running != null) {
      return running;
    }
    // a provider that never answers must not be waited for by all calls to come
    DeadlineQueue.Entry limit =
        deadlines.add(() -> fresh.tryFail(failure("did not answer in time")));
    fresh
        .future()
        .onComplete(
            (token, failure) -> {
              limit.cancel();
              if (failure != null || rejected.equals(token)) {
                refreshes.remove(rejected);
              } else {
                deadlines.add(() -> refreshes.remove(rejected));
              }
            });
    try {
      provider.rejected(rejected);
      ask().onComplete(fresh::tryComplete, fresh::tryFail);
    } catch (Throwable thrown) {
      fresh.tryFail(failure("threw " + thrown.getClass().getName()));
    }
    return fresh.future();
  }

  private static Future<String> unavailable(String what) {
    return Future.failedFuture(failure(what));
  }

  static ResendException failure(String what) {
    return new ResendException(ResendFailure.TOKEN_UNAVAILABLE, "The token provider " + what);
  }
}
