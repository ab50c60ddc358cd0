// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.metrics.MetricsOptions;
import io.vertx.core.spi.metrics.ClientMetrics;
import io.vertx.core.spi.metrics.EventBusMetrics;
import io.vertx.core.spi.metrics.Metrics;
import io.vertx.core.spi.metrics.PoolMetrics;
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
  /** The metrics of connections. Their type differs between the versions of Vert.x. */
  private static final Class<?> CONNECTION_METRICS =
      Arrays.stream(VertxMetrics.class.getMethods())
          .filter(method -> method.getName().matches("create(Net|Tcp)ClientMetrics"))
          .map(Method::getReturnType)
          .findFirst()
          .orElseThrow();

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
            CONNECTION_METRICS,
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

  private boolean isFaulty(Class<?> type, Method method) {
    return faulty.equals(type.getSimpleName() + '.' + method.getName());
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
        if (isFaulty(type, method)
            || (CONNECTION_METRICS.isAssignableFrom(type)
                && isFaulty(CONNECTION_METRICS, method))) {
          fault.run();
        }
        Class<?> returned = method.getReturnType();
        return returned == void.class
            ? null
            : Metrics.class.isAssignableFrom(returned) ? proxy(returned) : new Object();
    }
  }
}
