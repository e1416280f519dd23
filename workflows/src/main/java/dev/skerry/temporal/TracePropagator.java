package dev.skerry.temporal;

import io.opentelemetry.context.Context;
import io.temporal.api.common.v1.Payload;
import io.temporal.common.context.ContextPropagator;
import io.temporal.common.converter.GlobalDataConverter;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Carries the trace of whoever starts a workflow through it into its activities.
 *
 * <p>Workflow code makes no spans: it is replayed, and what it does is told by its history.
 */
final class TracePropagator implements ContextPropagator {
    private static final String NOTHING = "";

    @Override
    public String getName() {
        return "traceparent";
    }

    @Override
    public Map<String, Payload> serializeContext(Object context) {
        return context.equals(NOTHING)
                ? Map.of()
                : Map.of(getName(), GlobalDataConverter.get().toPayload(context).orElseThrow());
    }

    @Override
    public Object deserializeContext(Map<String, Payload> header) {
        Payload payload = header.get(getName());
        String line =
                payload == null ? null : GlobalDataConverter.get().fromPayload(payload, String.class, String.class);
        return Objects.requireNonNullElse(line, NOTHING);
    }

    @Override
    public Object getCurrentContext() {
        return Objects.requireNonNullElse(Trace.current(), NOTHING);
    }

    /** Never left again: Temporal sets it anew on whatever thread it goes on with. */
    @Override
    @SuppressWarnings("MustBeClosed")
    public void setCurrentContext(@Nullable Object context) {
        Context entered =
                context instanceof String line && !line.equals(NOTHING) ? Trace.context(line) : Context.root();
        var _ = entered.makeCurrent();
    }
}
