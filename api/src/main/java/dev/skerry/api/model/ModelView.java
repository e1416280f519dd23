package dev.skerry.api.model;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.skerry.api.turn.UsageView;
import dev.skerry.store.Models.ModelRow;
import java.math.BigDecimal;

/** A model as people see it; prices in US dollars per million tokens. */
record ModelView(
        String id,
        String provider,
        @JsonProperty("default") boolean byDefault,
        boolean rehearsal,
        BigDecimal inputUsdPerMtok,
        BigDecimal outputUsdPerMtok,
        int contextTokens) {
    static ModelView of(ModelRow row) {
        return new ModelView(
                row.id(),
                row.provider(),
                row.isDefault(),
                row.rehearsal(),
                UsageView.usd(row.inputNanoUsdPerMtok()),
                UsageView.usd(row.outputNanoUsdPerMtok()),
                row.contextTokens());
    }
}
