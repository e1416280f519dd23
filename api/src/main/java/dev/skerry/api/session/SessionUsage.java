package dev.skerry.api.session;

import dev.skerry.api.turn.UsageView;
import dev.skerry.store.Ledger;
import java.math.BigDecimal;
import java.util.List;

/** What a session's model calls took, in tokens and US dollars, against what it may spend. */
record SessionUsage(
        long calls,
        long inputTokens,
        long outputTokens,
        BigDecimal costUsd,
        BigDecimal reservedUsd,
        BigDecimal capUsd,
        List<OfModel> byModel) {

    /** The share of one model. */
    record OfModel(String model, long calls, long inputTokens, long outputTokens, BigDecimal costUsd) {
        static OfModel of(Ledger.Usage usage) {
            return new OfModel(
                    usage.model(),
                    usage.calls(),
                    usage.inputTokens(),
                    usage.outputTokens(),
                    UsageView.usd(usage.costNanoUsd()));
        }
    }

    static SessionUsage of(Ledger.Balance balance, List<Ledger.Usage> usage) {
        return new SessionUsage(
                usage.stream().mapToLong(Ledger.Usage::calls).sum(),
                usage.stream().mapToLong(Ledger.Usage::inputTokens).sum(),
                usage.stream().mapToLong(Ledger.Usage::outputTokens).sum(),
                UsageView.usd(balance.spentNanoUsd()),
                UsageView.usd(balance.reservedNanoUsd()),
                UsageView.usd(balance.capNanoUsd()),
                usage.stream().map(OfModel::of).toList());
    }
}
