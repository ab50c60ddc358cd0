// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.plain;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.eventbus.ReplyException;
import io.vertx.core.json.JsonObject;

/** A node that has Vert.x but not the library. It prints the reply to each of its messages. */
public final class PlainAsker {
  private PlainAsker() {}

  /**
   * Sends one message after the other, and ends.
   *
   * @param args the messages, each an address, a slash and a request id
   */
  public static void main(String[] args) throws Exception {
    try {
      Class.forName("io.github.otpresend.ResendException");
      throw new IllegalStateException("The library is on the class path");
    } catch (ClassNotFoundException expected) {
      // the library is not on the class path
    }
    VertxOptions options = new VertxOptions();
    options.getEventBusOptions().setHost("127.0.0.1");
    Vertx vertx = Vertx.clusteredVertx(options).await();
    for (String arg : args) {
      String[] addressAndId = arg.split("/");
      System.out.println("asking: " + arg);
      JsonObject message = new JsonObject().put("requestId", addressAndId[1]);
      Future<JsonObject> outcome =
          vertx
              .eventBus()
              .<JsonObject>request(addressAndId[0], message)
              .map(reply -> new JsonObject().put("reply", reply.body()))
              .recover(failure -> Future.succeededFuture(describe((ReplyException) failure)));
      System.out.println("answer: " + outcome.await().put("id", addressAndId[1]).encode());
    }
    vertx.close().await();
  }

  private static JsonObject describe(ReplyException failure) {
    return new JsonObject()
        .put("failureType", failure.failureType())
        .put("code", failure.failureCode())
        .put("json", new JsonObject(failure.getMessage()));
  }
}
