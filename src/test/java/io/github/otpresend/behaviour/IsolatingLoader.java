// SPDX-License-Identifier: Apache-2.0
package io.github.otpresend.behaviour;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.otpresend.OtpResendClient;
import io.github.otpresend.OtpResendOptions;
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
 * Class loader that loads its own copy of this library, like the class loader of one of several
 * applications in a JVM. It shares all other classes with the tests. It can also load its own copy
 * of Jackson, and hide a part of Jackson.
 */
final class IsolatingLoader extends URLClassLoader {
  private static final String LIBRARY = "io.github.otpresend.";
  private static final String JACKSON = "com.fasterxml.jackson.";
  private static final String REDIS = "io.vertx.redis.";

  private final List<String> isolatedPrefixes;
  private volatile String hiddenPrefix = "nothing";
  private volatile String hiddenResource = "nothing";

  private IsolatingLoader(String... isolatedPrefixes) {
    super(
        Stream.of(OtpResendClient.class, ObjectMapper.class, JsonFactory.class, JsonInclude.class)
            .map(type -> type.getProtectionDomain().getCodeSource().getLocation())
            .toArray(URL[]::new),
        OtpResendClient.class.getClassLoader());
    this.isolatedPrefixes = List.of(isolatedPrefixes);
  }

  static IsolatingLoader ofLibrary() {
    return new IsolatingLoader(LIBRARY);
  }

  /** Returns a loader of an application that lacks the Redis client. */
  static IsolatingLoader withoutRedis() {
    IsolatingLoader loader = new IsolatingLoader(LIBRARY, REDIS);
    loader.hideClasses(REDIS);
    return loader;
  }

  static IsolatingLoader ofLibraryAndJackson() {
    return new IsolatingLoader(LIBRARY, JACKSON);
  }

  /** Hides the classes whose names start with this prefix, except classes already loaded. */
  void hideClasses(String prefix) {
    hiddenPrefix = prefix;
  }

  /** Hides the classes of Jackson that are not loaded, as if its jars were deleted at run time. */
  void hideJacksonClassesNotLoaded() {
    hideClasses(JACKSON);
  }

  /** Hides the resource with this name. */
  void hideResource(String name) {
    hiddenResource = name;
  }

  @Override
  public @Nullable URL getResource(String name) {
    return name.equals(hiddenResource) ? null : super.getResource(name);
  }

  boolean hasLoaded(String name) {
    return findLoadedClass(name) != null;
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (isolatedPrefixes.stream().noneMatch(name::startsWith)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      if (loaded == null && name.startsWith(hiddenPrefix)) {
        throw new ClassNotFoundException(name);
      }
      return loaded == null ? findClass(name) : loaded;
    }
  }

  /** Client whose classes come from this loader, so the tests call it by reflection. */
  final class Client {
    private final Object client;

    /**
     * @param factory the name of the method of {@link OtpResendClient} that creates the client
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

  /**
   * Returns the result of a public method, by reflection, because another class loader may have
   * loaded the class of the object.
   */
  static Object property(Object object, String method) {
    try {
      return object.getClass().getMethod(method).invoke(object);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError("cannot call " + method + " of " + object, e);
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
      } else if (e.getCause() instanceof RuntimeException exception) {
        throw exception;
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
