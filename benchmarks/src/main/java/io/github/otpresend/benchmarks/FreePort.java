// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A port that nothing uses. It is not one of the ports that the system gives to a connection or to
 * a listener at port 0, so nothing else takes it meanwhile.
 */
final class FreePort {
  private static final int FIRST = 20_000;
  private static final int FIRST_OF_SYSTEM = 32_768;

  private FreePort() {}

  static int find() {
    while (true) {
      int port = ThreadLocalRandom.current().nextInt(FIRST, FIRST_OF_SYSTEM);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getByName(Target.HOST))) {
        return socket.getLocalPort();
      } catch (BindException taken) {
        // another port, then
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
