// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import com.hazelcast.cluster.Address;
import com.hazelcast.config.Config;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.core.spi.cluster.ClusterManager;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A cluster manager, and its configuration for the tests. It is Hazelcast, unless a Maven profile
 * sets another name. The other cluster managers are on the class path only in their profiles, so
 * their classes are used by name.
 */
abstract class Engine {
  /** The name of the configuration file that the cluster manager reads from the class path. */
  final String configurationFile;

  private Engine(String configurationFile) {
    this.configurationFile = configurationFile;
  }

  /**
   * Creates the cluster manager's configuration for one cluster.
   *
   * @param heartbeatSeconds the seconds without a heartbeat after which a node is removed
   * @param directory a directory for the files of the cluster
   */
  static Engine create(String clusterName, int heartbeatSeconds, Path directory) {
    String engine = System.getProperty("cluster.engine", "hazelcast");
    return switch (engine) {
      case "hazelcast" -> new Hazelcast(clusterName, heartbeatSeconds);
      case "infinispan" -> new Infinispan(clusterName, heartbeatSeconds, directory);
      case "ignite" -> new Ignite(directory);
      case "zookeeper" -> new Zookeeper(clusterName);
      default -> throw new IllegalArgumentException("cluster.engine is " + engine);
    };
  }

  /** Returns the content of the configuration file of a node. */
  abstract String configuration(String host);

  /** Creates the cluster manager of a node in this JVM. */
  abstract ClusterManager manager(String configuration);

  /** Is called when the first node has joined. */
  void onFirstNode(ClusterManager manager) {}

  /** Returns whether the maps are safe if a node is killed. */
  boolean isSafe() {
    return true;
  }

  /** Returns whether the cluster guard works. */
  boolean canGuard() {
    return true;
  }

  /** Returns whether a jar on the class path is a cluster manager that the nodes do not use. */
  boolean isOther(String jar) {
    return jar.startsWith("vertx-hazelcast");
  }

  /** Returns the options of a JVM that is a node. */
  List<String> jvmOptions() {
    return List.of();
  }

  private static Object instance(String className, Object... arguments) {
    Class<?>[] types = Arrays.stream(arguments).map(Object::getClass).toArray(Class<?>[]::new);
    try {
      return Class.forName(className).getConstructor(types).newInstance(arguments);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  /** Each node has a free port, and joins the first node. */
  private static final class Hazelcast extends Engine {
    private final String name;
    private final int heartbeatSeconds;
    private HazelcastClusterManager first;
    private String firstMember = "";

    Hazelcast(String name, int heartbeatSeconds) {
      super("cluster.xml");
      this.name = name;
      this.heartbeatSeconds = heartbeatSeconds;
    }

    @Override
    String configuration(String host) {
      return """
          <hazelcast xmlns="http://www.hazelcast.com/schema/config">
            <cluster-name>%s</cluster-name>
            <network>
              <port auto-increment="false">0</port>
              <join>
                <auto-detection enabled="false"/>
                <multicast enabled="false"/>
                <tcp-ip enabled="true">%s</tcp-ip>
              </join>
              <interfaces enabled="true">
                <interface>%s</interface>
              </interfaces>
            </network>
            <properties>
              <property name="hazelcast.phone.home.enabled">false</property>
              <property name="hazelcast.logging.type">none</property>
              <property name="hazelcast.wait.seconds.before.join">0</property>
              <property name="hazelcast.heartbeat.interval.seconds">1</property>
              <property name="hazelcast.max.no.heartbeat.seconds">%d</property>
              <property name="hazelcast.graceful.shutdown.max.wait">5</property>
            </properties>
            <multimap name="__vertx.subs">
              <backup-count>1</backup-count>
              <value-collection-type>SET</value-collection-type>
            </multimap>
            <map name="__vertx.haInfo">
              <backup-count>1</backup-count>
            </map>
            <map name="__vertx.nodeInfo">
              <backup-count>1</backup-count>
            </map>
            <map name="io.github.otpresend">
              <backup-count>1</backup-count>
            </map>
            <!-- an application's settings for other maps, which would lose claims -->
            <map name="default">
              <backup-count>0</backup-count>
              <max-idle-seconds>1</max-idle-seconds>
            </map>
          </hazelcast>
          """
          .formatted(name, firstMember, host, heartbeatSeconds);
    }

    @Override
    ClusterManager manager(String configuration) {
      return new HazelcastClusterManager(Config.loadFromString(configuration));
    }

    @Override
    void onFirstNode(ClusterManager manager) {
      first = (HazelcastClusterManager) manager;
      Address address = first.getHazelcastInstance().getCluster().getLocalMember().getAddress();
      firstMember = "<member>" + address.getHost() + ":" + address.getPort() + "</member>";
    }

    @Override
    boolean isOther(String jar) {
      return false;
    }

    @Override
    List<String> jvmOptions() {
      return List.of("-Dhazelcast.config.schema.validation.enabled=false"); // starts faster
    }

    @Override
    boolean isSafe() {
      return first.getHazelcastInstance().getPartitionService().isClusterSafe();
    }
  }

  /** The nodes find each other by files in a directory. */
  private static final class Infinispan extends Engine {
    private final String name;
    private final int heartbeatSeconds;
    private final Path directory;

    Infinispan(String name, int heartbeatSeconds, Path directory) {
      super("infinispan.xml");
      this.directory = directory.toAbsolutePath();
      this.name = name;
      this.heartbeatSeconds = heartbeatSeconds;
    }

    @Override
    String configuration(String host) {
      return """
          <infinispan>
            <jgroups>
              <stack name="loopback" extends="tcp">
                <TCP bind_addr="%s" bind_port="0" diag.enabled="false"/>
                <FILE_PING location="%s" stack.combine="REPLACE" stack.position="MPING"/>
                <FD_ALL3 timeout="%d" interval="1000"/>
                <pbcast.GMS join_timeout="1000"/>
              </stack>
            </jgroups>
            <cache-container shutdown-hook="DONT_REGISTER">
              <transport stack="loopback" cluster="%s"/>
              <replicated-cache name="__vertx.subs"/>
              <replicated-cache name="__vertx.haInfo"/>
              <replicated-cache name="__vertx.nodeInfo"/>
              <distributed-cache-configuration name="__vertx.distributed.cache.configuration"/>
            </cache-container>
          </infinispan>
          """
          .formatted(host, directory, heartbeatSeconds * 1_000, name);
    }

    @Override
    ClusterManager manager(String configuration) {
      try {
        Path file = directory.resolve(name + ".xml");
        Files.writeString(file, configuration);
        synchronized (Infinispan.class) { // the constructor reads the property
          System.setProperty("vertx.infinispan.config", file.toString());
          return (ClusterManager)
              instance("io.vertx.ext.cluster.infinispan.InfinispanClusterManager");
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** The nodes have ports from one range. */
  private static final class Ignite extends Engine {
    private final int port = FreePort.find();
    private final Path directory;

    Ignite(Path directory) {
      super("ignite.json");
      this.directory = directory.toAbsolutePath();
      System.setProperty("IGNITE_HOME", this.directory.toString());
    }

    @Override
    String configuration(String host) {
      JsonObject cache =
          new JsonObject()
              .put("cacheMode", "PARTITIONED")
              .put("backups", 1)
              .put("readFromBackup", false)
              .put("atomicityMode", "ATOMIC")
              .put("writeSynchronizationMode", "FULL_SYNC");
      JsonObject replicated = cache.copy().put("name", "__vertx.*").put("cacheMode", "REPLICATED");
      return new JsonObject()
          .put("localHost", host)
          .put("metricsLogFrequency", 0)
          .put("cacheConfiguration", new JsonArray().add(replicated).add(cache.put("name", "*")))
          .put(
              "discoverySpi",
              new JsonObject()
                  .put("type", "TcpDiscoveryVmIpFinder")
                  .put(
                      "properties",
                      new JsonObject()
                          .put("localPort", port)
                          .put("localPortRange", 10)
                          .put(
                              "addresses",
                              new JsonArray().add(host + ":" + port + ".." + (port + 10)))))
          .encode();
    }

    @Override
    ClusterManager manager(String configuration) {
      return (ClusterManager)
          instance(
              "io.vertx.spi.cluster.ignite.IgniteClusterManager", new JsonObject(configuration));
    }

    @Override
    List<String> jvmOptions() {
      return List.of(
          "--add-opens=java.base/java.nio=ALL-UNNAMED",
          "--add-opens=java.base/java.util=ALL-UNNAMED",
          "--add-opens=java.base/java.lang.invoke=ALL-UNNAMED",
          "--add-opens=java.base/java.lang=ALL-UNNAMED",
          "-DIGNITE_HOME=" + directory);
    }
  }

  /** The nodes are clients of a server in this JVM. */
  private static final class Zookeeper extends Engine {
    private final String name;
    private final String server;

    Zookeeper(String name) {
      super("zookeeper.json");
      this.name = name;
      System.setProperty("zookeeper.extendedTypesEnabled", "true"); // entries that expire
      Object testingServer = instance("org.apache.curator.test.TestingServer");
      try {
        Object port = testingServer.getClass().getMethod("getPort").invoke(testingServer);
        server = "127.0.0.1:" + port;
      } catch (ReflectiveOperationException e) {
        throw new AssertionError(e);
      }
    }

    @Override
    String configuration(String host) {
      return new JsonObject()
          .put("zookeeperHosts", server)
          .put("rootPath", name)
          .put("sessionTimeout", 4_000)
          .encode();
    }

    @Override
    ClusterManager manager(String configuration) {
      return (ClusterManager)
          instance(
              "io.vertx.spi.cluster.zookeeper.ZookeeperClusterManager",
              new JsonObject(configuration));
    }

    @Override
    boolean canGuard() {
      return false;
    }
  }
}
