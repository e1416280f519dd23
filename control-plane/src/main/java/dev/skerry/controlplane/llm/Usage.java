package dev.skerry.controlplane.llm;

/**
 * Tokens of one call.
 *
 * @param inputTokens read at the full price, not counting those from and into the cache
 * @param cacheReadTokens read from the provider's prompt cache
 * @param cacheWriteTokens written into it
 * @param estimated true when the provider did not say and the numbers are a bound from the bytes
 */
public record Usage(
        long inputTokens, long outputTokens, long cacheReadTokens, long cacheWriteTokens, boolean estimated) {
    private static final int BYTES_PER_TOKEN = 3;

    /** For an answer that its provider did not count. */
    static Usage estimate(long inputBytes, long outputBytes) {
        return new Usage(inputBytes / BYTES_PER_TOKEN + 1, outputBytes / BYTES_PER_TOKEN + 1, 0, 0, true);
    }

    public long allInputTokens() {
        return inputTokens + cacheReadTokens + cacheWriteTokens;
    }
}
