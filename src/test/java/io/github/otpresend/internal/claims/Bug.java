// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.internal.claims;

/** A fault that claims between nodes have had, or could have. A simulation has to find each. */
enum Bug {
  NONE,
  /** A call that settles late overwrites the claim of the next owner. */
  LATE_OWNER_WRITES,
  /** All owners have the same name. */
  OWNERS_HAVE_ONE_NAME,
  /** A call that settles late removes the claim of the next owner. */
  RELEASE_OF_OTHERS,
  /** A cooldown counts from the answer. */
  COOLDOWN_FROM_ANSWER,
  /** A cooldown replaces the cooldown of another call. */
  COOLDOWN_IS_SHORTENED
}
