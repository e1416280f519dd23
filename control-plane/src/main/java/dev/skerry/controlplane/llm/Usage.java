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
    public long allInputTokens() {
        return inputTokens + cacheReadTokens + cacheWriteTokens;
    }
}
