// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import org.junit.jupiter.api.Order;

/** The first class of the integration tests, which run in another JVM than the other tests. */
@Order(1)
class EventLoopsWatchedIT extends EventLoopsWatchedTest {}
