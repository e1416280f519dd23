package dev.skerry.temporal;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The trace that the current thread works in, as one line of text that can be kept and sent.
 *
 * <p>Source: W3C Trace Context, field {@code traceparent}.
 */
public final class Trace {
    private static final String FIELD = "traceparent";
    private static final TextMapPropagator FORMAT = W3CTraceContextPropagator.getInstance();
    private static final TextMapGetter<String> LINE = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(String line) {
            return Set.of(FIELD);
        }

        @Override
        public @Nullable String get(@Nullable String line, String field) {
            return field.equals(FIELD) ? line : null;
        }
    };

    private Trace() {}

    /** Null where nothing is traced. */
    public static @Nullable String current() {
        if (!Span.current().getSpanContext().isSampled()) {
            return null;
        }
        Map<String, String> fields = new HashMap<>();
        FORMAT.inject(Context.current(), fields, Map::put);
        return fields.get(FIELD);
    }

    static Context context(String traceParent) {
        return FORMAT.extract(Context.root(), traceParent, LINE);
    }
}
