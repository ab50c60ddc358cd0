// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.otpresend.OtpResendOptions;
import io.vertx.core.json.JsonObject;
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
 * A server on a raw socket. It runs a script for each request or for each connection, and records
 * the requests that it reads. A thread serves each connection.
 */
public final class FaultServer implements AutoCloseable {
  public static final String SUCCESS = response(201, "{\"success\":true}");

  /** The token of {@link #options()}. */
  public static final String TOKEN = "secret-token";

  private static final int END_OF_HEAD = '\r' << 24 | '\n' << 16 | '\r' << 8 | '\n';

  /** The behaviour of the server. It may block until the server is closed. */
  @FunctionalInterface
  public interface Script {
    void run(Peer peer) throws IOException;
  }

  private final ServerSocket server;
  private final Thread acceptor;
  private final String scheme;
  private final Script onConnection;
  private final boolean recordsRequests;
  private final Queue<String> requests = new ConcurrentLinkedQueue<>();
  private final Set<Socket> openSockets = ConcurrentHashMap.newKeySet();
  private final AtomicInteger connections = new AtomicInteger();

  private FaultServer(
      String scheme,
      ServerSocketFactory factory,
      InetSocketAddress address,
      Script onConnection,
      boolean recordsRequests)
      throws IOException {
    this.scheme = scheme;
    this.onConnection = onConnection;
    this.recordsRequests = recordsRequests;
    server = factory.createServerSocket(address.getPort(), 200, address.getAddress());
    acceptor = daemon("fault-server", this::accept);
  }

  /** Starts a server that runs the script for each request, after it has read the head. */
  public static FaultServer onRequest(Script script) {
    return onRequest("http", ServerSocketFactory.getDefault(), script);
  }

  /** Starts a server that runs the script for each request, on the sockets of a factory. */
  public static FaultServer onRequest(String scheme, ServerSocketFactory factory, Script script) {
    return start(scheme, factory, 0, forEachRequest(script), true);
  }

  /** Starts a server that runs the script for each request, at a port that is free. */
  public static FaultServer at(int port, Script script) {
    return start("http", ServerSocketFactory.getDefault(), port, forEachRequest(script), true);
  }

  /**
   * Starts a server that runs the script for each request, at an address of this machine, for
   * example 127.0.0.2.
   */
  public static FaultServer at(InetSocketAddress address, Script script) {
    return start("http", ServerSocketFactory.getDefault(), address, forEachRequest(script), true);
  }

  /**
   * Starts a server that runs the script for each request and does not record the requests, so that
   * their number does not matter.
   */
  public static FaultServer onCountlessRequests(Script script) {
    return start("http", ServerSocketFactory.getDefault(), 0, forEachRequest(script), false);
  }

  private static Script forEachRequest(Script script) {
    return peer -> {
      while (peer.readRequest()) {
        script.run(peer);
      }
    };
  }

  /**
   * Starts a server that runs the script for each connection before it reads, and then closes the
   * connection.
   */
  public static FaultServer onConnection(Script script) {
    return onConnection("http", script);
  }

  /**
   * Starts a server that runs the script for each connection before it reads, and then closes the
   * connection.
   *
   * @param scheme the scheme of {@link #baseUrl()}
   */
  public static FaultServer onConnection(String scheme, Script script) {
    return start(scheme, ServerSocketFactory.getDefault(), 0, script, true);
  }

  private static FaultServer start(
      String scheme,
      ServerSocketFactory factory,
      int port,
      Script onConnection,
      boolean recordsRequests) {
    return start(
        scheme, factory, new InetSocketAddress("localhost", port), onConnection, recordsRequests);
  }

  private static FaultServer start(
      String scheme,
      ServerSocketFactory factory,
      InetSocketAddress address,
      Script onConnection,
      boolean recordsRequests) {
    try {
      return new FaultServer(scheme, factory, address, onConnection, recordsRequests);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static String response(int status, String body) {
    return response(status, "Content-Type: application/json", body);
  }

  public static String response(int status, String header, String body) {
    return "HTTP/1.1 %d Status\r\n%s\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(status, header, body.getBytes(UTF_8).length, body);
  }

  public int port() {
    return server.getLocalPort();
  }

  public String baseUrl() {
    return scheme + "://localhost:" + port() + "/api";
  }

  /** Returns the options of a client of this server. */
  public OtpResendOptions options() {
    return new OtpResendOptions().setBaseUrl(baseUrl()).setToken(TOKEN);
  }

  /** Returns the configuration of a verticle whose client calls this server. */
  public JsonObject config() {
    return new JsonObject().put("baseUrl", baseUrl()).put("token", TOKEN);
  }

  /** Returns the heads of all requests in the order in which the server read them. */
  public List<String> requests() {
    return List.copyOf(requests);
  }

  /** Removes the recorded requests. */
  public void forgetRequests() {
    requests.clear();
  }

  /** Returns how many connections the server has accepted. */
  public int connections() {
    return connections.get();
  }

  /** Returns how many connections are open. */
  public int openConnections() {
    return openSockets.size();
  }

  /**
   * Waits until clients have closed all connections. Tests call it before they close Vert.x: if an
   * HTTP client is closed while an attempt to connect fails, its close may never complete in Vert.x
   * 5.2.0.
   */
  public void awaitDisconnected() {
    Calls.eventually("all connections are closed", openSockets::isEmpty);
  }

  @Override
  public void close() {
    closeQuietly(server);
    closeQuietly(acceptor::join); // clients can connect until the thread has left accept
    openSockets.forEach(FaultServer::closeQuietly);
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        openSockets.add(socket);
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
    } catch (IOException | UncheckedIOException connectionEnded) {
      // clients may close the connection at any time
    } finally {
      openSockets.remove(socket);
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
      // a failure to close has no effect on the test
    }
  }

  /** The server side of one connection. */
  public final class Peer {
    private Socket socket;
    private @Nullable InputStream in;
    private String head = "";

    private Peer(Socket socket) {
      this.socket = socket;
    }

    /** Reads and records the head of a request. Returns false at the end of the connection. */
    public boolean readRequest() throws IOException {
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
          if (recordsRequests) {
            requests.add(head);
          }
          return true;
        }
      }
    }

    /** Reads one byte. Returns false at the end of the connection. */
    public boolean readByte() throws IOException {
      return in().read() >= 0;
    }

    /** Returns the head of the request that was read last. */
    public String head() {
      return head;
    }

    public void write(String text) throws IOException {
      write(text.getBytes(UTF_8));
    }

    public void write(byte[] bytes) throws IOException {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
    }

    /** Switches the connection to TLS. */
    public void startTls(SSLContext context) throws IOException {
      SSLSocket secure = (SSLSocket) context.getSocketFactory().createSocket(socket, null, true);
      secure.setUseClientMode(false);
      socket = secure;
      in = null;
    }

    /** Sends nothing until the client closes the connection or the server is closed. */
    public void silence() throws IOException {
      while (in().read() >= 0) {
        // discards what the client sends
      }
    }

    /** Limits how long a read may wait. It then fails with a {@link SocketTimeoutException}. */
    public void limitIdleTo(Duration limit) throws IOException {
      socket.setSoTimeout((int) limit.toMillis());
    }

    /** Sends a FIN, so nothing more can be written. The client can still send data. */
    public void finish() throws IOException {
      socket.shutdownOutput();
    }

    /** Waits for a latch of the test, and sends nothing meanwhile. */
    public void await(CountDownLatch latch) throws IOException {
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new InterruptedIOException();
      }
    }

    /** Closes the connection with a FIN. */
    public void close() throws IOException {
      socket.close();
    }

    /** Closes the connection with a RST. */
    public void reset() throws IOException {
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
