// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.otpresend.sandbox.OtpSandbox;
import io.github.otpresend.testing.NodeProcess;
import io.vertx.core.json.JsonObject;
import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ResolvedModule;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The application in {@code src/test/modular}. Its module path has only the modules that the module
 * descriptors require. It has no class path and no option such as {@code --add-opens}.
 */
@Timeout(120)
class ModulesIT {
  private static final Path JDK = Path.of(System.getProperty("java.home"));
  private static final String REQUEST_ID = "4711";

  /** The settings for a JVM that lives for seconds and shares two cores. */
  private static final List<String> FAST_START =
      List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

  private static String modulePath;

  @TempDir private Path directory;

  @BeforeAll
  static void compile(@TempDir Path classes) throws Exception {
    Set<Path> modules = new LinkedHashSet<>();
    addWithWhatItRequires("io.github.otpresend", modules);
    modules.add(classes);
    modulePath =
        modules.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    Path sources = Path.of("src/test/modular");
    run(
        "javac",
        "-encoding",
        "UTF-8",
        "-p",
        modulePath,
        "-d",
        classes.toString(),
        sources.resolve("module-info.java").toString(),
        sources.resolve("app/App.java").toString());
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT) // the cases wait for other processes
  void an_application_on_the_module_path_asks_for_a_resend() {
    assertAsks(JDK, "-p", modulePath);
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  void an_image_of_jlink_asks_for_a_resend() {
    assumeTrue(
        Files.exists(JDK.resolve("jmods")) || Runtime.version().feature() >= 24,
        "Skipped: this JDK cannot be linked");
    String image = directory.resolve("image").toString();
    // in another process, since jlink does not run in a JVM with patched modules
    ProcessBuilder jlink =
        new ProcessBuilder(
            JDK.resolve("bin/jlink").toString(),
            "-J" + FAST_START.get(0),
            "-J" + FAST_START.get(1),
            "-p",
            modulePath,
            "--add-modules",
            "app",
            "--output",
            image);
    try (NodeProcess linking = new NodeProcess(jlink)) {
      linking.awaitEnd();
      assertEquals(List.of(), linking.lines());
    }
    assertAsks(Path.of(image));
  }

  private static void assertAsks(Path javaHome, String... options) {
    try (OtpSandbox sandbox = OtpSandbox.start()) {
      sandbox.session(REQUEST_ID);
      List<String> command = new ArrayList<>();
      command.add(javaHome.resolve("bin/java").toString());
      command.addAll(FAST_START);
      command.addAll(List.of(options));
      command.addAll(List.of("-m", "app/app.App", sandbox.baseUrl(), sandbox.token(), REQUEST_ID));
      try (NodeProcess app = new NodeProcess(new ProcessBuilder(command))) {
        assertEquals("{\"success\":true}", app.line("{\"success"));
        assertEquals(
            "RestartCooldownActiveException",
            new JsonObject(app.line("{\"type")).getString("type"));
      }
      assertEquals(1, sandbox.resends(REQUEST_ID));
      assertEquals(2, sandbox.requests(REQUEST_ID));
    }
  }

  /** Adds the location of a module and of all modules that it requires, except those of the JDK. */
  private static void addWithWhatItRequires(String name, Set<Path> modules) {
    ResolvedModule module =
        ModuleLayer.boot().configuration().findModule(name).orElseThrow(AssertionError::new);
    URI location = module.reference().location().orElseThrow();
    if (location.getScheme().equals("file") && modules.add(Path.of(location))) {
      for (Requires required : module.reference().descriptor().requires()) {
        if (!required.modifiers().contains(Requires.Modifier.STATIC)) {
          addWithWhatItRequires(required.name(), modules);
        }
      }
    }
  }

  private static void run(String tool, String... arguments) {
    StringWriter output = new StringWriter();
    PrintWriter out = new PrintWriter(output);
    int exitCode = ToolProvider.findFirst(tool).orElseThrow().run(out, out, arguments);
    assertEquals(0, exitCode, output::toString);
  }
}
