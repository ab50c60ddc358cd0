// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.internal.ContextInternal;

/** A client on Vert.x. All its calls come from one event loop. */
abstract class VertxContender implements Contender {
  final Vertx vertx;
  private final ContextInternal context;

  VertxContender(Vertx vertx) {
    this((ContextInternal) vertx.getOrCreateContext());
  }

  /**
   * @param context the context from which the calls come
   */
  VertxContender(ContextInternal context) {
    vertx = context.owner();
    this.context = context;
  }

  /** Returns a Vertx with one event loop, since a client has one core. */
  static Vertx vertx() {
    return Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  }

  /** Returns a Vertx with two event loops. */
  static Vertx vertxWithTwoLoops() {
    return Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2));
  }

  /** Returns a Vertx with Netty's native transport, or fails if there is none. */
  static Vertx nativeVertx() {
    Vertx vertx =
        Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setPreferNativeTransport(true));
    if (!vertx.isNativeTransportEnabled()) {
      throw new IllegalStateException(
          "no native transport here", vertx.unavailableNativeTransportCause());
    }
    return vertx;
  }

  @Override
  public void begin(Runnable load) {
    context.runOnContext(v -> load.run());
  }

  @Override
  public void close() {
    vertx.close().await();
  }
}
