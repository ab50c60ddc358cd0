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

/**
 * The addresses of the service's host. Vert.x's resolver caches each address for its time to live.
 * A new connection goes to the first address at which no attempt has failed. It is used on one
 * event loop only.
 */
final class Addresses {
  private final ContextInternal home;
  private final String host;
  private final int port;

  /**
   * The addresses at which an attempt has failed. Once attempts at all addresses have failed, the
   * set is cleared.
   */
  private final Set<InetAddress> dead = new HashSet<>();

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
    dead.retainAll(all);
    if (dead.containsAll(all)) {
      dead.clear();
    }
    InetAddress chosen = all.get(0);
    for (int i = 1; dead.contains(chosen); i++) {
      chosen = all.get(i);
    }
    return new InetSocketAddress(chosen, port);
  }

  /** Records that an attempt at this address has failed or has taken too long. */
  void failed(InetSocketAddress address) {
    dead.add(address.getAddress());
  }
}
