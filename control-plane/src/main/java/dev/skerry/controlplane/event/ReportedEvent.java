package dev.skerry.controlplane.event;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An event as a sandbox sends it; its time is its own opinion and is not kept. */
record ReportedEvent(
        @Nullable Long seq,
        @Nullable String type,
        @Nullable String at,
        @Nullable Map<String, @Nullable Object> data) {}
