// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.dns.AddressResolverOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.List;

/** A DNS server for one host: RFC 1035, over UDP. Its answers may be cached for one second. */
public final class NameServer implements AutoCloseable {
  public static final String HOST = "service.test";

  private static final int HEADER_BYTES = 12;
  private static final short ANSWER = (short) 0x8580; // authoritative, recursion desired, available
  private static final short NAME_OF_QUESTION = (short) 0xC00C; // a pointer to the name
  private static final short ADDRESS_V4 = 1;
  private static final short INTERNET = 1;
  private static final int TIME_TO_LIVE_SECONDS = 1;

  private final DatagramSocket socket;
  private volatile List<String> addresses = List.of();

  public NameServer() {
    try {
      socket = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread thread = new Thread(this::serve, "name-server");
    thread.setDaemon(true);
    thread.start();
  }

  /** Sets the addresses of the host, in their order. */
  public NameServer resolvesTo(String... addresses) {
    this.addresses = List.of(addresses);
    return this;
  }

  /** Returns a Vert.x that resolves names with this server. */
  public Vertx vertx() {
    return Vertx.vertx(
        new VertxOptions()
            .setAddressResolverOptions(
                new AddressResolverOptions().addServer("127.0.0.1:" + socket.getLocalPort())));
  }

  private void serve() {
    DatagramPacket packet = new DatagramPacket(new byte[512], 512);
    try {
      while (true) {
        socket.receive(packet);
        byte[] answer = answer(ByteBuffer.wrap(packet.getData(), 0, packet.getLength()));
        socket.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
        packet.setLength(512);
      }
    } catch (IOException closed) {
      // the test has closed the server
    }
  }

  private byte[] answer(ByteBuffer query) throws IOException {
    int end = HEADER_BYTES;
    while (query.get(end) != 0) {
      end += 1 + query.get(end);
    }
    boolean isForV4 = query.getShort(end + 1) == ADDRESS_V4;
    byte[] question = new byte[end + 5 - HEADER_BYTES];
    query.get(HEADER_BYTES, question);
    List<String> found = isForV4 ? addresses : List.of();
    ByteBuffer answer = ByteBuffer.allocate(512);
    answer.putShort(query.getShort(0)).putShort(ANSWER);
    answer.putShort((short) 1).putShort((short) found.size()).putInt(0).put(question);
    for (String address : found) {
      answer.putShort(NAME_OF_QUESTION).putShort(ADDRESS_V4).putShort(INTERNET);
      answer.putInt(TIME_TO_LIVE_SECONDS).putShort((short) 4);
      answer.put(InetAddress.getByName(address).getAddress());
    }
    byte[] bytes = new byte[answer.position()];
    answer.get(0, bytes);
    return bytes;
  }

  @Override
  public void close() {
    socket.close();
  }
}
