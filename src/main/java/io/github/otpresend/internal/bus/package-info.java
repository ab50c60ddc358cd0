// SPDX-License-Identifier: Apache-2.0

/** The client of an event-bus address, and the messages. */
@NullMarked
package io.github.otpresend.internal.bus;

import org.jspecify.annotations.NullMarked;
