package dev.skerry.controlplane.operator;

import dev.skerry.controlplane.audit.AuditTrail;
import dev.skerry.controlplane.credential.ProviderKeys;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Takes model providers' keys; a key goes in and never comes out. */
@RestController
class ProviderKeyController {
    private static final Set<String> PROVIDERS = Set.of("anthropic", "openai");

    private final ProviderKeys keys;
    private final AuditTrail audit;
    private final TransactionTemplate transactions;

    ProviderKeyController(ProviderKeys keys, AuditTrail audit, TransactionTemplate transactions) {
        this.keys = keys;
        this.audit = audit;
        this.transactions = transactions;
    }

    record Given(@Nullable String value) {
        @Override
        public String toString() {
            return "Given[]";
        }
    }

    @PutMapping("/internal/v1/operator/provider-keys/{provider}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void put(@PathVariable String provider, @RequestBody Given given) {
        if (!PROVIDERS.contains(provider)) {
            throw new RefusedException(new Refusal.NotFound("A provider is anthropic or openai."));
        }
        String value = CredentialController.demandValue(given.value());
        transactions.executeWithoutResult(ignored -> {
            keys.put(provider, value);
            audit.platform("provider_key.set", Map.of("provider", provider));
        });
        keys.forget(provider);
    }
}
