// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.call;

import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.internal.BaseUrl;
import io.github.otpresend.internal.Setting;
import java.net.URI;

/**
 * The rules between settings. The setters cannot check them, since they may be called in any order.
 */
public final class OptionRules {
  private OptionRules() {}

  /**
   * Checks the rules.
   *
   * @throws IllegalArgumentException if a rule is broken
   */
  public static void check(OtpResendOptions options) {
    Setting.check(
        options.getConnectTimeout().compareTo(options.getTimeout()) <= 0,
        "connectTimeout",
        options.getConnectTimeout(),
        "at most timeout, which is " + options.getTimeout());
    Setting.check(
        !isPlaintext(options) || options.isAllowPlaintext(),
        "baseUrl",
        '"' + options.getBaseUrl() + '"',
        "an https URL, or an http URL to a loopback host without a proxy, unless allowPlaintext is"
            + " true, because the token would travel in clear text");
  }

  /** Returns whether the password of Redis would travel in clear text over a network. */
  public static boolean isPlaintextRedis(OtpResendOptions options) {
    String redis = options.getRedis();
    if (redis == null || redis.startsWith("rediss:")) {
      return false;
    }
    URI uri = URI.create(redis);
    return uri.getRawUserInfo() != null
        && !new BaseUrl(false, uri.getHost(), uri.getPort(), "").isLoopback();
  }

  /** Returns whether the token would travel in clear text over a network. */
  public static boolean isPlaintext(OtpResendOptions options) {
    BaseUrl baseUrl = Setting.url("baseUrl", options.getBaseUrl());
    return !baseUrl.ssl()
        && (!baseUrl.isLoopback() || options.getWebClient().getProxyOptions() != null);
  }
}
