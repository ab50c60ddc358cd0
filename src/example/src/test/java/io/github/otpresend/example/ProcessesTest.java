// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.example;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.WindowType;
import redis.embedded.core.ExecutableProvider;

/** Two processes of the example that share a Redis. */
class ProcessesTest {
  private final List<Process> processes = new ArrayList<>();

  @AfterEach
  void stop() {
    processes.forEach(process -> process.destroyForcibly().onExit().join());
    Browser.of("en").driver.manage().deleteAllCookies();
  }

  /** Starts a process, and waits for a line of its output. */
  private void start(String line, List<String> command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    processes.add(process);
    BufferedReader output = process.inputReader(UTF_8);
    String read = output.readLine();
    while (read != null && !read.contains(line)) {
      read = output.readLine();
    }
    assertNotNull(read, "a process ended before it printed " + line);
    Thread reader = new Thread(() -> output.lines().forEach(any -> {}));
    reader.setDaemon(true);
    reader.start();
  }

  private void startExample(int port, int redis) throws IOException {
    start(
        "Open http://localhost:" + port,
        List.of(
            System.getProperty("java.home") + "/bin/java",
            "-cp",
            System.getProperty("java.class.path"),
            "-Dport=" + port,
            "-Dredis=redis://localhost:" + redis,
            Example.class.getName()));
  }

  /** Returns a port that the system gives to nothing else meanwhile. */
  private static int freePort() throws IOException {
    while (true) {
      int port = ThreadLocalRandom.current().nextInt(20_000, 32_768);
      try (ServerSocket free = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return free.getLocalPort();
      } catch (BindException taken) {
        // another port, then
      }
    }
  }

  @Test
  void a_press_in_each_process_sends_one_code() throws IOException {
    int redis = freePort();
    String program = ExecutableProvider.newJarResourceProvider().get().getPath();
    start("Ready to accept", List.of(program, "--port", "" + redis, "--save", ""));
    int first = freePort();
    int second = freePort();
    startExample(first, redis);
    startExample(second, redis);

    Browser browser = Browser.of("en");
    browser.open(first);
    String firstTab = browser.driver.getWindowHandle();
    browser.driver.switchTo().newWindow(WindowType.TAB);
    browser.open(second);
    String secondTab = browser.driver.getWindowHandle();
    browser.driver.executeScript("press()"); // does not wait for the outcome
    browser.driver.switchTo().window(firstTab);
    browser.driver.executeScript("press()");
    String firstOutcome = outcome(browser);
    browser.driver.switchTo().window(secondTab);
    String secondOutcome = outcome(browser);
    assertEquals(
        1,
        List.of(firstOutcome, secondOutcome).stream().filter("SENT"::equals).count(),
        firstOutcome + ", " + secondOutcome);

    String other = firstOutcome.equals("SENT") ? secondOutcome : firstOutcome;
    assertTrue(Set.of("WAIT", "AWAIT_CODE").contains(other), other); // and not "no code was sent"

    browser.driver.executeScript("show({}); press()"); // within the cooldown
    assertEquals("WAIT", outcome(browser));
    browser.driver.close();
    browser.driver.switchTo().window(firstTab);
    browser.driver.navigate().refresh();
    browser.awaitText("codes", "1");
    assertEquals(1L, browser.driver.executeScript("return requests.childElementCount"));
  }

  /** Waits until a press has its outcome. */
  private static String outcome(Browser browser) {
    Browser.await(() -> browser.is("return !isSending()"), () -> "no outcome");
    return (String) browser.driver.executeScript("return shown.outcome");
  }
}
