// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The service, as cheap as it can be: one thread of bare Netty that knows no more of HTTP than
 * where a head ends. It is a process of its own, prints its port, and ends with its standard input.
 */
final class Server extends ByteToMessageDecoder {
  static final char CPU = 'c';

  private static final ByteBuf END_OF_HEAD = Unpooled.copiedBuffer("\r\n\r\n", US_ASCII);
  private static final int SEGMENT = "POST /".length();

  private final Map<Answer, ByteBuf> answers;

  private Server(Map<Answer, ByteBuf> answers) {
    this.answers = answers;
  }

  public static void main(String[] args) throws Exception {
    Map<Answer, ByteBuf> answers = new EnumMap<>(Answer.class);
    for (Answer answer : Answer.values()) {
      answers.put(answer, response(answer.status, answer.body));
    }
    boolean epoll = Epoll.isAvailable();
    IoHandlerFactory io = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    Class<? extends ServerChannel> channel =
        epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    Channel server =
        new ServerBootstrap()
            .group(new MultiThreadIoEventLoopGroup(1, io))
            .channel(channel)
            .option(ChannelOption.SO_BACKLOG, 2_048)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel connection) {
                    connection.pipeline().addLast(new Server(answers));
                  }
                })
            .bind(Target.HOST, 0)
            .sync()
            .channel();
    System.out.println(((InetSocketAddress) server.localAddress()).getPort());
    while (System.in.read() >= 0) {
      // whoever started it is still there
    }
    System.exit(0);
  }

  private static ByteBuf response(int status, String body) {
    byte[] bytes = body.getBytes(UTF_8);
    String head =
        "HTTP/1.1 %d Status\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n"
            .formatted(status, bytes.length);
    return Unpooled.unreleasableBuffer(
        Unpooled.directBuffer().writeBytes(head.getBytes(US_ASCII)).writeBytes(bytes).asReadOnly());
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
    int end = ByteBufUtil.indexOf(END_OF_HEAD, in);
    if (end < 0) {
      return;
    }
    char segment = (char) in.getByte(in.readerIndex() + SEGMENT);
    in.readerIndex(end + END_OF_HEAD.readableBytes());
    if (segment == CPU) {
      context.writeAndFlush(
          Unpooled.copiedBuffer("HTTP/1.1 200 OK\r\n\r\n" + cpuNanos(), US_ASCII));
      return;
    }
    for (Answer answer : Answer.values()) {
      if (answer.segment() == segment) {
        ByteBuf bytes = answers.get(answer).duplicate();
        if (answer.delayMillis == 0) {
          context.writeAndFlush(bytes);
        } else {
          context
              .executor()
              .schedule(
                  () -> context.writeAndFlush(bytes), answer.delayMillis, TimeUnit.MILLISECONDS);
        }
      }
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.close(); // a client that is done may reset its connections
  }

  private static long cpuNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }
}
