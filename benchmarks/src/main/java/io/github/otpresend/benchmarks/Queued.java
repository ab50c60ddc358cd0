// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/** A queue in front of a client that has no queue for calls that wait for a connection. */
final class Queued implements Contender {
  private final Contender client;
  private final Semaphore connections;
  private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();

  Queued(Contender client, int connections) {
    this.client = client;
    this.connections = new Semaphore(connections);
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    waiting.add(
        () ->
            client.resend(
                requestId,
                outcome -> {
                  connections.release();
                  startNext();
                  done.accept(outcome);
                }));
    startNext();
  }

  private void startNext() {
    while (!waiting.isEmpty() && connections.tryAcquire()) {
      Runnable call = waiting.poll();
      if (call == null) {
        connections.release();
      } else {
        call.run();
      }
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
