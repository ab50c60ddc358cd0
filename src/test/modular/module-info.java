// SPDX-License-Identifier: Apache-2.0

/** An application on the module path: the library is all that it names. */
module app {
  requires io.github.otpresend;
}
