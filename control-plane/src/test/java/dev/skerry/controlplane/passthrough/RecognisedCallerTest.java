package dev.skerry.controlplane.passthrough;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.TestingModels;
import dev.skerry.controlplane.World;
import dev.skerry.store.Ledger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

/** A caller that was admitted a moment ago is recognised without asking the store, and still loses everything at once. */
@ControlPlaneTest
class RecognisedCallerTest {
    private static final String CHAT = "/llm/openai/v1/chat/completions";

    @Autowired
    World world;

    @Autowired
    Ledger ledger;

    private Sandbox sandbox;
    private Ledger.Balance before;

    @BeforeEach
    void aCallerThatWasJustAdmitted() {
        sandbox = world.boot(world.session(), 1);
        world.give(sandbox, world.turn(sandbox.session(), "Go on."));
        String marker = TestingModels.marker(TestingModels::answer);
        assertThat(ask(marker).status()).isEqualTo(200);
        before = ledger.balance(sandbox.session());
    }

    private Answer ask(String text) {
        return ask(TestingModels.OPENAI_MODEL, text);
    }

    private Answer ask(String model, String text) {
        return sandbox.post(
                CHAT, "{'model':'" + model + "','messages':[{'role':'user','content':'" + text + "'}],'max_tokens':9}");
    }

    /** Neither a model is asked nor anything of the installation told. */
    private void isRefused(int status) {
        String marker = TestingModels.marker(TestingModels::answer);
        assertThat(ask(marker).status()).isEqualTo(status);
        assertThat(TestingModels.received(marker)).isEmpty();
        assertThat(ask("no-such-model", "Hi").status()).isEqualTo(status);
        assertThat(sandbox.post(CHAT, "not JSON").status()).isEqualTo(status);
        assertThat(sandbox.get("/llm/openai/v1/models").status()).isEqualTo(status);
        assertThat(sandbox.post("/llm/openai/v1/embeddings", "{}").status()).isEqualTo(status);
        assertThat(ledger.balance(sandbox.session())).isEqualTo(before);
    }

    @Test
    void isRefusedOnceItsTokenIsRevoked() {
        world.worker(sandbox.session(), "/incarnations/1/close", "{}");
        isRefused(401);
    }

    @Test
    void isRefusedOnceAnotherIncarnationSpeaksForItsSession() {
        world.boot(sandbox.session(), 2);
        isRefused(409);
    }

    @Test
    void isRefusedOnceItIsFrozen() {
        world.worker(sandbox.session(), "/incarnations/1/freeze", "{}");
        isRefused(401);
    }

    @Test
    void isRefusedOnceItsLeaseHasRunOut() {
        world.jdbc()
                .sql("update incarnations set lease_until = now() - interval '1 second' where session_id = :session")
                .param("session", sandbox.session())
                .update();
        isRefused(401);
    }

    @Test
    void isRefusedOnceAnOperatorStopsItsSession() {
        world.operator("PUT", "/kill-switches/session/" + sandbox.session(), "{'reason': 'drill'}");
        isRefused(410);
    }

    @Test
    void isRefusedOnceAnOperatorStopsItsTenant() {
        String tenant = world.jdbc()
                .sql("select tenant_id from sessions where id = :session")
                .param("session", sandbox.session())
                .query(String.class)
                .single();
        world.operator("PUT", "/kill-switches/tenant/" + tenant, "{'reason': 'drill'}");
        try {
            isRefused(410);
        } finally {
            world.operator("DELETE", "/kill-switches/tenant/" + tenant, null);
        }
    }
}
