// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.endurance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.otpresend.testing.EventLoops;
import java.util.List;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** The last test class of a run. It checks that no earlier test blocked an event loop. */
@Order(Integer.MAX_VALUE)
class EventLoopsNeverBlockedTest {
  @Test
  void no_test_made_a_blocking_call_on_an_event_loop() {
    assumeTrue(EventLoops.areWatched(), "no class started to watch the event loops");
    assertEquals(List.of(), EventLoops.takeBlockingCalls());
  }
}
