package dev.skerry.controlplane.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.World;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

/** The control plane of these tests signs with k2 and once signed with k1. */
@ControlPlaneTest
class KeyRotationTest {
    @Autowired
    World world;

    @Autowired
    SigningKeys keys;

    @Test
    void aBootTokenOfThePreviousKeyCountsAsLongAsThatKeyIsThere() {
        String session = world.session();
        String current = world.bootToken(session, 1);
        assertThat(current).startsWith("skb1.k2.");
        String mac = keys.mac("k1", "boot", session, "1").orElseThrow();
        String nonce = World.nonce();

        Answer welcome = world.hello("skb1.k1." + session + ".1." + mac, nonce);

        assertThat(welcome.status()).as(welcome.text()).isEqualTo(200);
        assertThat(world.hello(current, nonce).body()).isEqualTo(welcome.body());
        assertThat(world.hello("skb1.k0." + session + ".1." + mac, nonce).code())
                .isEqualTo("unauthorized");
        assertThat(world.hello("skb1.k2." + session + ".1." + mac, nonce).code())
                .isEqualTo("unauthorized");
    }

    @Test
    void anAnswerThatWasLostWhenTheKeyChangedIsGivenAgain() {
        String session = world.session();
        String boot = world.bootToken(session, 1);
        String nonce = World.nonce();
        world.hello(boot, nonce);
        String before = keys.mac("k1", "session", session, "1", nonce).orElseThrow();
        world.jdbc()
                .sql("update incarnations set token_sha256 = sha256(?::bytea) where session_id = ?")
                .param(before)
                .param(session)
                .update();

        assertThat(world.hello(boot, nonce).body().path("session_token").asString())
                .isEqualTo(before);
    }
}
