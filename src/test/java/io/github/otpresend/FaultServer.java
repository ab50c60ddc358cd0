// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ServerSocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A server on a raw socket that does to each request, or to each connection, what its script says,
 * and records what it read. A thread serves each connection.
 */
final class FaultServer implements AutoCloseable {
  static final String SUCCESS = response(201, "{\"success\":true}");

  private static final int END_OF_HEAD = '\r' << 24 | '\n' << 16 | '\r' << 8 | '\n';

  /** What the server does; it may block, and closing the server ends that. */
  @FunctionalInterface
  interface Script {
    void run(Peer peer) throws IOException;
  }

  private final ServerSocket server;
  private final Thread acceptor;
  private final String scheme;
  private final Script onConnection;
  private final boolean keepsHeads;
  private final Queue<String> requests = new ConcurrentLinkedQueue<>();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger connections = new AtomicInteger();

  private FaultServer(
      String scheme,
      ServerSocketFactory factory,
      InetSocketAddress address,
      Script onConnection,
      boolean keepsHeads)
      throws IOException {
    this.scheme = scheme;
    this.onConnection = onConnection;
    this.keepsHeads = keepsHeads;
    server = factory.createServerSocket(address.getPort(), 200, address.getAddress());
    acceptor = daemon("fault-server", this::accept);
  }

  /** Runs the script for each request, once its head was read. */
  static FaultServer onRequest(Script script) {
    return onRequest("http", ServerSocketFactory.getDefault(), script);
  }

  /** The same over TLS, or over whatever else these sockets speak. */
  static FaultServer onRequest(String scheme, ServerSocketFactory factory, Script script) {
    return start(scheme, factory, 0, forEachRequest(script), true);
  }

  /** The same at a port that is known to be free. */
  static FaultServer at(int port, Script script) {
    return start("http", ServerSocketFactory.getDefault(), port, forEachRequest(script), true);
  }

  /** The same at an address of this machine, such as 127.0.0.2. */
  static FaultServer at(InetSocketAddress address, Script script) {
    return start("http", ServerSocketFactory.getDefault(), address, forEachRequest(script), true);
  }

  /** The same, but it keeps no heads: the script accounts for them. */
  static FaultServer onCountlessRequests(Script script) {
    return start("http", ServerSocketFactory.getDefault(), 0, forEachRequest(script), false);
  }

  private static Script forEachRequest(Script script) {
    return peer -> {
      while (peer.readRequest()) {
        script.run(peer);
      }
    };
  }

  /** Runs the script for each connection, before anything was read; then closes it. */
  static FaultServer onConnection(Script script) {
    return onConnection("http", script);
  }

  static FaultServer onConnection(String scheme, Script script) {
    return start(scheme, ServerSocketFactory.getDefault(), 0, script, true);
  }

  private static FaultServer start(
      String scheme,
      ServerSocketFactory factory,
      int port,
      Script onConnection,
      boolean keepsHeads) {
    return start(
        scheme, factory, new InetSocketAddress("localhost", port), onConnection, keepsHeads);
  }

  private static FaultServer start(
      String scheme,
      ServerSocketFactory factory,
      InetSocketAddress address,
      Script onConnection,
      boolean keepsHeads) {
    try {
      return new FaultServer(scheme, factory, address, onConnection, keepsHeads);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String response(int status, String body) {
    return response(status, "Content-Type: application/json", body);
  }

  static String response(int status, String header, String body) {
    return "HTTP/1.1 %d Status\r\n%s\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(status, header, body.getBytes(UTF_8).length, body);
  }

  int port() {
    return server.getLocalPort();
  }

  String baseUrl() {
    return scheme + "://localhost:" + port() + "/api";
  }

  /** The heads of all requests read, in their order. */
  List<String> requests() {
    return List.copyOf(requests);
  }

  /** Forgets the requests read so far. */
  void forgetRequests() {
    requests.clear();
  }

  /** How many connections were accepted. */
  int connections() {
    return connections.get();
  }

  /** How many connections are open. */
  int openConnections() {
    return open.size();
  }

  /**
   * Waits until clients have closed all connections, as Vert.x has to before a test closes it: of
   * an HTTP client that is closed at the very moment at which an attempt to connect fails, Vert.x
   * 5.2.0 may never say that it is closed.
   */
  void awaitDisconnected() {
    Calls.eventually("no connection is left", open::isEmpty);
  }

  @Override
  public void close() {
    closeQuietly(server);
    closeQuietly(acceptor::join); // for as long as it is in accept, clients can connect
    open.forEach(FaultServer::closeQuietly);
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        open.add(socket);
        connections.incrementAndGet();
        daemon("fault-server-connection", () -> serve(socket));
      } catch (IOException closed) {
        return;
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      onConnection.run(new Peer(socket));
    } catch (IOException | UncheckedIOException theClientWentAway) {
      // as it may
    } finally {
      open.remove(socket);
    }
  }

  private static Thread daemon(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private static void closeQuietly(AutoCloseable closeable) {
    try {
      closeable.close();
    } catch (Exception e) {
      // it is on its way out
    }
  }

  /** The server's side of one connection. */
  final class Peer {
    private Socket socket;
    private @Nullable InputStream in;
    private String head = "";

    private Peer(Socket socket) {
      this.socket = socket;
    }

    /** Reads and records the head of a request; false at the end of the connection. */
    boolean readRequest() throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      int end = 0;
      while (true) {
        int b = in().read();
        if (b < 0) {
          return false;
        }
        bytes.write(b);
        end = end << 8 | b;
        if (end == END_OF_HEAD) {
          head = bytes.toString(ISO_8859_1);
          if (keepsHeads) {
            requests.add(head);
          }
          return true;
        }
      }
    }

    /** Reads one byte; false at the end of the connection. */
    boolean readByte() throws IOException {
      return in().read() >= 0;
    }

    /** The head of the request read last. */
    String head() {
      return head;
    }

    void write(String text) throws IOException {
      write(text.getBytes(UTF_8));
    }

    void write(byte[] bytes) throws IOException {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
    }

    /** From now on the connection speaks TLS. */
    void startTls(SSLContext context) throws IOException {
      SSLSocket secure = (SSLSocket) context.getSocketFactory().createSocket(socket, null, true);
      secure.setUseClientMode(false);
      socket = secure;
      in = null;
    }

    /** Says nothing until the client closes the connection, or the server is closed. */
    void silence() throws IOException {
      while (in().read() >= 0) {
        // whatever comes
      }
    }

    /** How long a read may wait; then it fails with a {@link SocketTimeoutException}. */
    void limitIdleTo(Duration limit) throws IOException {
      socket.setSoTimeout((int) limit.toMillis());
    }

    /** Says that nothing more will be written, with a FIN; what comes can still be read. */
    void finish() throws IOException {
      socket.shutdownOutput();
    }

    /** Says nothing until the test says so. */
    void await(CountDownLatch latch) throws IOException {
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new InterruptedIOException();
      }
    }

    /** Closes the connection with a FIN. */
    void close() throws IOException {
      socket.close();
    }

    /** Closes the connection with a RST. */
    void reset() throws IOException {
      socket.setSoLinger(true, 0);
      socket.close();
    }

    private InputStream in() throws IOException {
      if (in == null) {
        in = new BufferedInputStream(socket.getInputStream());
      }
      return in;
    }
  }
}
