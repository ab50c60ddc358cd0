// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.benchmarks;

/**
 * The service that a contender calls, and how.
 *
 * @param port the port of the server on 127.0.0.1
 * @param certificate the file of the certificate to trust; empty without TLS
 * @param connections how many connections the contender may have
 * @param waiting how many calls wait for a connection
 * @param answer what the server answers
 */
record Target(int port, String certificate, int connections, int waiting, Answer answer) {
  static final String HOST = "127.0.0.1";
  static final String TOKEN = "0123456789abcdef0123456789abcdef";
  static final String BEARER = "Bearer " + TOKEN;

  boolean isTls() {
    return !certificate.isEmpty();
  }

  String baseUrl() {
    return (isTls() ? "https" : "http") + "://" + HOST + ":" + port + "/" + answer.segment();
  }

  String url(String requestId) {
    return baseUrl() + "/" + requestId + "/resend";
  }

  String uri(String requestId) {
    return "/" + answer.segment() + "/" + requestId + "/resend";
  }
}
