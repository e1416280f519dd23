package dev.skerry.controlplane.llm;

import dev.skerry.session.Money;
import java.math.BigDecimal;

/**
 * A model and what it costs.
 *
 * @param provider name of the adapter that serves it
 * @param contextTokens the most that it reads
 * @param maxOutputTokens the most that it is asked to write in one answer
 */
public record ModelInfo(String id, String provider, int contextTokens, int maxOutputTokens, Prices prices) {

    /** US dollars per million tokens. */
    public record Prices(BigDecimal input, BigDecimal output, BigDecimal cacheRead, BigDecimal cacheWrite) {
        static final Prices FREE = new Prices(BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO, BigDecimal.ZERO);
    }

    private static final BigDecimal MILLION = BigDecimal.valueOf(1_000_000);

    public Money cost(Usage usage) {
        return price(usage.inputTokens(), prices.input())
                .plus(price(usage.outputTokens(), prices.output()))
                .plus(price(usage.cacheReadTokens(), prices.cacheRead()))
                .plus(price(usage.cacheWriteTokens(), prices.cacheWrite()));
    }

    /** The most that a call can cost: every input token at the dearest input price, and every output token allowed. */
    public Money worstCase(long inputTokens, long outputTokens) {
        BigDecimal dearest = prices.input().max(prices.cacheWrite()).max(prices.cacheRead());
        return price(inputTokens, dearest).plus(price(outputTokens, prices.output()));
    }

    private static Money price(long tokens, BigDecimal perMillion) {
        return Money.ofUsd(perMillion.multiply(BigDecimal.valueOf(tokens)).divide(MILLION));
    }
}
