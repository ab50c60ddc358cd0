// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.TokenProvider;
import io.github.otpresend.internal.DeadlineQueue;
import io.github.otpresend.internal.Setting;
import io.vertx.core.Future;
import io.vertx.core.internal.ContextInternal;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of a token provider. The provider is code of the application. Whatever it does, an
 * asker receives a usable token or a TOKEN_UNAVAILABLE. That failure contains no text of the
 * provider, since the text may be the token. This class is used on one event loop only.
 */
final class Tokens {
  private final ContextInternal home;
  private final TokenProvider provider;
  private final DeadlineQueue<Refresh> deadlines;

  /** The refreshes, by rejected token. */
  private final Map<String, Refresh> refreshes = new HashMap<>();

  /** The future that the provider returned last, if it is not complete. */
  private @Nullable Future<String> pending;

  /** The askers that wait for {@link #pending}. One listener serves them all. */
  private Set<Asker> pendingAskers = new LinkedHashSet<>();

  /**
   * The usable token that the provider returned last. Most often it returns the same token again.
   */
  private @Nullable String usable;

  /** A call or a refresh that needs a token. */
  interface Asker {
    /** Receives the token or the failure, whichever is not null. */
    void useToken(@Nullable String token, @Nullable ResendException failure);
  }

  /**
   * @param timeout how long a refresh may take, and how long its token is remembered
   */
  Tokens(ContextInternal home, TokenProvider provider, Duration timeout) {
    this.home = home;
    this.provider = provider;
    deadlines = new DeadlineQueue<>(home, timeout);
  }

  /**
   * Asks the provider for a token. Returns null if the asker has already received the token or the
   * failure, or else the group in which the asker waits until it removes itself.
   */
  @Nullable Set<Asker> ask(Asker asker) {
    assert home.inThread();
    String token = null;
    ResendException failure;
    try {
      Future<String> asked = provider.token();
      if (asked == null) {
        failure = unavailable("returned null instead of a future");
      } else if (asked.isComplete()) {
        token = asked.result();
        failure = check(token, asked.cause());
      } else {
        return waitFor(asked, asker);
      }
    } catch (Throwable thrown) {
      failure = threw(thrown);
    }
    asker.useToken(failure == null ? token : null, failure);
    return null;
  }

  private Set<Asker> waitFor(Future<String> asked, Asker asker) {
    if (asked == pending) {
      pendingAskers.add(asker);
      return pendingAskers;
    }
    Set<Asker> askers = new LinkedHashSet<>();
    askers.add(asker); // first, since the provider may answer now
    pending = asked;
    pendingAskers = askers;
    try {
      asked.onComplete((token, cause) -> home.emit(v -> answered(asked, askers, token, cause)));
    } catch (Throwable thrown) { // the future is of the application too
      pending = null;
      if (askers.remove(asker)) { // else it has answered before it threw
        throw thrown;
      }
    }
    return askers;
  }

  private void answered(
      Future<String> answer, Set<Asker> askers, @Nullable String token, @Nullable Throwable cause) {
    if (pending == answer) {
      pending = null;
    }
    ResendException failure = check(token, cause);
    answer(askers, failure == null ? token : null, failure);
  }

  private static void answer(
      Set<Asker> askers, @Nullable String token, @Nullable ResendException failure) {
    List<Asker> answered = List.copyOf(askers);
    askers.clear();
    answered.forEach(asker -> asker.useToken(token, failure));
  }

  private @Nullable ResendException check(@Nullable String token, @Nullable Throwable failure) {
    if (failure != null) {
      return unavailable("failed with " + failure.getClass().getName());
    } else if (token == null || !token.equals(usable)) {
      if (!Setting.isToken(token)) {
        return unavailable("gave no usable token; allowed is " + Setting.TOKENS_ALLOWED);
      }
      usable = token;
    }
    return null;
  }

  /**
   * Asks for a token other than the rejected token. All askers with the same rejected token share
   * one refresh. The new token is remembered for as long as a 401 to the rejected token may still
   * arrive.
   */
  @Nullable Set<Asker> askAgain(String rejected, Asker asker) {
    Refresh refresh = refreshes.get(rejected);
    if (refresh == null) {
      refresh = new Refresh(rejected);
      refreshes.put(rejected, refresh);
      refresh.askers.add(asker);
      refresh.begin();
    } else if (refresh.fresh == null) {
      refresh.askers.add(asker);
    } else {
      asker.useToken(refresh.fresh, null);
      return null;
    }
    return refresh.askers;
  }

  private final class Refresh extends DeadlineQueue.Entry implements Asker {
    private final String rejected;
    private final Set<Asker> askers = new LinkedHashSet<>();
    private @Nullable String fresh;

    /** The group in which the refresh waits. */
    private @Nullable Set<Asker> waitsWith;

    Refresh(String rejected) {
      this.rejected = rejected;
    }

    void begin() {
      deadlines.add(this);
      try {
        provider.rejected(rejected);
      } catch (Throwable thrown) {
        useToken(null, threw(thrown));
        return;
      }
      waitsWith = ask(this);
    }

    @Override
    public void useToken(@Nullable String token, @Nullable ResendException failure) {
      cancel();
      if (token == null || token.equals(rejected)) {
        refreshes.remove(rejected);
      } else {
        fresh = token;
        deadlines.add(this);
      }
      answer(askers, token, failure);
    }

    @Override
    public void expire() {
      refreshes.remove(rejected);
      if (fresh == null) { // later calls must not wait for a provider that never answers
        if (waitsWith != null) {
          waitsWith.remove(this);
        }
        answer(askers, null, unavailable("did not answer in time"));
      }
    }
  }

  void close() {
    deadlines.close();
  }

  private static ResendException threw(Throwable thrown) {
    return unavailable("threw " + thrown.getClass().getName());
  }

  static ResendException unavailable(String what) {
    return new ResendException(ResendFailure.TOKEN_UNAVAILABLE, "The token provider " + what);
  }
}
