package dev.skerry.controlplane.broker;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A brokered request as a sandbox sends it. */
record HttpOrder(
        @Nullable String method,
        @Nullable String url,
        @Nullable Map<String, @Nullable String> headers,
        @Nullable String body,
        @Nullable String bodyBase64,
        @Nullable String credential,
        @Nullable Boolean followRedirects) {}
