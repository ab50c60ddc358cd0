// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ServerSocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/** Certificates with their private keys, each under a name. */
public final class Certificates {
  private final Map<String, X509Bundle> all = new HashMap<>();

  /** Makes the certificate of an authority. */
  public Certificates authority(String name) {
    return add(name, builder(name).setIsCertificateAuthority(true), null);
  }

  /** Makes a certificate of a host that is signed by itself, and so is also an authority. */
  public Certificates selfSigned(String name, String host) {
    return add(name, builder(name).addSanDnsName(host).setIsCertificateAuthority(true), null);
  }

  /** Makes a certificate of a host that an authority signs. */
  public Certificates signedBy(String authority, String name, String host) {
    return add(name, builder(name).addSanDnsName(host), authority);
  }

  /** Makes a certificate of a host that an authority signed and that has expired. */
  public Certificates expired(String authority, String name, String host) {
    Instant now = Instant.now();
    CertificateBuilder certificate =
        builder(name)
            .addSanDnsName(host)
            .notBefore(now.minus(Duration.ofDays(9)))
            .notAfter(now.minus(Duration.ofDays(4)));
    return add(name, certificate, authority);
  }

  private static CertificateBuilder builder(String name) {
    return new CertificateBuilder().ecp256().subject("CN=" + name);
  }

  private Certificates add(String name, CertificateBuilder builder, @Nullable String authority) {
    try {
      all.put(
          name,
          authority == null
              ? builder.buildSelfSigned()
              : builder.buildIssuedBy(all.get(authority)));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    return this;
  }

  /** Returns the options of a client that trusts the certificate and all that it has signed. */
  public PemTrustOptions trust(String name) {
    return new PemTrustOptions().addCertValue(Buffer.buffer(all.get(name).getCertificatePEM()));
  }

  /** Returns the options of a client that has the certificate. */
  public PemKeyCertOptions key(String name) {
    return new PemKeyCertOptions()
        .setKeyValue(Buffer.buffer(all.get(name).getPrivateKeyPEM()))
        .setCertValue(Buffer.buffer(all.get(name).getCertificatePathPEM()));
  }

  /**
   * Returns a factory of sockets that speak TLS. The supplier names the certificate of each
   * connection, and the consumer configures its socket. Client certificates are verified by the
   * certificate {@code trust}.
   */
  public ServerSocketFactory server(
      Supplier<String> name, String trust, Consumer<SSLSocket> settings) {
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

  /** Returns a context that has one certificate and trusts another. */
  public SSLContext context(String name, String trust) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(
          all.get(name).toKeyManagerFactory().getKeyManagers(),
          all.get(trust).toTrustManagerFactory().getTrustManagers(),
          null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }
}
