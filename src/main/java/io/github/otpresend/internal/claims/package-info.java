// SPDX-License-Identifier: Apache-2.0

/** What allows one call at a time for a request id. */
@NullMarked
package io.github.otpresend.internal.claims;

import org.jspecify.annotations.NullMarked;
