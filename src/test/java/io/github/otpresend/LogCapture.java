// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import java.util.stream.Collectors;

/** What a logger is told while this is open, at the finest level. */
final class LogCapture extends Handler implements AutoCloseable {
  private final Logger logger;
  private final Level before;
  private final boolean parentBefore;
  private final List<String> lines = new CopyOnWriteArrayList<>();

  private LogCapture(Logger logger) {
    this.logger = logger;
    before = logger.getLevel();
    parentBefore = logger.getUseParentHandlers();
    setLevel(Level.ALL);
    logger.setLevel(Level.ALL);
    logger.setUseParentHandlers(false);
    logger.addHandler(this);
  }

  static LogCapture of(Class<?> logger) {
    return new LogCapture(Logger.getLogger(logger.getName()));
  }

  /** Of every logger there is. */
  static LogCapture ofAll() {
    return new LogCapture(Logger.getLogger(""));
  }

  /** A line for each record: level, message and, below it, what was thrown. */
  String text() {
    return lines.stream().collect(Collectors.joining("\n"));
  }

  @Override
  public void publish(LogRecord record) {
    StringWriter thrown = new StringWriter();
    if (record.getThrown() != null) {
      record.getThrown().printStackTrace(new PrintWriter(thrown));
    }
    lines.add(record.getLevel() + " " + new SimpleFormatter().formatMessage(record) + thrown);
  }

  @Override
  public void flush() {}

  @Override
  public void close() {
    logger.removeHandler(this);
    logger.setLevel(before);
    logger.setUseParentHandlers(parentBefore);
  }
}
