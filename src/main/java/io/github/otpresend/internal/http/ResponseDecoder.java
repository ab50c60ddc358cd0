// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.internal.Failures;
import io.github.otpresend.internal.Outcome;
import io.github.otpresend.internal.Outcomes;
import io.github.otpresend.internal.ReplyDecoder;
import io.github.otpresend.internal.StrictJson;
import io.github.otpresend.internal.WireNames;
import io.netty.handler.codec.PrematureChannelClosureException;
import io.vertx.core.MultiMap;
import io.vertx.core.VertxException;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.client.HttpResponse;
import java.io.IOException;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Objects;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** The decoder of the service's answers. */
public final class ResponseDecoder {
  private static final ResendResponse SUCCESS = new ResendResponse(true);

  /** The body of the answer to nearly every resend. Only other bodies are parsed as JSON. */
  private static final byte[] USUAL = StrictJson.write(SUCCESS.toJson()).getBytes(UTF_8);

  private ResponseDecoder() {}

  /** Decodes a sample answer, so that a broken class path is detected before the first call. */
  public static void warmUp() {
    Buffer refusal = Buffer.buffer("{\"type\":\"\",\"message\":\"\",\"payload\":{\"n\":1}}");
    decode(400, HttpHeaders.headers(), refusal, InstantSource.system());
    ReplyDecoder.warmUp();
  }

  /**
   * Decodes the outcome of a request that was sent.
   *
   * @param answer the answer; null if it is incomplete
   * @param cause why the answer is incomplete; null if there is an answer
   * @throws ResendException if the content coding cannot be decoded
   */
  public static Outcome decode(
      BoundedBody body, @Nullable HttpResponse<?> answer, @Nullable Throwable cause) {
    if (body.isTooLong()) { // even if the end of the body came with the excess
      return Outcome.of(BoundedBody.tooLong(body.maxBytes()));
    } else if (answer == null) {
      return Outcome.of(incomplete(Objects.requireNonNull(cause)));
    }
    Buffer content = ContentCoding.decode(answer.headers(), body.content(), body.maxBytes());
    return decode(answer.statusCode(), answer.headers(), content, InstantSource.system());
  }

  private static ResendException incomplete(Throwable cause) {
    if (cause instanceof IOException
        || cause instanceof VertxException
        || cause instanceof PrematureChannelClosureException
        || cause.getCause() instanceof SSLException) { // in Netty's DecoderException
      return Failures.of(
          ResendFailure.CONNECTION_LOST,
          "The connection broke before the answer was complete",
          cause);
    }
    // a decoder's exception; its text is left out, since it may quote what the server sent
    return invalid("The answer is not HTTP: " + cause.getClass().getName());
  }

  /**
   * Decodes a complete answer. Throws no exception, whatever the answer is. It is a success if the
   * status is a 2xx and the body a success object.
   *
   * @param clock the clock to which a date in {@code Retry-After} is compared
   */
  public static Outcome decode(int status, MultiMap headers, Buffer body, InstantSource clock) {
    boolean isSuccess = status / 100 == 2;
    byte[] bytes = body.getBytes();
    if (isSuccess && Arrays.equals(bytes, USUAL)) {
      return Outcome.of(SUCCESS);
    }
    JsonObject json = StrictJson.readObject(bytes);
    if (isSuccess) {
      if (json != null && json.getValue(WireNames.SUCCESS) instanceof Boolean success) {
        return Outcome.of(new ResendResponse(success));
      }
      return Outcome.of(
          invalid(
              "The service answered "
                  + status
                  + ", but its body is not {\"success\": true|false}"));
    } else if (status < 400) {
      return Outcome.of(
          invalid("The service answered " + status + ", which is not a valid answer to a resend"));
    }
    return Outcome.of(refusal(status, headers, json, clock));
  }

  private static ResendException refusal(
      int status, MultiMap headers, @Nullable JsonObject json, InstantSource clock) {
    String type = text(json, WireNames.TYPE);
    String message = text(json, WireNames.MESSAGE);
    ResendFailure kind = Outcomes.kindOfAnswer(type, status);
    return new ResendException(
        kind,
        type == null ? kind.type() : type,
        status,
        Outcomes.maybeSentAfterAnswer(type, status),
        message == null ? "The service answered " + status : message,
        RetryAfter.of(headers, clock),
        json == null ? null : payload(json),
        null);
  }

  /**
   * Returns the payload as the event bus would carry it, so that it is the same there. Returns null
   * if the event bus cannot carry it.
   */
  private static @Nullable Object payload(JsonObject json) {
    Object payload = json.getValue(WireNames.PAYLOAD);
    if (payload == null) {
      return null;
    }
    JsonObject carried =
        StrictJson.readObject(
            StrictJson.write(new JsonObject().put(WireNames.PAYLOAD, payload)).getBytes(UTF_8));
    return carried == null ? null : carried.getValue(WireNames.PAYLOAD);
  }

  /** Returns a text as the event bus would carry it, without half a surrogate pair, or null. */
  private static @Nullable String text(@Nullable JsonObject json, String field) {
    if (json == null || !(json.getValue(field) instanceof String text)) {
      return null;
    }
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        return new String(text.getBytes(UTF_8), UTF_8);
      }
    }
    return text;
  }

  private static ResendException invalid(String message) {
    return new ResendException(ResendFailure.INVALID_RESPONSE, message);
  }
}
