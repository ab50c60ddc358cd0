// SPDX-License-Identifier: Apache-2.0

/** What the rooms share: contexts, deadlines, and the rules for values from outside. */
@NullMarked
package io.github.otpresend.internal;

import org.jspecify.annotations.NullMarked;
