// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import com.hazelcast.config.Config;
import com.hazelcast.config.JoinConfig;
import io.vertx.core.Vertx;
import io.vertx.core.VertxBuilder;
import io.vertx.core.VertxOptions;
import io.vertx.core.spi.cluster.ClusterManager;
import io.vertx.spi.cluster.hazelcast.ConfigUtil;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.UUID;
import java.util.function.UnaryOperator;

/** A cluster on loopback that no other run of the tests joins. */
final class Cluster {
  private final String name = UUID.randomUUID().toString();
  private final int port = freePort();

  /** A node in this JVM. */
  Vertx join() {
    return join(Vertx.builder(), new VertxOptions(), UnaryOperator.identity());
  }

  /** A node in this JVM, with more of its own. */
  Vertx join(VertxBuilder builder, VertxOptions options, UnaryOperator<ClusterManager> manager) {
    options.getEventBusOptions().setHost("127.0.0.1");
    return Calls.await(
        builder
            .with(options)
            .withClusterManager(manager.apply(new HazelcastClusterManager(config())))
            .buildClustered());
  }

  private Config config() {
    Config config = ConfigUtil.loadConfig().setClusterName(name);
    config.setProperty("hazelcast.phone.home.enabled", "false");
    config.setProperty("hazelcast.logging.type", "none");
    JoinConfig join = config.getNetworkConfig().setPort(port).getJoin();
    join.getMulticastConfig().setEnabled(false);
    join.getTcpIpConfig().setEnabled(true).addMember("127.0.0.1:" + port);
    config.getNetworkConfig().getInterfaces().setEnabled(true).addInterface("127.0.0.1");
    return config;
  }

  static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
