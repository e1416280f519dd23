package dev.skerry.controlplane.credential;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneSettings.Keys;
import dev.skerry.controlplane.credential.Envelopes.Bond;
import dev.skerry.controlplane.credential.Envelopes.Envelope;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EnvelopesTest {
    private static final String OLD = Base64.getEncoder().encodeToString(new byte[32]);
    private static final String NEW =
            Base64.getEncoder().encodeToString("0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII));
    private static final Bond BOND = new Bond("crd_1", "ten_1", "github");

    private final Envelopes envelopes = new Envelopes(new Keys("new", Map.of("old", OLD, "new", NEW)));

    @Test
    void opensWhatItSealed() {
        Envelope sealed = envelopes.seal("value", BOND);

        assertThat(sealed.keyId()).isEqualTo("new");
        assertThat(new String(sealed.sealed(), StandardCharsets.ISO_8859_1)).doesNotContain("value");
        assertThat(envelopes.open(sealed, BOND)).hasValue("value");
    }

    @Test
    void opensNothingInAnotherRowTenantOrName() {
        Envelope sealed = envelopes.seal("value", BOND);

        assertThat(envelopes.open(sealed, new Bond("crd_2", "ten_1", "github"))).isEmpty();
        assertThat(envelopes.open(sealed, new Bond("crd_1", "ten_2", "github"))).isEmpty();
        assertThat(envelopes.open(sealed, new Bond("crd_1", "ten_1", "gitlab"))).isEmpty();
    }

    @Test
    void opensNothingThatWasChanged() {
        Envelope sealed = envelopes.seal("value", BOND);
        byte[] changed = sealed.sealed().clone();
        changed[0] ^= 1;

        assertThat(envelopes.open(new Envelope("new", sealed.nonce(), changed), BOND))
                .isEmpty();
        assertThat(envelopes.open(new Envelope("old", sealed.nonce(), sealed.sealed()), BOND))
                .isEmpty();
        assertThat(envelopes.open(new Envelope("gone", sealed.nonce(), sealed.sealed()), BOND))
                .isEmpty();
    }

    @Test
    void opensWithAPreviousKeyButSealsWithTheCurrentOne() {
        Envelope before = new Envelopes(new Keys("old", Map.of("old", OLD))).seal("value", BOND);

        assertThat(envelopes.open(before, BOND)).hasValue("value");
        assertThat(envelopes.seal("value", BOND).keyId()).isEqualTo("new");
    }

    @Test
    void sealsTheSameValueDifferentlyEachTime() {
        assertThat(envelopes.seal("value", BOND).sealed())
                .isNotEqualTo(envelopes.seal("value", BOND).sealed());
    }
}
