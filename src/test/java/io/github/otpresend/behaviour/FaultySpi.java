// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.metrics.MetricsOptions;
import io.vertx.core.spi.metrics.ClientMetrics;
import io.vertx.core.spi.metrics.EventBusMetrics;
import io.vertx.core.spi.metrics.Metrics;
import io.vertx.core.spi.metrics.PoolMetrics;
import io.vertx.core.spi.metrics.TransportMetrics;
import io.vertx.core.spi.metrics.VertxMetrics;
import io.vertx.core.spi.tracing.VertxTracer;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.stream.Stream;

/**
 * Implementations of the metrics and of the tracer of Vert.x. One method at a time is faulty; the
 * other methods return new objects.
 */
final class FaultySpi {
  private final String faulty;
  private volatile Runnable fault = () -> {};

  /**
   * @param faulty the faulty method, for example {@code VertxTracer.sendRequest}
   */
  private FaultySpi(String faulty) {
    this.faulty = faulty;
  }

  /** Returns the methods that can be faulty. */
  static Stream<String> methods() {
    return Stream.of(
            VertxTracer.class,
            EventBusMetrics.class,
            ClientMetrics.class,
            TransportMetrics.class,
            PoolMetrics.class)
        .flatMap(
            type ->
                Arrays.stream(type.getMethods())
                    .map(Method::getName)
                    .filter(name -> !name.equals("close") && !name.startsWith("stream"))
                    .distinct()
                    .sorted()
                    .map(name -> type.getSimpleName() + '.' + name));
  }

  /** Creates a scene whose Vert.x has a faulty method. */
  static FaultyScene scene(String faulty, Fault fault) {
    FaultySpi spi = new FaultySpi(faulty);
    var builder = Vertx.builder();
    if (faulty.startsWith("VertxTracer.")) {
      builder.withTracer(options -> spi.proxy(VertxTracer.class));
    } else {
      builder
          .with(new VertxOptions().setMetricsOptions(new MetricsOptions().setEnabled(true)))
          .withMetrics(options -> spi.proxy(VertxMetrics.class));
    }
    FaultyScene scene = new FaultyScene(builder.build(), fault);
    spi.fault = scene::fault;
    return scene;
  }

  private <T> T proxy(Class<T> type) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> invoke(proxy, type, method, arguments)));
  }

  private Object invoke(Object proxy, Class<?> type, Method method, Object[] arguments) {
    switch (method.getName()) {
      case "equals":
        return proxy == arguments[0];
      case "hashCode":
        return System.identityHashCode(proxy);
      case "toString":
        return type.getSimpleName();
      case "isMetricsEnabled":
        return true;
      default:
        if (faulty.equals(type.getSimpleName() + '.' + method.getName())) {
          fault.run();
        }
        Class<?> returned = method.getReturnType();
        return returned == void.class
            ? null
            : Metrics.class.isAssignableFrom(returned) ? proxy(returned) : new Object();
    }
  }
}
