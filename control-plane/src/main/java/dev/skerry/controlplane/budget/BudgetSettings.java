package dev.skerry.controlplane.budget;

import dev.skerry.session.Money;
import dev.skerry.store.Ledger;
import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Caps above those of sessions; absent is no cap.
 *
 * @param tenantCapUsd what a tenant may spend in all, unless its row in the store has a cap of its own
 * @param platformCapUsd what this installation may spend in all
 */
@ConfigurationProperties("skerry.budget")
record BudgetSettings(
        @Nullable BigDecimal tenantCapUsd, @Nullable BigDecimal platformCapUsd) {
    BudgetSettings {
        demand(tenantCapUsd, "skerry.budget.tenant-cap-usd");
        demand(platformCapUsd, "skerry.budget.platform-cap-usd");
    }

    Ledger.Caps caps() {
        return new Ledger.Caps(nanoUsd(tenantCapUsd), nanoUsd(platformCapUsd));
    }

    private static @Nullable Long nanoUsd(@Nullable BigDecimal usd) {
        return usd == null ? null : Money.ofUsd(usd).nanoUsd();
    }

    private static void demand(@Nullable BigDecimal usd, String name) {
        if (usd != null && usd.signum() < 0) {
            throw new IllegalArgumentException(name + " must be an amount in US dollars, 0 or more.");
        }
    }
}
