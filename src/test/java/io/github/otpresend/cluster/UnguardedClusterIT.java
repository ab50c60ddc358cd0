// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.cluster;

import static io.github.otpresend.testing.Calls.await;
import static io.github.otpresend.testing.Calls.causeOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.testing.FaultServer;
import io.github.otpresend.testing.TestCluster;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.shareddata.AsyncMap;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests of a cluster manager that has no map that can guard, in the Maven profile zookeeper. */
class UnguardedClusterIT {
  @TempDir Path directory;

  private Vertx vertx;

  @BeforeEach
  void join() {
    TestCluster cluster = new TestCluster(directory);
    assumeFalse(cluster.canGuard(), "this cluster manager can guard");
    vertx = cluster.join();
  }

  @AfterEach
  void leave() {
    if (vertx != null) {
      await(vertx.close());
    }
  }

  @Test
  void with_the_guard_the_deployment_fails_and_says_why_and_without_it_the_verticle_serves() {
    try (FaultServer server = FaultServer.onRequest(peer -> peer.write(FaultServer.SUCCESS))) {
      Throwable refusal = causeOf(vertx.deployVerticle(new OtpResendVerticle(server.options())));
      assertInstanceOf(IllegalArgumentException.class, refusal);
      assertTrue(refusal.getMessage().startsWith("clusterGuard is true, but "), "" + refusal);

      OtpResendVerticle verticle = new OtpResendVerticle(server.options().setClusterGuard(false));
      await(vertx.deployVerticle(verticle));
      assertTrue(await(verticle.resend("id")).success());
      assertEquals(1, server.requests().size());
    }
  }

  /** This is the reason of the refusal. If this test fails, the refusal can go. */
  @Test
  void two_calls_of_put_if_absent_at_the_same_time_both_succeed() {
    AsyncMap<String, String> map = await(vertx.sharedData().getClusterWideMap("test"));
    List<Future<String>> calls =
        List.of(map.putIfAbsent("key", "one", 60_000), map.putIfAbsent("key", "two", 60_000));
    for (Future<String> call : calls) {
      assertEquals(null, await(call));
    }
  }
}
