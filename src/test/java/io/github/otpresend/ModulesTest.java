// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.otpresend.sandbox.OtpSandbox;
import io.vertx.core.json.JsonObject;
import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.module.ModuleDescriptor.Requires;
import java.lang.module.ResolvedModule;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The application in {@code src/test/modular}, with nothing on its module path but what the module
 * descriptors ask for, no class path, and no {@code --add-opens} or its like.
 */
@Timeout(120)
class ModulesTest {
  private static final Path JDK = Path.of(System.getProperty("java.home"));
  private static final String REQUEST_ID = "4711";

  @TempDir private Path directory;
  private String modulePath;

  @BeforeEach
  void compile() throws Exception {
    Path app = directory.resolve("app");
    Set<Path> modules = new LinkedHashSet<>();
    addWithWhatItRequires("io.github.otpresend", modules);
    modules.add(app);
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
        app.toString(),
        sources.resolve("module-info.java").toString(),
        sources.resolve("app/App.java").toString());
  }

  @Test
  void an_application_on_the_module_path_asks_for_a_resend() {
    assertAsks(JDK, "-p", modulePath);
  }

  @Test
  void an_image_of_jlink_asks_for_a_resend() {
    assumeTrue(
        Files.exists(JDK.resolve("jmods")) || Runtime.version().feature() >= 24,
        "Skipped: this JDK cannot be linked");
    String image = directory.resolve("image").toString();
    // a process of its own: it refuses to work in a patched JVM, as that of these tests is
    ProcessBuilder jlink =
        new ProcessBuilder(
            JDK.resolve("bin/jlink").toString(),
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
      Stream<String> main =
          Stream.of("-m", "app/app.App", sandbox.baseUrl(), sandbox.token(), REQUEST_ID);
      List<String> arguments = Stream.concat(Stream.of(options), main).toList();
      try (NodeProcess app = new NodeProcess(List.of(), javaHome, arguments)) {
        assertEquals("{\"success\":true}", app.line("{\"success"));
        assertEquals(
            "RestartCooldownActiveException",
            new JsonObject(app.line("{\"type")).getString("type"));
      }
      assertEquals(1, sandbox.resends(REQUEST_ID));
      assertEquals(2, sandbox.requests(REQUEST_ID));
    }
  }

  /** Where a module lies, and all that its descriptor requires, but for the JDK's. */
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
