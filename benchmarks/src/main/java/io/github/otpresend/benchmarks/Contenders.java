// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.function.Function;

/** The contenders, with the titles that the tables show. */
public enum Contenders {
  DIRECT("this library, directly", target -> ThisLibrary.directly(target, VertxContender.vertx())),
  BASE(
      "this library at the base commit",
      target -> ThisLibrary.directly(target, VertxContender.vertx())),
  FOREIGN_LOOP("this library, from another event loop", ThisLibrary::fromAnotherLoop),
  EVENT_BUS(
      "this library, over the event bus",
      target -> ThisLibrary.overEventBus(target, VertxContender.vertx())),
  EVENT_BUS_LOOPS(
      "this library, over the event bus between two event loops",
      target -> ThisLibrary.overEventBus(target, VertxContender.vertxWithTwoLoops())),
  CLUSTER_BARE("a bare event-bus request across a cluster", BareEventBus::acrossCluster),
  CLUSTER_UNGUARDED(
      "this library, across a cluster, without the guard",
      target -> ThisLibrary.acrossCluster(target, ClusterNode.Service.UNGUARDED)),
  CLUSTER(
      "this library, across a cluster",
      target -> ThisLibrary.acrossCluster(target, ClusterNode.Service.GUARDED)),
  REDIS("this library, directly, with Redis", ThisLibrary::withRedis),
  REDIS_BARE("SET NX and DEL of Redis, and a bare WebClient", BareRedis::new),
  WEB_CLIENT(
      "Vert.x WebClient, bare", target -> new VertxWebClient(target, VertxContender.vertx())),
  HTTP_CLIENT("Vert.x core HttpClient", VertxHttpClient::new),
  JDK("JDK HttpClient", JdkHttpClient::new),
  OKHTTP("OkHttp", OkHttp::new),
  APACHE("Apache HttpClient 5", ApacheHttpClient::new),
  ASYNC_HTTP_CLIENT(
      "async-http-client",
      target ->
          target.waiting() == 0
              ? new AsyncHttpClientContender(target)
              : new Queued(new AsyncHttpClientContender(target), target.connections())),
  REACTOR_NETTY("Reactor Netty", ReactorNetty::new),
  OPENAPI("openapi-generator's client", OpenApiClient::new),
  NETTY("the limit: bare Netty", NettyLimit::new),
  DIRECT_NATIVE(
      "this library, native transport",
      target -> ThisLibrary.directly(target, VertxContender.nativeVertx())),
  WEB_CLIENT_NATIVE(
      "Vert.x WebClient, native transport",
      target -> new VertxWebClient(target, VertxContender.nativeVertx()));

  final String title;
  private final Function<Target, Contender> factory;

  Contenders(String title, Function<Target, Contender> factory) {
    this.title = title;
    this.factory = factory;
  }

  Contender start(Target target) {
    return factory.apply(target);
  }
}
