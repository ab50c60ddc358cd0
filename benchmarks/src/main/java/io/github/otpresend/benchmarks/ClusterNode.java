// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import com.hazelcast.config.Config;
import com.hazelcast.config.JoinConfig;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.eventbus.EventBusOptions;
import io.vertx.spi.cluster.hazelcast.ConfigUtil;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.io.IOException;

/** A node in another process, which serves the messages of a requester in its cluster. */
final class ClusterNode {
  /** The ports of the two nodes of a cluster on loopback. */
  record Ports(int requester, int serving) {}

  /** What the node serves. */
  enum Service {
    /** The verticle of this library, with its cluster guard. */
    GUARDED,
    /** The verticle without the cluster guard. */
    UNGUARDED,
    /** A bare consumer, which calls this library directly and replies. */
    BARE
  }

  private ClusterNode() {}

  public static void main(String[] args) throws IOException {
    Ports ports = new Ports(Integer.parseInt(args[0]), Integer.parseInt(args[1]));
    int connections = Integer.parseInt(args[3]);
    Target target =
        new Target(Integer.parseInt(args[2]), "", connections, 0, Answer.valueOf(args[4]));
    Service service = Service.valueOf(args[5]);
    Vertx vertx = join(ports.serving, ports);
    OtpResendOptions options =
        ThisLibrary.options(target).setClusterGuard(service == Service.GUARDED);
    if (service == Service.BARE) {
      BareEventBus.serve(vertx, OtpResendClient.create(vertx, options));
    } else {
      vertx.deployVerticle(new OtpResendVerticle(options)).await();
    }
    System.out.println("ready");
    while (System.in.read() >= 0) {
      // its standard input is open while the process that started it lives
    }
    System.exit(0);
  }

  static ChildProcess start(Target target, Ports ports, Service service) {
    return ChildProcess.onServerCore(
        ClusterNode.class,
        "" + ports.requester,
        "" + ports.serving,
        "" + target.port(),
        "" + target.connections(),
        target.answer().name(),
        service.name());
  }

  static Ports freePorts() {
    return new Ports(FreePort.find(), FreePort.find());
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
        .addMember(Target.HOST + ":" + ports.requester)
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
