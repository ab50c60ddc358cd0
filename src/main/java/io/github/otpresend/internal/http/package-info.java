// SPDX-License-Identifier: Apache-2.0

/** Connections to the service, and one request and its answer on them. */
@NullMarked
package io.github.otpresend.internal.http;

import org.jspecify.annotations.NullMarked;
