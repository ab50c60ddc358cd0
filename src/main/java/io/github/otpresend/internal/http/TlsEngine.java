// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import io.netty.channel.Channel;
import io.netty.handler.ssl.DelegatingSslContext;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Future;
import io.vertx.core.net.SSLEngineOptions;
import io.vertx.core.spi.tls.SslContextFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import javax.net.ssl.SSLEngine;

/**
 * A TLS engine that wraps the engine of the options. If the server closes TLS but leaves TCP open,
 * it also closes the TCP connection. Otherwise Vert.x would not report the end, and the next
 * request on the connection would get no answer.
 */
final class TlsEngine extends SSLEngineOptions {
  private final SSLEngineOptions engine;

  TlsEngine(SSLEngineOptions engine) {
    super(engine);
    this.engine = engine;
  }

  @Override
  public TlsEngine copy() {
    return new TlsEngine(engine.copy());
  }

  /**
   * Returns a dynamic proxy, because the methods of a factory differ between Vert.x 5.0 and 5.2.
   */
  @Override
  public SslContextFactory sslContextFactory() {
    SslContextFactory factory = engine.sslContextFactory();
    return (SslContextFactory)
        Proxy.newProxyInstance(
            SslContextFactory.class.getClassLoader(),
            new Class<?>[] {SslContextFactory.class},
            (proxy, method, arguments) -> {
              Object result;
              try {
                result = method.invoke(factory, arguments);
              } catch (InvocationTargetException e) {
                throw e.getTargetException();
              }
              return result instanceof SslContext context
                  ? new ClosingContext(context)
                  : result == factory ? proxy : result;
            });
  }

  private static final class ClosingContext extends DelegatingSslContext {
    ClosingContext(SslContext context) {
      super(context);
    }

    @Override
    protected void initEngine(SSLEngine engine) {}

    @Override
    protected void initHandler(SslHandler handler) {
      handler
          .sslCloseFuture()
          .addListener(
              (Future<Channel> closed) -> {
                if (closed.isSuccess()) {
                  closed.getNow().close();
                }
              });
    }
  }
}
