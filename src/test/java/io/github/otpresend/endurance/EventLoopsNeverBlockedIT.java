// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import org.junit.jupiter.api.Order;

/** The last class of the integration tests. */
@Order(Integer.MAX_VALUE)
class EventLoopsNeverBlockedIT extends EventLoopsNeverBlockedTest {}
