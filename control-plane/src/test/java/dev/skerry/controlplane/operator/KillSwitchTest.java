package dev.skerry.controlplane.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.World;
import dev.skerry.store.Audit;
import dev.skerry.store.Audit.Entry;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

@ControlPlaneTest
class KillSwitchTest {
    @Autowired
    World world;

    @Autowired
    Audit audit;

    @AfterEach
    void release() {
        world.operator("DELETE", "/kill-switches/platform/all", null);
    }

    @Test
    void stopsASessionAtOnceAndNoOther() throws Exception {
        Sandbox stopped = world.boot(world.session(), 1);
        Sandbox other = world.boot(world.session(), 1);
        CompletableFuture<Answer> poll = CompletableFuture.supplyAsync(() -> stopped.get("/next?wait=20"));

        assertThat(engage("session/" + stopped.session()).status()).isEqualTo(204);

        assertThat(poll.get(4, TimeUnit.SECONDS).code()).isEqualTo("session_ended");
        assertThat(stopped.get("/state").code()).isEqualTo("session_ended");
        assertThat(stopped.post("/llm", "{'turn': 'trn_1', 'seq': 1}").code()).isEqualTo("session_ended");
        assertThat(other.get("/state").status()).isEqualTo(200);
        assertThat(audit.list(stopped.session(), 0, 100))
                .extracting(Entry::kind)
                .contains("kill_switch.engaged");
    }

    @Test
    void bootsNothingWhileItIsEngagedAndGoesOnAfterwards() {
        String session = world.session();
        String boot = world.bootToken(session, 1);
        engage("session/" + session);

        assertThat(world.hello(boot, World.nonce()).code()).isEqualTo("session_ended");
        assertThat(world.worker(session, "/incarnations", "{'number': 2, 'resumes': null}")
                        .status())
                .isEqualTo(503);

        assertThat(world.operator("DELETE", "/kill-switches/session/" + session, null)
                        .status())
                .isEqualTo(204);
        assertThat(world.hello(boot, World.nonce()).status()).isEqualTo(200);
    }

    @Test
    void stopsATenant() {
        Sandbox theirs = world.boot(world.session("ten_stopped", "rehearsal", World.DOLLAR), 1);
        Sandbox ours = world.boot(world.session(), 1);

        engage("tenant/ten_stopped");

        assertThat(theirs.get("/state").status()).isEqualTo(410);
        assertThat(ours.get("/state").status()).isEqualTo(200);
    }

    @Test
    void stopsEverythingAndBreaksModelCallsOff() throws Exception {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Write a very long answer into " + "x".repeat(120) + ".txt");
        world.give(sandbox, turn);
        CompletableFuture<Answer> call = CompletableFuture.supplyAsync(
                () -> sandbox.post("/llm", "{'turn': '" + turn + "', 'seq': 1, 'new_messages': []}"));
        await().until(() -> world.jdbc()
                .sql("select exists (select 1 from model_calls where turn_id = :turn)")
                .param("turn", turn)
                .query(Boolean.class)
                .single());

        engage("platform/all");

        assertThat(call.get(5, TimeUnit.SECONDS).status()).isIn(200, 409);
        assertThat(sandbox.get("/state").status()).isEqualTo(410);
        assertThat(world.jdbc()
                        .sql("select count(*) from model_calls where turn_id = :turn and state = 'reserved'")
                        .param("turn", turn)
                        .query(Integer.class)
                        .single())
                .isZero();
        assertThat(world.operator("GET", "/kill-switches", null).text()).contains("drill");
    }

    @Test
    void demandsAReasonAndAKnownScope() {
        assertThat(world.operator("PUT", "/kill-switches/platform/all", "{}").status())
                .isEqualTo(422);
        assertThat(world.operator("PUT", "/kill-switches/planet/all", "{'reason': 'x'}")
                        .status())
                .isEqualTo(404);
        assertThat(world.operator("PUT", "/kill-switches/platform/some", "{'reason': 'x'}")
                        .status())
                .isEqualTo(404);
    }

    private Answer engage(String what) {
        return world.operator("PUT", "/kill-switches/" + what, "{'reason': 'drill'}");
    }
}
