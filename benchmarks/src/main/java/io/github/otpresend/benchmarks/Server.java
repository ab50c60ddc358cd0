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
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The service, as cheap as possible: one thread of bare Netty that only finds the end of the head
 * of a request. It is another process, prints its ports, and ends with its standard input.
 */
final class Server extends ByteToMessageDecoder {
  private static final char CPU = 'c';

  private static final ByteBuf END_OF_HEAD = Unpooled.copiedBuffer("\r\n\r\n", US_ASCII);
  private static final int SEGMENT = "POST /".length();

  /** The ports of the server, with and without TLS. */
  record Ports(int plain, int tls) {
    static Ports parse(String text) {
      String[] ports = text.split("/");
      return new Ports(Integer.parseInt(ports[0]), Integer.parseInt(ports[1]));
    }

    @Override
    public String toString() {
      return plain + "/" + tls;
    }
  }

  private final Map<Answer, ByteBuf> answers;

  private Server(Map<Answer, ByteBuf> answers) {
    this.answers = answers;
  }

  /** Starts the server, and writes the certificate for TLS to the file that the argument names. */
  public static void main(String[] args) throws Exception {
    X509Bundle certificate =
        new CertificateBuilder()
            .ecp256()
            .subject("CN=" + Target.HOST)
            .addSanIpAddress(Target.HOST)
            .setIsCertificateAuthority(true)
            .buildSelfSigned();
    Files.writeString(Path.of(args[0]), certificate.getCertificatePEM());
    SslContext tls =
        SslContextBuilder.forServer(
                certificate.getKeyPair().getPrivate(), certificate.getCertificate())
            .build();
    IoHandlerFactory io =
        Epoll.isAvailable() ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, io);
    System.out.println(new Ports(listen(loop, null), listen(loop, tls)));
    while (System.in.read() >= 0) {
      // its standard input is open while the process that started it lives
    }
    System.exit(0);
  }

  private static int listen(EventLoopGroup loop, SslContext tls) throws InterruptedException {
    Map<Answer, ByteBuf> answers = new EnumMap<>(Answer.class);
    for (Answer answer : Answer.values()) {
      answers.put(answer, response(answer.status, answer.body));
    }
    Class<? extends ServerChannel> channel =
        Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    Channel server =
        new ServerBootstrap()
            .group(loop)
            .channel(channel)
            .option(ChannelOption.SO_BACKLOG, 2_048)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel connection) {
                    if (tls != null) {
                      connection.pipeline().addLast(tls.newHandler(connection.alloc()));
                    }
                    connection.pipeline().addLast(new Server(answers));
                  }
                })
            .bind(Target.HOST, 0)
            .sync()
            .channel();
    return ((InetSocketAddress) server.localAddress()).getPort();
  }

  /** Asks the server for the CPU time of its process. */
  static long cpuNanos(int port) throws IOException {
    try (Socket socket = new Socket(Target.HOST, port)) {
      socket.getOutputStream().write(("POST /" + CPU + " HTTP/1.1\r\n\r\n").getBytes(US_ASCII));
      byte[] answer = new byte[1_000];
      int length = socket.getInputStream().read(answer);
      String text = new String(answer, 0, length, US_ASCII);
      return Long.parseLong(text.substring(text.lastIndexOf('\n') + 1));
    }
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
          Unpooled.copiedBuffer("HTTP/1.1 200 OK\r\n\r\n" + Turns.cpuNanos(), US_ASCII));
      return;
    }
    for (Answer answer : Answer.values()) {
      if (answer.segment() == segment) {
        context.writeAndFlush(answers.get(answer).duplicate());
      }
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    context.close(); // a client that is done may reset its connections
  }
}
