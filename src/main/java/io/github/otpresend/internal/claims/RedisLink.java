// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.internal.DeadlineQueue;
import io.vertx.core.Future;
import io.vertx.core.internal.ContextInternal;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One connection to Redis at a time. All commands go over it, and none waits for the answer to
 * another. The first command makes it. If it breaks, or an answer does not come within
 * connectTimeout, the next command makes another: at once, and after that at the end of a pause,
 * which grows with each failure. This class is used on one event loop only.
 */
public final class RedisLink implements RedisClaims.Scripts {
  private static final long FIRST_PAUSE_NANOS = 50_000_000;
  private static final int MAX_DOUBLINGS = 5;

  private final ContextInternal home;
  private final RedisOptions options;

  /** The commands without an answer. */
  private final DeadlineQueue<Unanswered> unanswered;

  private @Nullable Connection current;
  private int failures;
  private long pausedUntil = System.nanoTime();

  /**
   * @param maxCommands how many commands may be without an answer
   */
  public RedisLink(ContextInternal home, OtpResendOptions options, int maxCommands) {
    this.home = home;
    this.options =
        new RedisOptions()
            .setConnectionString(Objects.requireNonNull(options.getRedis()))
            .setMaxPoolSize(1)
            .setPoolCleanerInterval(-1)
            .setMaxWaitingHandlers(maxCommands);
    this.options
        .getNetClientOptions()
        .setConnectTimeout((int) options.getConnectTimeout().toMillis());
    unanswered = new DeadlineQueue<>(home, options.getConnectTimeout());
  }

  @Override
  public Future<@Nullable String> run(String script, String key, List<String> arguments) {
    Connection connection = current;
    if (connection == null || connection.isBroken) {
      if (System.nanoTime() - pausedUntil < 0) {
        return Future.failedFuture("Redis is away");
      }
      connection = new Connection();
      current = connection;
    }
    Request eval = Request.cmd(Command.EVAL).arg(script).arg(1).arg(key);
    arguments.forEach(eval::arg);
    return connection.send(eval);
  }

  @Override
  public void close() {
    unanswered.close();
    if (current != null) {
      current.redis.close();
    }
  }

  /** The first pause is none: a Redis may close a connection that was idle. */
  private static long pauseNanos(int failures) {
    return failures == 0 ? 0 : FIRST_PAUSE_NANOS << Math.min(failures - 1, MAX_DOUBLINGS);
  }

  private static @Nullable String text(@Nullable Response answer) {
    return answer == null ? null : answer.toString();
  }

  /** A command, which breaks its connection if its answer does not come in time. */
  private static final class Unanswered extends DeadlineQueue.Entry {
    private final Connection connection;

    Unanswered(Connection connection) {
      this.connection = connection;
    }

    @Override
    public void expire() {
      connection.broke();
    }
  }

  /** A connection, with a client of its own: the client's pool would not close it. */
  private final class Connection {
    private final Redis redis;
    private final Future<RedisConnection> made;
    private boolean isBroken;

    Connection() {
      ContextInternal previous = home.beginDispatch();
      try {
        redis = Redis.createClient(home.owner(), options);
        made = redis.connect();
      } finally {
        home.endDispatch(previous);
      }
      made.onSuccess(
              connection -> {
                connection.exceptionHandler(e -> broke());
                connection.endHandler(v -> broke());
              })
          .onFailure(e -> broke());
    }

    Future<@Nullable String> send(Request command) {
      Unanswered entry = new Unanswered(this);
      unanswered.add(entry);
      return made.compose(connection -> connection.send(command))
          .onComplete(answered -> entry.cancel())
          .onSuccess(answer -> failures = 0)
          .<@Nullable String>map(RedisLink::text);
    }

    /** Gives the connection up. What is without an answer fails. */
    void broke() {
      if (!isBroken) {
        isBroken = true;
        pausedUntil = System.nanoTime() + pauseNanos(failures++);
        redis.close();
      }
    }
  }
}
