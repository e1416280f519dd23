package dev.skerry.controlplane.operator;

import dev.skerry.controlplane.audit.AuditTrail;
import dev.skerry.controlplane.credential.Injection;
import dev.skerry.controlplane.credential.Rule;
import dev.skerry.controlplane.credential.Vault;
import dev.skerry.controlplane.credential.Vault.Rotation;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.store.KillSwitches;
import dev.skerry.store.KillSwitches.Scope;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Keeps tenants' credentials; a value goes in and never comes out. */
@RestController
class CredentialController {
    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_-]{0,62}");
    private static final int SHORTEST = 8;
    private static final int LONGEST = 16 * 1024;
    private static final int MOST_RULES = 50;

    private final Vault vault;
    private final KillSwitches switches;
    private final AuditTrail audit;
    private final TransactionTemplate transactions;

    CredentialController(Vault vault, KillSwitches switches, AuditTrail audit, TransactionTemplate transactions) {
        this.vault = vault;
        this.switches = switches;
        this.audit = audit;
        this.transactions = transactions;
    }

    record Given(
            @Nullable String value,
            @Nullable Injection injection,
            @Nullable List<@Nullable String> allow) {
        @Override
        public String toString() {
            return "Given[]";
        }
    }

    record Listing(List<Vault.Description> data) {}

    @PutMapping("/internal/v1/operator/tenants/{tenant}/credentials/{name}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void put(@PathVariable String tenant, @PathVariable String name, @RequestBody Given given) {
        if (!NAME.matcher(name).matches()) {
            throw RefusedException.invalid("A credential's name has lower-case letters, digits, - and _, 63 at most.");
        }
        String value = demandValue(given.value());
        Injection injection = given.injection();
        List<Rule> rules = rules(given.allow());
        if (injection == null) {
            throw RefusedException.invalid("injection must say how the value is put into a request.");
        }
        if (!switches.known(Scope.TENANT, tenant)) {
            throw new RefusedException(new Refusal.NotFound("There is no tenant " + tenant + "."));
        }
        transactions.executeWithoutResult(ignored -> {
            vault.put(tenant, name, value, injection, rules);
            audit.tenant(
                    tenant,
                    "credential.set",
                    Map.of(
                            "name",
                            name,
                            "rules",
                            rules.stream().map(Rule::toString).toList()));
        });
    }

    static String demandValue(@Nullable String value) {
        if (value == null
                || value.length() < SHORTEST
                || value.length() > LONGEST
                || value.chars().anyMatch(c -> c < 0x20 || c > 0x7e)) {
            throw RefusedException.invalid("A credential's value is " + SHORTEST + " to " + LONGEST
                    + " printable ASCII characters on one line.");
        }
        return value;
    }

    @GetMapping("/internal/v1/operator/tenants/{tenant}/credentials")
    Listing list(@PathVariable String tenant) {
        return new Listing(vault.list(tenant));
    }

    @DeleteMapping("/internal/v1/operator/tenants/{tenant}/credentials/{name}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void delete(@PathVariable String tenant, @PathVariable String name) {
        transactions.executeWithoutResult(ignored -> {
            if (!vault.delete(tenant, name)) {
                throw new RefusedException(new Refusal.NotFound("This tenant has no such credential."));
            }
            audit.tenant(tenant, "credential.deleted", Map.of("name", name));
        });
    }

    @PostMapping("/internal/v1/operator/credentials/rotate")
    Rotation rotate() {
        Rotation rotation = vault.rotate();
        audit.platform(
                "credentials.rotated",
                Map.of(
                        "renewed",
                        rotation.renewed(),
                        "unopened",
                        rotation.unopened().size()));
        return rotation;
    }

    private static List<Rule> rules(@Nullable List<@Nullable String> texts) {
        if (texts == null || texts.isEmpty() || texts.size() > MOST_RULES) {
            throw RefusedException.invalid("allow must hold 1 to " + MOST_RULES + " rules.");
        }
        return texts.stream().map(CredentialController::rule).toList();
    }

    private static Rule rule(@Nullable String text) {
        try {
            return Rule.of(text == null ? "" : text);
        } catch (IllegalArgumentException e) {
            throw RefusedException.invalid(String.valueOf(e.getMessage()));
        }
    }
}
