// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static io.github.otpresend.Calls.await;

import com.hazelcast.cluster.Address;
import com.hazelcast.config.Config;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonObject;
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
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A Hazelcast cluster of this JVM, which asks, and of the JVMs that it starts. */
final class TestCluster implements AutoCloseable {
  /** Seconds without a heartbeat after which a node is out: not for a busy machine to reach. */
  static final int PATIENT = 60;

  private static final String LAUNCHER = "io.vertx.launcher.application.VertxApplication";

  /** The node of this JVM. */
  final Vertx vertx;

  private final String name = "otp-" + UUID.randomUUID();
  private final int heartbeatSeconds;
  private final Path directory;
  private final String firstMember;

  /**
   * Starts a cluster of one.
   *
   * @param host the address that this JVM is reached at
   */
  TestCluster(String host, int heartbeatSeconds, Path directory) {
    this.heartbeatSeconds = heartbeatSeconds;
    this.directory = directory;
    HazelcastClusterManager manager =
        new HazelcastClusterManager(Config.loadFromString(configuration(host, "")));
    VertxOptions options = new VertxOptions();
    options.getEventBusOptions().setHost(host);
    try {
      vertx =
          Vertx.builder()
              .with(options)
              .withClusterManager(manager)
              .buildClustered()
              .await(60, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError(e);
    }
    Address address = manager.getHazelcastInstance().getCluster().getLocalMember().getAddress();
    firstMember = "<member>" + address.getHost() + ":" + address.getPort() + "</member>";
  }

  /** Ports are the system's to choose: all others join by the first node's. */
  private String configuration(String host, String member) {
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
        .formatted(name, member, host, heartbeatSeconds);
  }

  /**
   * Starts a node on loopback by Vert.x's own launcher, and waits until its verticle is deployed.
   */
  NodeProcess launch(String verticle, JsonObject config) {
    return launch(List.of(), "127.0.0.1", verticle, config);
  }

  NodeProcess launch(List<String> prefix, String host, String verticle, JsonObject config) {
    NodeProcess node =
        new NodeProcess(
            prefix,
            classPath(entry -> true),
            List.of(
                "-Dvertx.hazelcast.config=" + file(configuration(host, firstMember), ".xml"),
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

  /** Starts a node whose class path has one class of these tests, and nothing of the library. */
  NodeProcess startPlain(Class<?> main, String... arguments) {
    String classFile = main.getName().replace('.', '/') + ".class";
    Path alone = directory.resolve(main.getSimpleName());
    try {
      Files.createDirectories(alone.resolve(classFile).getParent());
      Files.write(alone.resolve(classFile), Files.readAllBytes(testClasses().resolve(classFile)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String jars =
        classPath(
            entry -> entry.matches("(vertx-core|netty|jackson|vertx-hazelcast|hazelcast).*jar"));
    return new NodeProcess(
        List.of(),
        alone + File.pathSeparator + jars,
        Stream.concat(
                Stream.of(
                    "-Dvertx.hazelcast.config="
                        + file(configuration("127.0.0.1", firstMember), ".xml"),
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

  /** What these tests run with, on the module path or not, by the name of the file. */
  static String classPath(Predicate<String> wanted) {
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

  @Override
  public void close() {
    await(vertx.close());
  }
}
