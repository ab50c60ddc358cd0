// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.cluster;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static io.github.otpresend.testing.Calls.eventually;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.hazelcast.config.Config;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.FreePort;
import io.github.otpresend.testing.NodeProcess;
import io.github.otpresend.testing.TestCluster;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.eventbus.DeliveryOptions;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.eventbus.ReplyFailure;
import io.vertx.core.json.JsonObject;
import io.vertx.spi.cluster.hazelcast.HazelcastClusterManager;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Tests of a node that the command of the manual starts as a process. */
@Timeout(120)
class LauncherIT {
  private static final String LIBRARIES =
      "(vertx-(core|web-client|web-common|auth-common|uri-template|launcher-application|hazelcast)"
          + "|netty|jackson|hazelcast|picocli).*jar";

  private static final String WAIT_BEFORE_JOIN = "hazelcast.wait.seconds.before.join";

  @TempDir static Path lib;

  @TempDir Path directory;

  @BeforeAll
  static void collectLibraries() throws IOException {
    for (String jar :
        TestCluster.classPath(entry -> entry.matches(LIBRARIES)).split(File.pathSeparator)) {
      Files.copy(Path.of(jar), lib.resolve(Path.of(jar).getFileName()));
    }
    int exitCode =
        ToolProvider.findFirst("jar")
            .orElseThrow()
            .run(
                System.out,
                System.err,
                "--create",
                "--file=" + lib.resolve("vertx-otp-resend.jar"),
                "-C",
                Path.of("target", "classes").toString(),
                ".");
    assertEquals(0, exitCode);
  }

  /** Returns the manual's configuration of a cluster that no other test run joins, on loopback. */
  private static String clusterXml(int port) throws IOException {
    return block("xml")
        .replace("<cluster-name>otp<", "<cluster-name>" + UUID.randomUUID() + "<")
        .replace("10.0.0.", "127.0.0.")
        .replace("5701<", port + "<");
  }

  /** Returns the configuration for nodes that have the same address. */
  private static String clusterXml() throws IOException {
    return clusterXml(0).replace("127.0.0.*", "127.0.0.1"); // a free port when the node starts
  }

  /** Returns the first code block of a language in the section of the manual. */
  private static String block(String language) throws IOException {
    String page = Files.readString(Path.of("src", "site", "markdown", "cluster.md"));
    String section = page.substring(page.indexOf("## Run a node as a process"));
    Matcher block = Pattern.compile("(?ms)^```" + language + "\\n(.*?)^```$").matcher(section);
    assertTrue(block.find(), language);
    return block.group(1);
  }

  /** Starts a node with the command of the manual, in the directories that the manual describes. */
  private NodeProcess start(String clusterXml, JsonObject config) throws IOException {
    return start(directory, "127.0.0.1", clusterXml, config);
  }

  /**
   * @param host the address of the machine on which the node seems to run
   */
  private static NodeProcess start(
      Path directory, String host, String clusterXml, JsonObject config) throws IOException {
    Files.createSymbolicLink(directory.resolve("lib"), lib);
    Path conf = Files.createDirectories(directory.resolve("conf"));
    Files.writeString(conf.resolve("cluster.xml"), clusterXml);
    Files.writeString(directory.resolve("otp-resend.json"), config.encode());
    // exec, so that a signal ends the Java process and not only the shell
    String command =
        block("shell").replaceFirst("(?m)^java ", "exec java ").replace("10.0.0.1", host);
    ProcessBuilder shell =
        new ProcessBuilder("sh", "-e", "-c", command).directory(directory.toFile());
    String javaBin = Path.of(System.getProperty("java.home"), "bin").toString();
    shell.environment().merge("PATH", javaBin, (path, bin) -> bin + File.pathSeparator + path);
    shell // the node starts faster, and does not wait five seconds for other nodes
        .environment()
        .put(
            "JAVA_TOOL_OPTIONS",
            "-XX:TieredStopAtLevel=1 -Dhazelcast.socket.bind.any=false"
                + (" -Dhazelcast.local.localAddress=" + host)
                + (" -D" + WAIT_BEFORE_JOIN + "=0"));
    return new NodeProcess(shell);
  }

  @Test
  void a_node_started_as_in_the_manual_serves_and_stops_in_an_orderly_way() throws Exception {
    String clusterXml = clusterXml();
    Config first = Config.loadFromString(clusterXml).setProperty(WAIT_BEFORE_JOIN, "0");
    first.getNetworkConfig().getJoin().getTcpIpConfig().setMembers(List.of());
    HazelcastClusterManager manager = new HazelcastClusterManager(first);
    Vertx vertx = join(manager);
    int port = manager.getHazelcastInstance().getCluster().getLocalMember().getAddress().getPort();
    CountDownLatch answer = new CountDownLatch(1);
    try (FaultServer server =
            FaultServer.onRequest(
                peer -> {
                  if (peer.head().contains("/held/")) {
                    peer.await(answer);
                  }
                  peer.write(FaultServer.SUCCESS);
                });
        NodeProcess node =
            start(
                clusterXml.replaceAll("127.0.0.\\d:0<", "127.0.0.1:" + port + "<"),
                new JsonObject(block("json"))
                    .put("token", "secret-token")
                    .put("baseUrl", server.baseUrl()))) {
      node.awaitDeployed();
      OtpResendClient requester = OtpResendClient.overEventBus(vertx);
      assertTrue(await(requester.resend("id")).success());
      assertTrue(server.requests().get(0).contains("Bearer secret-token\r\n"));

      Future<ResendResponse> held = requester.resend("held");
      eventually("the service received the request", () -> server.requests().size() == 2);
      CompletableFuture<Integer> exitCode = CompletableFuture.supplyAsync(node::stop);
      eventually("the node no longer serves the address", () -> !serves(vertx));
      assertTrue(node.isAlive());
      answer.countDown();
      assertTrue(await(held).success());
      assertEquals(143, exitCode.get());
      assertFalse(node.toString().contains("secret-token"));
    } finally {
      await(vertx.close());
    }
  }

  @Test
  void three_machines_are_one_cluster() throws Exception {
    String clusterXml = clusterXml(FreePort.find());
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      JsonObject config = new JsonObject(block("json")).put("baseUrl", server.baseUrl());
      List<NodeProcess> nodes = new ArrayList<>();
      try {
        for (String host : List.of("127.0.0.1", "127.0.0.2", "127.0.0.3")) {
          Path machine = Files.createDirectory(directory.resolve(host));
          nodes.add(start(machine, host, clusterXml, config.copy().put("token", "secret-token")));
        }
        for (NodeProcess node : nodes) {
          node.line("Members {size:3");
          node.awaitDeployed();
        }
      } finally {
        nodes.forEach(NodeProcess::close);
      }
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  void a_wrong_configuration_stops_the_node_with_an_exit_code_and_names_the_key() throws Exception {
    String alone = clusterXml().replaceAll("<member>.*</member>", "");
    try (NodeProcess node = start(alone, new JsonObject(block("json")).put("retries", 3))) {
      assertEquals(15, node.awaitEnd(), node::toString);
      assertTrue(node.toString().contains("retries"), node::toString);
    }
  }

  /** Starts the first node in this JVM. */
  private static Vertx join(HazelcastClusterManager manager) {
    VertxOptions options = new VertxOptions();
    options.getEventBusOptions().setHost("127.0.0.1");
    return await(Vertx.builder().with(options).withClusterManager(manager).buildClustered());
  }

  /** Returns whether a node serves the address. */
  private static boolean serves(Vertx vertx) {
    Throwable cause =
        causeOf(
            vertx
                .eventBus()
                .request(
                    "otp.resend", new JsonObject(), new DeliveryOptions().setSendTimeout(1_000)));
    return !(cause instanceof ReplyException failure)
        || failure.failureType() != ReplyFailure.NO_HANDLERS;
  }
}
