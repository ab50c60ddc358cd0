// SPDX-License-Identifier: Apache-2.0

/** One call, step by step, and the client that admits it. */
@NullMarked
package io.github.otpresend.internal.call;

import org.jspecify.annotations.NullMarked;
