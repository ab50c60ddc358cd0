// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

/**
 * What a contender is to ask, and how.
 *
 * @param port of the server on 127.0.0.1
 * @param connections how many the contender may have
 * @param waiting how many calls wait for one of them
 * @param answer what comes
 */
record Target(int port, int connections, int waiting, Answer answer) {
  static final String HOST = "127.0.0.1";
  static final String TOKEN = "0123456789abcdef0123456789abcdef";
  static final String BEARER = "Bearer " + TOKEN;

  String baseUrl() {
    return "http://" + HOST + ":" + port + "/" + answer.segment();
  }

  String url(String requestId) {
    return "http://" + HOST + ":" + port + uri(requestId);
  }

  String uri(String requestId) {
    return "/" + answer.segment() + "/" + requestId + "/resend";
  }
}
