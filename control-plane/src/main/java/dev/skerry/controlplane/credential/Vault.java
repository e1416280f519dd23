package dev.skerry.controlplane.credential;

import dev.skerry.controlplane.credential.Envelopes.Bond;
import dev.skerry.controlplane.credential.Envelopes.Envelope;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.session.Ulid;
import dev.skerry.store.Credentials;
import dev.skerry.store.Credentials.CredentialRow;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Keeps credentials sealed, and opens one for a request that a rule allows. */
@Component
public class Vault {
    private static final Logger log = LoggerFactory.getLogger(Vault.class);

    private final Credentials credentials;
    private final Envelopes envelopes;
    private final JsonMapper json;
    private final Ulid ids;

    Vault(Credentials credentials, Envelopes envelopes, JsonMapper json, Ulid ids) {
        this.credentials = credentials;
        this.envelopes = envelopes;
        this.json = json;
        this.ids = ids;
    }

    /** What may be known of a credential. */
    public record Description(String name, Injection injection, List<String> rules, String keyId, Instant updatedAt) {}

    public void put(String tenant, String name, String value, Injection injection, List<Rule> rules) {
        if (envelopes.current().isEmpty()) {
            throw new RefusedException(
                    new Refusal.Conflict(
                            "Set skerry.control-plane.credentials.current to a key id and skerry.control-plane.credentials.secrets.<id> to 32 random bytes in base64."));
        }
        String id = "crd_" + ids.next();
        Envelope envelope = envelopes.seal(value, new Bond(id, tenant, name));
        credentials.put(new CredentialRow(
                id,
                tenant,
                name,
                envelope.keyId(),
                envelope.nonce(),
                envelope.sealed(),
                json.writerFor(Injection.class).writeValueAsString(injection),
                json.writeValueAsString(rules.stream().map(Rule::toString).toList()),
                Instant.EPOCH));
    }

    public List<Description> list(String tenant) {
        return credentials.list(tenant).stream()
                .map(row -> new Description(row.name(), injection(row), ruleTexts(row), row.keyId(), row.updatedAt()))
                .toList();
    }

    public boolean delete(String tenant, String name) {
        return credentials.delete(tenant, name);
    }

    /** The rules of a credential; empty when the tenant has none of this name. */
    public Optional<List<Rule>> rules(String tenant, String name) {
        return credentials.find(tenant, name).map(this::rules);
    }

    /** Empty when the tenant has none of this name. */
    public Optional<Credential> open(String tenant, String name) {
        return credentials.find(tenant, name).map(row -> new Credential(name, value(row), injection(row), rules(row)));
    }

    /**
     * What became of envelopes that another key had sealed.
     *
     * @param renewed how many the current key seals now
     * @param unopened tenants and names of those that do not open, and stay as they are
     */
    public record Rotation(int renewed, List<String> unopened) {}

    /** Seals everything that opens with the current key. */
    public Rotation rotate() {
        String current = envelopes
                .current()
                .orElseThrow(() -> new RefusedException(new Refusal.Conflict("No key seals credentials.")));
        int renewed = 0;
        List<String> unopened = new ArrayList<>();
        for (CredentialRow row : credentials.notSealedWith(current)) {
            Optional<String> value = opened(row);
            if (value.isEmpty()) {
                unopened.add(row.tenantId() + "/" + row.name());
                continue;
            }
            Envelope envelope = envelopes.seal(value.get(), bond(row));
            if (credentials.reseal(row, envelope.keyId(), envelope.nonce(), envelope.sealed())) {
                renewed++;
            }
        }
        return new Rotation(renewed, unopened);
    }

    private String value(CredentialRow row) {
        return opened(row)
                .orElseThrow(() -> new RefusedException(
                        new Refusal.Conflict("The credential " + row.name() + " does not open: set it again.")));
    }

    private Optional<String> opened(CredentialRow row) {
        Optional<String> value = envelopes.open(new Envelope(row.keyId(), row.nonce(), row.sealed()), bond(row));
        if (value.isEmpty()) {
            log.error(
                    "credential {} of tenant {} does not open: its key {} is not configured, or the row was tampered with",
                    row.name(),
                    row.tenantId(),
                    row.keyId());
        }
        return value;
    }

    private static Bond bond(CredentialRow row) {
        return new Bond(row.id(), row.tenantId(), row.name());
    }

    private Injection injection(CredentialRow row) {
        return json.readValue(row.injection(), Injection.class);
    }

    private List<Rule> rules(CredentialRow row) {
        return ruleTexts(row).stream().map(Rule::of).toList();
    }

    private List<String> ruleTexts(CredentialRow row) {
        return Arrays.asList(json.readValue(row.rules(), String[].class));
    }
}
