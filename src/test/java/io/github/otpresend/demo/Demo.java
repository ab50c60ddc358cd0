// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.demo;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.tomakehurst.wiremock.http.Fault;
import io.github.otpresend.NextStep;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
import io.github.otpresend.OtpResendVerticle;
import io.github.otpresend.ResendException;
import io.github.otpresend.ResendFailure;
import io.github.otpresend.ResendResponse;
import io.github.otpresend.demo.Asker.Answer;
import io.github.otpresend.demo.Asker.Question;
import io.github.otpresend.sandbox.OtpSandbox;
import io.github.otpresend.sandbox.SessionState;
import io.vertx.core.Vertx;
import java.io.Console;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;

/**
 * The demo: {@code mvn -q test-compile exec:java}.
 *
 * <p>Without {@code OTP_TOKEN} in the environment, it asks for resends in a sandbox, which costs
 * nothing: for a session of each outcome, or for the request ids that are its arguments. With
 * {@code OTP_TOKEN}, it asks the service once, for the request id that is its only argument. {@code
 * OTP_BASE_URL} sets another base URL of the service.
 */
public final class Demo {
  static final String WRONG_TOKEN = "wrong-token";
  static final String ANSWER_LOST = "answer-lost";

  private static final String TOKEN = "OTP_TOKEN";
  private static final String BASE_URL = "OTP_BASE_URL";
  private static final String ADDRESS = OtpResendOptions.DEFAULT_ADDRESS;
  private static final String WRONG_TOKEN_ADDRESS = ADDRESS + "." + WRONG_TOKEN;
  private static final String USAGE =
      "usage: [OTP_TOKEN=<token> [OTP_BASE_URL=<url>]] mvn -q test-compile exec:java"
          + " -Dexec.args=\"<requestId>\"";

  // the only success that the service documents; a reply over the event bus has no status
  private static final int CREATED = 201;

  private static final int GREEN = 32;
  private static final int YELLOW = 33;
  private static final int RED = 31;

  private final PrintStream out;
  private final PrintStream err;
  private final boolean colours;

  private Demo(PrintStream out, PrintStream err, boolean colours) {
    this.out = out;
    this.err = err;
    this.colours = colours;
  }

  /** Runs the demo, and exits with the exit code of {@link #run}. */
  public static void main(String[] args) {
    Logger.getLogger("").setLevel(Level.OFF); // the demo prints the outcomes itself
    Map<String, String> env = System.getenv();
    Demo demo =
        new Demo(
            new PrintStream(System.out, true, UTF_8),
            new PrintStream(System.err, true, UTF_8),
            isTerminal() && env.getOrDefault("NO_COLOR", "").isEmpty());
    int exitCode = demo.run(args, env);
    if (exitCode != 0) {
      System.exit(exitCode); // otherwise Maven, in the same JVM, ends with its own exit code
    }
  }

  /**
   * Runs the demo without colours, and closes everything that it started.
   *
   * @return the exit code: 0; with the real service, 1 if the resend failed and 2 for wrong
   *     arguments
   */
  static int run(String[] args, Map<String, String> env, PrintStream out, PrintStream err) {
    return new Demo(out, err, false).run(args, env);
  }

  private int run(String[] args, Map<String, String> env) {
    Vertx vertx = Vertx.vertx();
    try {
      return env.containsKey(TOKEN) ? resendOnce(vertx, args, env) : askSandbox(vertx, args);
    } finally {
      vertx.close().await();
    }
  }

  private int askSandbox(Vertx vertx, String[] args) {
    try (OtpSandbox sandbox = OtpSandbox.start()) {
      List<String> ids = openSessions(sandbox);
      OtpResendOptions options =
          new OtpResendOptions().setBaseUrl(sandbox.baseUrl()).setToken(sandbox.token());
      OtpResendOptions wrongToken =
          new OtpResendOptions(options).setToken("wrong").setAddress(WRONG_TOKEN_ADDRESS);

      out.println(TOKEN + " is not set: this is a sandbox of the service, and no code goes out.");
      out.println("The sandbox listens at " + sandbox.baseUrl());
      vertx.deployVerticle(new OtpResendVerticle(options)).await();
      out.println("OtpResendVerticle serves event-bus address " + ADDRESS);
      vertx.deployVerticle(new OtpResendVerticle(wrongToken)).await();
      out.println("A second one, whose token is wrong, serves " + WRONG_TOKEN_ADDRESS);
      out.println("Another verticle asks them by message, for one request id after the other:");
      out.println();

      List<String> asked = args.length == 0 ? ids : Arrays.asList(args);
      Table table = new Table(asked);
      table.header();
      vertx.deployVerticle(new Asker(questions(asked), table::line)).await();
      out.println();
      out.println(
          "Codes that would have gone out: "
              + asked.stream().distinct().mapToInt(sandbox::resends).sum());
      return 0;
    }
  }

  /** Opens a session for each state, and sessions for outcomes that depend on no state. */
  private static List<String> openSessions(OtpSandbox sandbox) {
    for (SessionState state : SessionState.values()) {
      if (state != SessionState.SESSION_NOT_FOUND) {
        sandbox.session(id(state)).inState(state);
      }
    }
    sandbox.session(WRONG_TOKEN);
    sandbox.session(ANSWER_LOST).fault(Fault.CONNECTION_RESET_BY_PEER);
    return Stream.concat(
            Arrays.stream(SessionState.values()).map(Demo::id), Stream.of(WRONG_TOKEN, ANSWER_LOST))
        .toList();
  }

  static String id(SessionState state) {
    return state.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static List<Question> questions(List<String> ids) {
    return ids.stream()
        .map(id -> new Question(id.equals(WRONG_TOKEN) ? WRONG_TOKEN_ADDRESS : ADDRESS, id))
        .toList();
  }

  private int resendOnce(Vertx vertx, String[] args, Map<String, String> env) {
    if (args.length != 1) {
      return badUsage("With " + TOKEN + " it takes one request id, not " + args.length);
    }
    OtpResendClient client;
    try {
      OtpResendOptions options = new OtpResendOptions().setToken(env.get(TOKEN));
      if (env.containsKey(BASE_URL)) {
        options.setBaseUrl(env.get(BASE_URL));
      }
      client = OtpResendClient.create(vertx, options);
      out.println("Asking " + options.getBaseUrl() + " for one resend, which may cost money.");
    } catch (IllegalArgumentException e) {
      return badUsage(e.getMessage());
    }
    try {
      ResendResponse response = client.resend(args[0]).await();
      out.println(response.toJson());
      return response.success() ? 0 : 1;
    } catch (ResendException e) {
      out.println(e.type() + ": " + e.getMessage());
      out.println("HTTP status: " + e.httpStatus());
      out.println("May a code have gone out: " + yesOrNo(e.maybeSent()));
      out.println("Next step: " + e.nextStep());
      return 1;
    } finally {
      client.close().await();
    }
  }

  private int badUsage(String problem) {
    err.println(problem);
    err.println(USAGE);
    return 2;
  }

  private static String yesOrNo(boolean yes) {
    return yes ? "yes" : "no";
  }

  /**
   * Returns whether standard output is a terminal. Since JDK 22, {@code System.console()} is not
   * enough.
   */
  private static boolean isTerminal() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (NoSuchMethodException olderJdk) {
      return true;
    } catch (ReflectiveOperationException e) {
      return false;
    }
  }

  /** Formats the outcomes, one line each, in columns as wide as their longest text. */
  private final class Table {
    private final String format;

    Table(List<String> ids) {
      format =
          "%%-%ds  %%-%ds  %%4s  %%-10s  %%-%ds  %%5s"
              .formatted(
                  longest(ids.stream(), "request id"),
                  longest(names(ResendFailure.values()), "outcome"),
                  longest(names(NextStep.values()), "next step"));
    }

    void header() {
      print(0, "request id", "outcome", "HTTP", "maybe sent", "next step", "ms");
    }

    void line(Question question, Answer answer) {
      String id = question.requestId();
      String millis = Long.toString(answer.time().toMillis());
      if (answer.reply().succeeded()) {
        print(GREEN, id, "SUCCESS", CREATED, "yes", "-", millis);
      } else {
        ResendException failure = ResendException.from(answer.reply().cause());
        print(
            failure.maybeSent() ? YELLOW : RED,
            id,
            failure.failure(),
            failure.httpStatus(),
            yesOrNo(failure.maybeSent()),
            failure.nextStep(),
            millis);
      }
    }

    private void print(int colour, Object... cells) {
      String line = format.formatted(cells);
      out.println(colours && colour != 0 ? "\u001b[" + colour + "m" + line + "\u001b[0m" : line);
    }

    private static Stream<String> names(Enum<?>[] values) {
      return Arrays.stream(values).map(Enum::name);
    }

    private static int longest(Stream<String> texts, String header) {
      return Stream.concat(texts, Stream.of(header)).mapToInt(String::length).max().orElseThrow();
    }
  }
}
