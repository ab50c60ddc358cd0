// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import io.github.otpresend.sandbox.OtpSandbox;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisAPI;
import io.vertx.redis.client.Response;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The sandbox that all processes of the example call. The first process starts it, and the others
 * find it through Redis. It has one authentication request, since the processes stand for one
 * application behind a load balancer, and the request is the person's.
 */
final class SharedSandbox {
  private static final String KEY = "io.github.otpresend.example";
  private static final String LIFETIME_MILLIS = "5000";
  private static final long RENEWAL_MILLIS = 1_000;

  private final String baseUrl;
  private final String token;
  private final @Nullable SandboxPanel panel; // null if another process has the sandbox
  private final String requestId;

  private SharedSandbox(
      String baseUrl, String token, String requestId, @Nullable SandboxPanel panel) {
    this.baseUrl = baseUrl;
    this.token = token;
    this.requestId = requestId;
    this.panel = panel;
  }

  /** Finds the sandbox of another process, or starts one. */
  static Future<SharedSandbox> join(Vertx vertx, String url) {
    RedisAPI redis = RedisAPI.api(Redis.createClient(vertx, url));
    return redis
        .get(KEY)
        .compose(
            other ->
                other != null
                    ? Future.succeededFuture(decode(other))
                    : vertx
                        .executeBlocking(OtpSandbox::start)
                        .compose(sandbox -> offer(vertx, redis, sandbox)));
  }

  private static Future<SharedSandbox> offer(Vertx vertx, RedisAPI redis, OtpSandbox sandbox) {
    SandboxPanel panel = new SandboxPanel(sandbox);
    SharedSandbox own =
        new SharedSandbox(sandbox.baseUrl(), sandbox.token(), panel.newRequestId(), panel);
    return redis
        .set(List.of(KEY, own.encode(), "NX", "PX", LIFETIME_MILLIS))
        .compose(
            ok -> {
              if (ok == null) { // another process was faster
                sandbox.close();
                return redis.get(KEY).map(SharedSandbox::decode);
              }
              vertx.setPeriodic(
                  RENEWAL_MILLIS, timer -> redis.pexpire(List.of(KEY, LIFETIME_MILLIS)));
              return Future.succeededFuture(own);
            });
  }

  private String encode() {
    return new JsonObject()
        .put("baseUrl", baseUrl)
        .put("token", token)
        .put("requestId", requestId)
        .encode();
  }

  private static SharedSandbox decode(Response found) {
    JsonObject json = new JsonObject(found.toString());
    return new SharedSandbox(
        json.getString("baseUrl"), json.getString("token"), json.getString("requestId"), null);
  }

  String baseUrl() {
    return baseUrl;
  }

  String token() {
    return token;
  }

  String requestId() {
    return requestId;
  }

  boolean isOwn() {
    return panel != null;
  }

  @Nullable SandboxPanel panel() {
    return panel;
  }
}
