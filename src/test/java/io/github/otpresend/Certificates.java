// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.PfxOptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ServerSocketFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** Certificates made by the JDK's own keytool, each with its private key, and known by a name. */
final class Certificates {
  private static final String PASSWORD = "changeit";

  private final Path file;

  Certificates(Path directory) {
    file = directory.resolve("all.p12");
  }

  /** Makes a certificate that is signed by itself. */
  Certificates selfSigned(String name, String... more) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-J-XX:TieredStopAtLevel=1",
                "-genkeypair",
                "-alias",
                name,
                "-dname",
                "CN=" + name,
                "-keyalg",
                "EC",
                "-storetype",
                "PKCS12",
                "-keystore",
                file.toString(),
                "-storepass",
                PASSWORD));
    command.addAll(List.of(more));
    try {
      Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(keytool.getInputStream().readAllBytes(), UTF_8);
      assertEquals(0, keytool.waitFor(), output);
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
    return this;
  }

  Certificates authority(String name) {
    return selfSigned(name, "-ext", "bc:c");
  }

  Certificates signedBy(String authority, String name, String... more) {
    List<String> all = new ArrayList<>(List.of(more));
    all.addAll(List.of("-signer", authority));
    return selfSigned(name, all.toArray(String[]::new));
  }

  /** A client's trust in a certificate and, if it is an authority, in what it has signed. */
  PfxOptions trust(String name) {
    return pfx(trustStore(name));
  }

  /** A client's own certificate. */
  PfxOptions key(String name) {
    return pfx(keyStore(name));
  }

  /**
   * Sockets that speak TLS: each connection with the certificate that has the name then, and with
   * the settings made to it. Client certificates are verified against the trust.
   */
  ServerSocketFactory server(Supplier<String> name, String trust, Consumer<SSLSocket> settings) {
    return new ServerSocketFactory() {
      @Override
      public ServerSocket createServerSocket(int port, int backlog, InetAddress address)
          throws IOException {
        return new ServerSocket(port, backlog, address) {
          @Override
          public Socket accept() throws IOException {
            Socket accepted = super.accept();
            SSLSocket socket =
                (SSLSocket)
                    context(name.get(), trust)
                        .getSocketFactory()
                        .createSocket(accepted, null, true);
            settings.accept(socket);
            return socket;
          }
        };
      }

      @Override
      public ServerSocket createServerSocket(int port, int backlog) throws IOException {
        return createServerSocket(port, backlog, null);
      }

      @Override
      public ServerSocket createServerSocket(int port) throws IOException {
        return createServerSocket(port, 0);
      }
    };
  }

  SSLContext context(String name, String trust) {
    try {
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(keyStore(name), PASSWORD.toCharArray());
      TrustManagerFactory trusted =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trusted.init(trustStore(trust));
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), trusted.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private KeyStore trustStore(String name) {
    try {
      KeyStore store = emptyStore();
      store.setCertificateEntry(name, all().getCertificate(name));
      return store;
    } catch (GeneralSecurityException | IOException e) {
      throw new AssertionError(e);
    }
  }

  private KeyStore keyStore(String name) {
    try {
      KeyStore all = all();
      PrivateKey key = (PrivateKey) all.getKey(name, PASSWORD.toCharArray());
      KeyStore store = emptyStore();
      store.setKeyEntry(name, key, PASSWORD.toCharArray(), all.getCertificateChain(name));
      return store;
    } catch (GeneralSecurityException | IOException e) {
      throw new AssertionError(e);
    }
  }

  private KeyStore all() throws GeneralSecurityException, IOException {
    return KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
  }

  private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static PfxOptions pfx(KeyStore store) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      store.store(bytes, PASSWORD.toCharArray());
    } catch (GeneralSecurityException | IOException e) {
      throw new AssertionError(e);
    }
    return new PfxOptions().setValue(Buffer.buffer(bytes.toByteArray())).setPassword(PASSWORD);
  }
}
