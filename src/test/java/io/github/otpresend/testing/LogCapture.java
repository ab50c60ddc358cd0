// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.testing;

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

/** A capture of all records of a logger at the finest level, until it is closed. */
public final class LogCapture extends Handler implements AutoCloseable {
  private final Logger logger;
  private final Level levelBefore;
  private final boolean useParentBefore;
  private final List<String> lines = new CopyOnWriteArrayList<>();

  private LogCapture(Logger logger) {
    this.logger = logger;
    levelBefore = logger.getLevel();
    useParentBefore = logger.getUseParentHandlers();
    setLevel(Level.ALL);
    logger.setLevel(Level.ALL);
    logger.setUseParentHandlers(false);
    logger.addHandler(this);
  }

  /** Starts to capture the logger of a class. */
  public static LogCapture of(Class<?> logger) {
    return new LogCapture(Logger.getLogger(logger.getName()));
  }

  /** Starts to capture all loggers. */
  public static LogCapture ofAll() {
    return new LogCapture(Logger.getLogger(""));
  }

  /** Returns the level and the message of each record, and the stack trace of its exception. */
  public String text() {
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
    logger.setLevel(levelBefore);
    logger.setUseParentHandlers(useParentBefore);
  }
}
