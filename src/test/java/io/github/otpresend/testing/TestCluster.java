// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import com.hazelcast.cluster.Address;
import com.hazelcast.config.Config;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxBuilder;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.core.spi.cluster.ClusterManager;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A Hazelcast cluster of nodes in this JVM and in JVMs that it starts. Other runs of the tests do
 * not join it.
 */
public final class TestCluster {
  /** The seconds without a heartbeat after which a node is removed. A busy machine needs less. */
  public static final int PATIENT = 60;

  private static final String LOOPBACK = "127.0.0.1";
  private static final String LAUNCHER = "io.vertx.launcher.application.VertxApplication";

  private final String name = "otp-" + UUID.randomUUID();
  private final String host;
  private final int heartbeatSeconds;
  private final Path directory;
  private String firstMember = "";

  /** Creates a cluster of nodes in this JVM. */
  public TestCluster() {
    this(Path.of("."));
  }

  /**
   * Creates a cluster on loopback.
   *
   * @param directory the directory for the files of the JVMs
   */
  public TestCluster(Path directory) {
    this(LOOPBACK, PATIENT, directory);
  }

  /**
   * Creates a cluster.
   *
   * @param host the address of the node in this JVM
   * @param heartbeatSeconds the seconds without a heartbeat after which a node is removed
   * @param directory the directory for the files of the JVMs
   */
  public TestCluster(String host, int heartbeatSeconds, Path directory) {
    this.host = host;
    this.heartbeatSeconds = heartbeatSeconds;
    this.directory = directory;
  }

  /** Starts a node in this JVM. */
  public Vertx join() {
    return join(Vertx.builder(), new VertxOptions(), UnaryOperator.identity());
  }

  /**
   * Starts a node in this JVM.
   *
   * @param wrapper wraps the cluster manager of the node
   */
  public Vertx join(
      VertxBuilder builder, VertxOptions options, UnaryOperator<ClusterManager> wrapper) {
    HazelcastClusterManager manager =
        new HazelcastClusterManager(Config.loadFromString(configuration(host)));
    options.getEventBusOptions().setHost(host);
    Future<Vertx> node =
        builder.with(options).withClusterManager(wrapper.apply(manager)).buildClustered();
    Vertx vertx;
    try {
      vertx = node.await(60, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError(e);
    }
    if (firstMember.isEmpty()) {
      Address address = manager.getHazelcastInstance().getCluster().getLocalMember().getAddress();
      firstMember = "<member>" + address.getHost() + ":" + address.getPort() + "</member>";
    }
    return vertx;
  }

  /** Returns the configuration of a node. It has a free port, and joins the first node. */
  private String configuration(String host) {
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
        </hazelcast>
        """
        .formatted(name, firstMember, host, heartbeatSeconds);
  }

  /** Starts a node on loopback by Vert.x's launcher, and waits until its verticle is deployed. */
  public NodeProcess launch(String verticle, JsonObject config) {
    return launch(List.of(), LOOPBACK, verticle, config);
  }

  /**
   * Starts a node with Vert.x's launcher, and waits until its verticle is deployed.
   *
   * @param prefix the words before the command, for example {@code ip netns exec}
   * @param host the address of the node
   */
  public NodeProcess launch(List<String> prefix, String host, String verticle, JsonObject config) {
    NodeProcess node =
        new NodeProcess(
            prefix,
            classPath(entry -> true),
            List.of(
                "-Dvertx.hazelcast.config=" + file(configuration(host), ".xml"),
                LAUNCHER,
                verticle,
                "-cluster",
                "-cluster-host",
                host,
                "-conf",
                file(config.encode(), ".json").toString()));
    node.line("Succeeded in deploying verticle");
    return node;
  }

  /** Starts a node whose class path has one class of the tests, but not the library. */
  public NodeProcess startPlain(Class<?> main, String... arguments) {
    String classFile = main.getName().replace('.', '/') + ".class";
    Path classes = directory.resolve(main.getSimpleName());
    try {
      Files.createDirectories(classes.resolve(classFile).getParent());
      Files.write(classes.resolve(classFile), Files.readAllBytes(testClasses().resolve(classFile)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String jars =
        classPath(
            entry -> entry.matches("(vertx-core|netty|jackson|vertx-hazelcast|hazelcast).*jar"));
    return new NodeProcess(
        List.of(),
        classes + File.pathSeparator + jars,
        Stream.concat(
                Stream.of(
                    "-Dvertx.hazelcast.config=" + file(configuration(LOOPBACK), ".xml"),
                    main.getName()),
                Arrays.stream(arguments))
            .toList());
  }

  private Path file(String content, String suffix) {
    try {
      return Files.writeString(Files.createTempFile(directory, "node", suffix), content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns those entries of the class path and the module path whose file name is wanted. */
  public static String classPath(Predicate<String> wanted) {
    return Stream.of(
            testClasses().toString(),
            System.getProperty("jdk.module.path", ""),
            System.getProperty("java.class.path"))
        .flatMap(path -> Arrays.stream(path.split(File.pathSeparator)))
        .filter(entry -> !entry.isEmpty() && wanted.test(Path.of(entry).getFileName().toString()))
        .distinct()
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static Path testClasses() {
    String self = TestCluster.class.getName().replace('.', '/') + ".class";
    String url = TestCluster.class.getResource("TestCluster.class").toString();
    return Path.of(URI.create(url.substring(0, url.length() - self.length())));
  }
}
