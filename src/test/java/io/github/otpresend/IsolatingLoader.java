// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A class loader that loads this library itself, as that of each of two applications in one JVM
 * does, and shares all else with the tests. It can load Jackson itself too, and lose a part of it.
 */
final class IsolatingLoader extends URLClassLoader {
  private static final String LIBRARY = "io.github.otpresend.";
  private static final String JACKSON = "com.fasterxml.jackson.";

  private final List<String> own;
  private volatile String lost = "nothing";
  private volatile String lostResource = "nothing";

  private IsolatingLoader(String... own) {
    super(
        Stream.of(OtpResendClient.class, ObjectMapper.class, JsonFactory.class, JsonInclude.class)
            .map(type -> type.getProtectionDomain().getCodeSource().getLocation())
            .toArray(URL[]::new),
        OtpResendClient.class.getClassLoader());
    this.own = List.of(own);
  }

  static IsolatingLoader ofLibrary() {
    return new IsolatingLoader(LIBRARY);
  }

  static IsolatingLoader ofLibraryAndJackson() {
    return new IsolatingLoader(LIBRARY, JACKSON);
  }

  /** From now on classes whose names begin so are not found, unless they have been loaded. */
  void lose(String prefix) {
    lost = prefix;
  }

  /** As when its files are deleted while the application runs. */
  void loseWhatIsNotLoadedOfJackson() {
    lose(JACKSON);
  }

  /** From now on this resource is not found. */
  void loseResource(String name) {
    lostResource = name;
  }

  @Override
  public @Nullable URL getResource(String name) {
    return name.equals(lostResource) ? null : super.getResource(name);
  }

  boolean hasLoaded(String name) {
    return findLoadedClass(name) != null;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (own.stream().noneMatch(name::startsWith)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      if (loaded == null && name.startsWith(lost)) {
        throw new ClassNotFoundException(name);
      }
      return loaded == null ? findClass(name) : loaded;
    }
  }

  /** A client of the library that this loader has loaded, whose types the tests do not share. */
  final class Client {
    private final Object client;

    /**
     * @param factory the name of the method of {@link OtpResendClient} that creates it
     */
    Client(String factory, Vertx vertx, JsonObject options) {
      client =
          invoke(
              null,
              factory,
              new Class<?>[] {Vertx.class, optionsType()},
              vertx,
              newOptions(options));
    }

    Future<?> resend(String requestId) {
      return (Future<?>) invoke(client, "resend", new Class<?>[] {String.class}, requestId);
    }

    Future<?> close() {
      return (Future<?>) invoke(client, "close", new Class<?>[0]);
    }
  }

  /** What a method returns that is public, of an object whose class the tests may not know. */
  static Object property(Object object, String method) {
    try {
      return object.getClass().getMethod(method).invoke(object);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError("none of " + object, e);
    }
  }

  private Class<?> optionsType() {
    return load(OtpResendOptions.class.getName());
  }

  private Object newOptions(JsonObject options) {
    try {
      return optionsType().getConstructor(JsonObject.class).newInstance(options);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private Object invoke(Object target, String method, Class<?>[] types, Object... arguments) {
    try {
      return load(OtpResendClient.class.getName())
          .getMethod(method, types)
          .invoke(target, arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw new AssertionError(e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private Class<?> load(String name) {
    try {
      return loadClass(name);
    } catch (ClassNotFoundException e) {
      throw new AssertionError(e);
    }
  }
}
