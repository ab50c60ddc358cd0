// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.vertx.core.eventbus.ReplyException;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The search for the failure of a resend in an exception. */
public final class FailureFinder {
  private final Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Deque<Throwable> suppressed = new ArrayDeque<>();

  private FailureFinder() {}

  /** Returns the failure as {@link ResendException#from} describes. */
  public static ResendException find(Throwable failure) {
    if (failure instanceof ResendException itself) { // most often, and without a search
      return itself;
    } else if (failure instanceof ReplyException reply) {
      return ReplyDecoder.failure(reply);
    }
    FailureFinder finder = new FailureFinder();
    ResendException found = finder.findInCauses(failure);
    if (found == null) {
      found = finder.findInSuppressed();
    }
    return found == null
        ? Failures.of(ResendFailure.UNRECOGNIZED, "Not a failure of a resend: " + failure, failure)
        : found;
  }

  /** Returns the failure of a resend among an exception and its causes, or null. */
  private @Nullable ResendException findInCauses(Throwable failure) {
    for (Throwable inside = failure; inside != null && seen.add(inside); ) {
      if (inside instanceof ResendException resendException) {
        return resendException;
      } else if (inside instanceof ReplyException replyException) {
        return ReplyDecoder.failure(replyException);
      }
      suppressed.addAll(List.of(inside.getSuppressed()));
      inside = inside.getCause();
    }
    return null;
  }

  /** Returns the first failure that is maybe sent, else the first failure, or null. */
  private @Nullable ResendException findInSuppressed() {
    ResendException found = null;
    while (!suppressed.isEmpty() && (found == null || !found.maybeSent())) {
      ResendException other = findInCauses(suppressed.remove());
      found = found == null || (other != null && other.maybeSent()) ? other : found;
    }
    return found;
  }
}
