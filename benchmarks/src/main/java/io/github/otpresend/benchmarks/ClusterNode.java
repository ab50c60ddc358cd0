// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import com.hazelcast.config.Config;
import com.hazelcast.config.JoinConfig;
import io.github.otpresend.OtpResendVerticle;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.eventbus.EventBusOptions;
import io.vertx.spi.cluster.hazelcast.ConfigUtil;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;

/** The node that serves resends to another node of its cluster, as a process of its own. */
final class ClusterNode {
  /** Of a cluster on loopback that nobody else joins. */
  record Ports(int asker, int serving) {}

  private ClusterNode() {}

  public static void main(String[] args) throws IOException {
    Ports ports = new Ports(Integer.parseInt(args[0]), Integer.parseInt(args[1]));
    Target target =
        new Target(
            Integer.parseInt(args[2]), Integer.parseInt(args[3]), 0, Answer.valueOf(args[4]));
    join(ports.serving, ports)
        .deployVerticle(new OtpResendVerticle(ThisLibrary.options(target)))
        .await();
    System.out.println("ready");
    while (System.in.read() >= 0) {
      // whoever started it is still there
    }
    System.exit(0);
  }

  static ChildProcess start(Target target, Ports ports) {
    return ChildProcess.onServerCore(
        ClusterNode.class,
        "" + ports.asker,
        "" + ports.serving,
        "" + target.port(),
        "" + target.connections(),
        target.answer().name());
  }

  static Ports freePorts() {
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (ServerSocket one = new ServerSocket(0, 1, loopback);
        ServerSocket other = new ServerSocket(0, 1, loopback)) {
      return new Ports(one.getLocalPort(), other.getLocalPort());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Vertx join(int port, Ports ports) {
    Config config = ConfigUtil.loadConfig().setClusterName("benchmarks-" + ports);
    config.setProperty("hazelcast.phone.home.enabled", "false");
    config.setProperty("hazelcast.logging.type", "none");
    JoinConfig join = config.getNetworkConfig().setPort(port).setPortAutoIncrement(false).getJoin();
    join.getAutoDetectionConfig().setEnabled(false);
    join.getMulticastConfig().setEnabled(false);
    join.getTcpIpConfig()
        .setEnabled(true)
        .addMember(Target.HOST + ":" + ports.asker)
        .addMember(Target.HOST + ":" + ports.serving);
    config.getNetworkConfig().getInterfaces().setEnabled(true).addInterface(Target.HOST);
    return Vertx.builder()
        .with(
            new VertxOptions()
                .setEventLoopPoolSize(1)
                .setEventBusOptions(new EventBusOptions().setHost(Target.HOST)))
        .withClusterManager(new HazelcastClusterManager(config))
        .buildClustered()
        .await();
  }
}
