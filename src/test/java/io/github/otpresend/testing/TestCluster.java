// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxBuilder;
import io.vertx.core.VertxOptions;
import io.vertx.core.json.JsonObject;
import io.vertx.core.spi.cluster.ClusterManager;
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
 * A cluster of nodes in this JVM and in JVMs that it starts. Other runs of the tests do not join
 * it.
 */
public final class TestCluster {
  /** The seconds without a heartbeat after which a node is removed. A busy machine needs less. */
  public static final int PATIENT = 60;

  private static final String LOOPBACK = "127.0.0.1";
  private static final String LAUNCHER = "io.vertx.launcher.application.VertxApplication";

  private final String host;
  private final Path directory;
  private final Engine engine;
  private boolean hasFirstNode;

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
    this.directory = directory;
    engine = Engine.create("otp-" + UUID.randomUUID(), heartbeatSeconds, directory);
  }

  /** Returns whether the cluster guard works with the cluster manager of the tests. */
  public boolean canGuard() {
    return engine.canGuard();
  }

  /** Returns whether the cluster-wide maps lose no entry if one node is killed. */
  public boolean isSafe() {
    return engine.isSafe();
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
    ClusterManager manager = engine.manager(engine.configuration(host));
    options.getEventBusOptions().setHost(host);
    Future<Vertx> node =
        builder.with(options).withClusterManager(wrapper.apply(manager)).buildClustered();
    Vertx vertx;
    try {
      vertx = node.await(60, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError(e);
    }
    if (!hasFirstNode) {
      hasFirstNode = true;
      engine.onFirstNode(manager);
    }
    return vertx;
  }

  /** Starts a node on loopback by Vert.x's launcher, and waits until its verticle is deployed. */
  public NodeProcess launch(String verticle, JsonObject config) {
    return launch(List.of(), LOOPBACK, verticle, config);
  }

  /** Starts a node on loopback by Vert.x's launcher, and does not wait for its verticle. */
  public NodeProcess begin(String verticle, JsonObject config) {
    return begin(List.of(), LOOPBACK, verticle, config);
  }

  /**
   * Starts a node with Vert.x's launcher, and waits until its verticle is deployed.
   *
   * @param prefix the words before the command, for example {@code ip netns exec}
   * @param host the address of the node
   */
  public NodeProcess launch(List<String> prefix, String host, String verticle, JsonObject config) {
    NodeProcess node = begin(prefix, host, verticle, config);
    node.awaitDeployed();
    return node;
  }

  private NodeProcess begin(List<String> prefix, String host, String verticle, JsonObject config) {
    Path home = nodeDirectory(host);
    write(home.resolve("config.json"), config.encode());
    return start(
        prefix,
        home,
        classPath(entry -> !engine.isOther(entry)),
        LAUNCHER,
        verticle,
        "-cluster",
        "-cluster-host",
        host,
        "-conf",
        home.resolve("config.json").toString());
  }

  /** Starts a node whose class path has one class of the tests, but not the library. */
  public NodeProcess startPlain(Class<?> main, String... arguments) {
    String classFile = main.getName().replace('.', '/') + ".class";
    Path home = nodeDirectory(LOOPBACK);
    try {
      Files.createDirectories(home.resolve(classFile).getParent());
      Files.copy(testClasses().resolve(classFile), home.resolve(classFile));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return start(
        List.of(),
        home,
        classPath(entry -> entry.endsWith(".jar") && !engine.isOther(entry)),
        Stream.concat(Stream.of(main.getName()), Arrays.stream(arguments)).toArray(String[]::new));
  }

  /** Starts a JVM whose class path begins with the directory of its node. */
  private NodeProcess start(List<String> prefix, Path home, String classPath, String... arguments) {
    return new NodeProcess(
        prefix,
        home + File.pathSeparator + classPath,
        Stream.concat(engine.jvmOptions().stream(), Arrays.stream(arguments)).toList());
  }

  /** Creates a directory with the configuration of the cluster manager. */
  private Path nodeDirectory(String host) {
    try {
      Path home = Files.createTempDirectory(directory, "node");
      write(home.resolve(engine.configurationFile), engine.configuration(host));
      return home;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(Path file, String content) {
    try {
      Files.writeString(file, content);
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
