// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.docs;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** README, CONTRIBUTING and the manual, as text. */
final class Pages {
  static final String README = "README.md";
  static final String INDEX = "src/site/markdown/index.md";
  static final String REFERENCE = "src/site/markdown/reference.md";
  static final String TOKENS = "src/site/markdown/tokens.md";
  static final String TESTING = "src/site/markdown/testing.md";
  static final String WEBCLIENT = "src/site/markdown/webclient.md";
  static final String PROCESSES = "src/site/markdown/processes.md";
  static final String CLUSTER = "src/site/markdown/cluster.md";
  static final String OPERATIONS = "src/site/markdown/operations.md";
  static final String INTERNALS = "src/site/markdown/internals.md";

  /** The text of each page, by its path. */
  static final Map<String, String> ALL = read();

  private static final Pattern HEADING = Pattern.compile("(?m)^#{1,3} (.+)$");

  private Pages() {}

  private static Map<String, String> read() {
    Map<String, String> pages = new TreeMap<>();
    try (Stream<Path> manual = Files.list(Path.of("src", "site", "markdown"))) {
      Stream<Path> top = Stream.of(Path.of(README), Path.of("CONTRIBUTING.md"));
      for (Path page : Stream.concat(top, manual).toList()) {
        pages.put(page.toString().replace('\\', '/'), Files.readString(page));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return pages;
  }

  static String example(String page, String section) {
    return blocks(section(page, section), "java").get(0);
  }

  static String section(String page, String name) {
    return Objects.requireNonNull(sections(ALL.get(page)).get(name), name);
  }

  /** Returns the text under each heading, by the heading. */
  static Map<String, String> sections(String text) {
    Map<String, String> sections = new LinkedHashMap<>();
    List<MatchResult> headings = HEADING.matcher(text).results().toList();
    for (int i = 0; i < headings.size(); i++) {
      int end = i + 1 < headings.size() ? headings.get(i + 1).start() : text.length();
      sections.put(headings.get(i).group(1), text.substring(headings.get(i).end(), end));
    }
    return sections;
  }

  static List<String> blocks(String text, String language) {
    return Pattern.compile("(?ms)^```" + language + "\\n(.*?)^```$")
        .matcher(text)
        .results()
        .map(block -> block.group(1))
        .toList();
  }

  /** Returns the rows of the tables of a section whose first cell is code, by that cell. */
  static Map<String, List<String>> rows(String page, String section) {
    Map<String, List<String>> rows = new LinkedHashMap<>();
    section(page, section)
        .lines()
        .filter(line -> line.startsWith("| `") && !line.startsWith("| `ResendFailure`"))
        .map(line -> List.of(line.substring(2, line.length() - 2).split(" \\| ")))
        .forEach(row -> rows.put(row.get(0).replace("`", ""), row));
    return rows;
  }

  static MatchResult find(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertTrue(matcher.find(), pattern);
    return matcher.toMatchResult();
  }

  /** Returns the source file of a test class. */
  static Path source(String testClass) throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("src", "test", "java"))) {
      return files
          .filter(file -> file.endsWith(testClass + ".java"))
          .findAny()
          .orElseThrow(() -> new AssertionError("There is no " + testClass));
    }
  }
}
