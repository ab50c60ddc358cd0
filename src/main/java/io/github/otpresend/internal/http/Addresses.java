// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.internal.ContextInternal;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The addresses of the service's host. Vert.x's resolver caches each address for its time to live.
 * A new connection uses the first address that is not avoided. This class is used on one event loop
 * only.
 */
final class Addresses {
  private final ContextInternal home;
  private final String host;
  private final int port;

  /** The IP addresses that the host had when it was resolved last, as texts. */
  private List<String> known = List.of();

  /**
   * The addresses at which an attempt or a call has failed. Once all known addresses have failed,
   * the set is cleared. So a host with one address is never avoided.
   */
  private final Set<String> avoided = new HashSet<>();

  Addresses(ContextInternal home, String host, int port) {
    this.home = home;
    this.host = host;
    this.port = port;
  }

  /** Resolves the host, and returns the address for the next attempt. */
  Future<InetSocketAddress> next() {
    Promise<List<InetSocketAddress>> resolved = home.promise();
    home.owner()
        .nameResolver()
        .resolveAll(host, result -> resolved.complete(result.result(), result.cause()));
    return resolved.future().map(this::choose);
  }

  private InetSocketAddress choose(List<InetSocketAddress> resolved) {
    List<InetAddress> all = resolved.stream().map(InetSocketAddress::getAddress).toList();
    known = all.stream().map(InetAddress::getHostAddress).toList();
    avoided.retainAll(known);
    clearIfAllAreAvoided();
    int first = 0;
    while (isAvoided(known.get(first))) {
      first++;
    }
    return new InetSocketAddress(all.get(first), port);
  }

  /** Records that an attempt or a call at this address has failed or has taken too long. */
  void failed(String address) {
    avoided.add(address);
    clearIfAllAreAvoided();
  }

  private void clearIfAllAreAvoided() {
    if (avoided.containsAll(known)) {
      avoided.clear();
    }
  }

  boolean isAvoided(@Nullable String address) {
    return avoided.contains(address);
  }
}
