package dev.skerry.controlplane.http;

import io.micrometer.tracing.Span;
import io.micrometer.tracing.exporter.FinishedSpan;
import io.micrometer.tracing.exporter.SpanExportingPredicate;
import org.springframework.stereotype.Component;

/** Keeps to itself that a sandbox polled or an operator scraped: each would be a trace of one span, some thousand an hour. */
@Component
class QuietSpans implements SpanExportingPredicate {
    @Override
    public boolean isExportable(FinishedSpan span) {
        String path = span.getTags().getOrDefault("uri", "");
        return span.getKind() != Span.Kind.SERVER || !(path.startsWith("/sandbox/") || path.startsWith("/actuator"));
    }
}
