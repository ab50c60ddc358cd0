// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.docs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.otpresend.sandbox.OtpSandbox;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;

/** Compiles the Java examples of the pages, and runs them against a sandbox. */
final class Snippets implements AutoCloseable {
  static final String REQUEST_ID = "4711";

  /**
   * The class around the statements of an example. It declares what README leaves to the
   * application. The service refuses the first token that {@code fetchToken} returns.
   */
  private static final String FRAME =
      """
      %s
      public class Snippet {
        static String fetched = "stale";
        static String token;

        static Future<String> fetchToken() {
          String now = fetched;
          fetched = token;
          return Future.succeededFuture(now);
        }

        public static Runnable start(
            String baseUrl, String token, String requestId, java.util.logging.Logger log) {
          Snippet.token = token;
          Vertx vertx = Vertx.vertx();
          %s
          run(vertx, baseUrl, token, requestId, log);
          return () -> vertx.close().await();
        }

        static void run(
            Vertx vertx,
            String baseUrl,
            String token,
            String requestId,
            java.util.logging.Logger log) {
          %s
        }
      }
      """;

  private final Path directory;
  private final List<Path> classPath =
      Stream.of(System.getProperty("jdk.module.path", ""), System.getProperty("java.class.path"))
          .flatMap(path -> Arrays.stream(path.split(File.pathSeparator)))
          .filter(entry -> !entry.isEmpty())
          .map(Path::of)
          .toList();
  private final Libraries libraries = new Libraries(urls(classPath));

  /** The directories of the compiled classes, by source. */
  private final Map<String, Path> compiled = new HashMap<>();

  /**
   * @param directory the directory for the compiled classes
   */
  Snippets(Path directory) {
    this.directory = directory;
  }

  /** Runs an example against a sandbox, and returns the line that it logs. */
  String log(OtpSandbox sandbox, String imports, String before, String example) throws Exception {
    Logger log = Logger.getAnonymousLogger();
    log.setUseParentHandlers(false);
    BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    log.addHandler(
        new Handler() {
          @Override
          public void publish(LogRecord record) {
            lines.add(record.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        });
    String line;
    try (Isolated isolated = compile("Snippet", FRAME.formatted(imports, before, example))) {
      Runnable close =
          (Runnable)
              isolated
                  .load("Snippet")
                  .getMethod("start", String.class, String.class, String.class, Logger.class)
                  .invoke(null, sandbox.baseUrl(), sandbox.token(), REQUEST_ID, log);
      try {
        line = lines.poll(20, TimeUnit.SECONDS);
      } finally {
        close.run();
      }
    }
    assertEquals(0, lines.size(), lines::toString);
    return line;
  }

  /** Compiles a class once, and returns a new class loader that can load it. */
  synchronized Isolated compile(String name, String source) throws Exception {
    Path classes = compiled.get(source);
    if (classes == null) {
      classes = Files.createTempDirectory(directory, name);
      Path file = Files.writeString(classes.resolve(name + ".java"), source);
      StringWriter problems = new StringWriter();
      PrintWriter out = new PrintWriter(problems);
      int exitCode =
          ToolProvider.findFirst("javac")
              .orElseThrow()
              .run(
                  out,
                  out,
                  "-proc:none",
                  "-encoding",
                  "UTF-8",
                  "-d",
                  classes.toString(),
                  "-classpath",
                  String.join(File.pathSeparator, classPath.stream().map(Path::toString).toList()),
                  file.toString());
      assertEquals(0, exitCode, () -> problems + "\n" + source);
      compiled.put(source, classes);
    }
    return new Isolated(classes, libraries);
  }

  @Override
  public void close() throws IOException {
    libraries.close();
  }

  private static URL[] urls(List<Path> paths) {
    return paths.stream()
        .map(
            path -> {
              try {
                return path.toUri().toURL();
              } catch (MalformedURLException e) {
                throw new AssertionError(e);
              }
            })
        .toArray(URL[]::new);
  }

  /**
   * A class loader with the class path of the tests. All examples share it, since they load many
   * classes of Vert.x. It loads a class itself before it asks its parent, since the parent also
   * finds the modules of the tests.
   */
  private static final class Libraries extends URLClassLoader {
    Libraries(URL[] classPath) {
      super(classPath, ClassLoader.getPlatformClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      synchronized (getClassLoadingLock(name)) {
        Class<?> loaded = findLoadedClass(name);
        try {
          return loaded == null ? findClass(name) : loaded;
        } catch (ClassNotFoundException ofTheJdk) {
          return super.loadClass(name, resolve);
        }
      }
    }
  }

  /** A class loader of one example, which new threads inherit. */
  static final class Isolated implements AutoCloseable {
    private final URLClassLoader loader;
    private final ClassLoader before = Thread.currentThread().getContextClassLoader();

    Isolated(Path classes, ClassLoader libraries) {
      loader = new URLClassLoader(urls(List.of(classes)), libraries);
      Thread.currentThread().setContextClassLoader(loader);
    }

    Class<?> load(String name) throws ClassNotFoundException {
      return Class.forName(name, true, loader);
    }

    @Override
    public void close() throws IOException {
      Thread.currentThread().setContextClassLoader(before);
      loader.close();
    }
  }
}
