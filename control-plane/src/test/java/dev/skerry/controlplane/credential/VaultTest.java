package dev.skerry.controlplane.credential;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneSettings.Keys;
import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.World;
import dev.skerry.controlplane.credential.Envelopes.Bond;
import dev.skerry.controlplane.credential.Envelopes.Envelope;
import dev.skerry.store.Credentials;
import dev.skerry.store.Credentials.CredentialRow;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.JsonNode;

/** The control plane of these tests seals with c2 and once sealed with c1. */
@ControlPlaneTest
class VaultTest {
    private static final String PREVIOUS = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM=";
    private static final Bond BOND = new Bond("crd_before_rotation", "ten_rotating", "old");

    @Autowired
    World world;

    @Autowired
    Vault vault;

    @Autowired
    Credentials credentials;

    @Test
    void sealsAnewWhatThePreviousKeySealedAndKeepsItsValue() {
        world.session("ten_rotating", "rehearsal", World.DOLLAR);
        Bond lost = new Bond("crd_of_a_lost_key", "ten_rotating", "lost");
        put(lost, new Envelopes(new Keys("gone", Map.of("gone", PREVIOUS))).seal("canary-lost", lost));
        put(BOND, new Envelopes(new Keys("c1", Map.of("c1", PREVIOUS))).seal("canary-rotated", BOND));
        assertThat(value()).isEqualTo("canary-rotated");

        Answer rotated = world.operator("POST", "/credentials/rotate", "{}");

        assertThat(rotated.body().path("renewed").asInt()).isPositive();
        assertThat(rotated.body().path("unopened").valueStream().map(JsonNode::asString))
                .contains("ten_rotating/lost")
                .doesNotContain("ten_rotating/old");
        assertThat(value()).isEqualTo("canary-rotated");
        assertThat(world.operator("POST", "/credentials/rotate", "{}")
                        .body()
                        .path("renewed")
                        .asInt())
                .isZero();
    }

    private void put(Bond bond, Envelope envelope) {
        credentials.put(new CredentialRow(
                bond.id(),
                bond.tenant(),
                bond.name(),
                envelope.keyId(),
                envelope.nonce(),
                envelope.sealed(),
                "{\"as\": \"header\", \"name\": \"X-Key\"}",
                "[\"GET https://api.example.com/*\"]",
                Instant.EPOCH));
    }

    private String value() {
        return vault.open(BOND.tenant(), BOND.name()).orElseThrow().value();
    }
}
