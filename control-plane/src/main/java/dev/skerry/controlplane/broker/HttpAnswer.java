package dev.skerry.controlplane.broker;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a server answered to a brokered request, as the sandbox sees it and as it is stored for a repeat.
 *
 * @param url of the last step, without anything that was injected
 * @param body the text, when it is text
 * @param bodyBase64 the bytes, when they are not
 */
record HttpAnswer(
        int status,
        String url,
        Map<String, List<String>> headers,
        @Nullable String body,
        @Nullable String bodyBase64,
        boolean truncated) {}
