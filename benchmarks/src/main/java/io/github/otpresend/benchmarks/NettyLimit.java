// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.AsciiString;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/**
 * The limit: Netty's HTTP codec with prepared headers. Its pool is a stack. It checks only the
 * status, reads no JSON, and sends only the necessary headers.
 */
final class NettyLimit implements Contender {
  private final MultiThreadIoEventLoopGroup loop =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final Deque<Connection> idle = new ArrayDeque<>(); // used on the event loop only
  private final HttpHeaders headers =
      DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
  private final Target target;

  NettyLimit(Target target) {
    this.target = target;
    headers
        .set(HttpHeaderNames.HOST, AsciiString.of(Target.HOST + ":" + target.port()))
        .set(HttpHeaderNames.ACCEPT, HttpHeaderValues.APPLICATION_JSON)
        .set(HttpHeaderNames.AUTHORIZATION, AsciiString.of(Target.BEARER))
        .set(HttpHeaderNames.CONTENT_LENGTH, HttpHeaderValues.ZERO);
    Bootstrap bootstrap =
        new Bootstrap()
            .group(loop)
            .channel(NioSocketChannel.class)
            .option(ChannelOption.TCP_NODELAY, true)
            .handler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    Connection connection = new Connection(channel);
                    channel.pipeline().addLast(new HttpClientCodec(), connection);
                    idle.add(connection);
                  }
                });
    for (int i = 0; i < target.connections(); i++) {
      bootstrap.connect(Target.HOST, target.port()).syncUninterruptibly();
    }
  }

  private final class Connection extends SimpleChannelInboundHandler<HttpObject> {
    private final Channel channel;
    private Consumer<Outcome> done = outcome -> {};
    private Outcome outcome = Outcome.ERROR;

    Connection(Channel channel) {
      this.channel = channel;
    }

    void ask(String requestId, Consumer<Outcome> done) {
      this.done = done;
      FullHttpRequest request =
          new DefaultFullHttpRequest(
              HttpVersion.HTTP_1_1,
              HttpMethod.POST,
              target.uri(requestId),
              Unpooled.EMPTY_BUFFER,
              headers,
              EmptyHttpHeaders.INSTANCE);
      channel.writeAndFlush(request, channel.voidPromise());
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
      if (part instanceof HttpResponse head) {
        outcome =
            head.status().code() == target.answer().status
                ? target.answer().outcome
                : Outcome.ERROR;
      }
      if (part instanceof LastHttpContent) {
        idle.push(this);
        done.accept(outcome);
      }
    }
  }

  @Override
  public void begin(Runnable load) {
    loop.execute(load);
  }

  @Override
  public void resend(String requestId, Consumer<Outcome> done) {
    idle.pop().ask(requestId, done);
  }

  @Override
  public void close() {
    loop.shutdownGracefully().syncUninterruptibly();
  }
}
