package dev.skerry.api.turn;

import dev.skerry.session.Money;
import dev.skerry.store.Ledger;
import java.math.BigDecimal;
import java.util.List;

/** What model calls took: tokens, and US dollars. */
public record UsageView(long inputTokens, long outputTokens, BigDecimal costUsd) {
    static UsageView of(List<Ledger.Usage> usage) {
        return new UsageView(
                usage.stream().mapToLong(Ledger.Usage::inputTokens).sum(),
                usage.stream().mapToLong(Ledger.Usage::outputTokens).sum(),
                usd(usage.stream().mapToLong(Ledger.Usage::costNanoUsd).sum()));
    }

    /** Exact, without trailing zeros and never in exponent form. */
    public static BigDecimal usd(long nanoUsd) {
        BigDecimal usd = new Money(nanoUsd).usd().stripTrailingZeros();
        return usd.scale() < 0 ? usd.setScale(0) : usd;
    }
}
