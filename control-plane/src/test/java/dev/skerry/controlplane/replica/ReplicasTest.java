package dev.skerry.controlplane.replica;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.skerry.controlplane.ControlPlaneProcess;
import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.World;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.core.env.Environment;

/** The test's own control plane and another process serve the same sandboxes. */
@ControlPlaneTest
class ReplicasTest {
    @Autowired
    World world;

    @Autowired
    Environment environment;

    @Test
    void oneReplicaWakesRevokesAndTakesOverWhatTheOtherServed() throws Exception {
        try (ControlPlaneProcess other = ControlPlaneProcess.start(environment, Map.of())) {
            wakesAPollThatWaitsElsewhere(other);
            revokesAtOnceElsewhere(other);
            losesNothingWhenOneIsKilled(other);
        }
    }

    private void wakesAPollThatWaitsElsewhere(ControlPlaneProcess other) throws Exception {
        Sandbox here = world.boot(world.session(), 1);
        Sandbox there = at(other, here);
        String turn = world.turn(here.session(), "Hi");

        CompletableFuture<Answer> poll = CompletableFuture.supplyAsync(() -> there.get("/next?wait=25"));
        world.give(here, turn);

        assertThat(poll.get(4, TimeUnit.SECONDS).body().path("turn").path("id").asString())
                .isEqualTo(turn);
    }

    private void revokesAtOnceElsewhere(ControlPlaneProcess other) throws Exception {
        Sandbox here = world.boot(world.session(), 1);
        Sandbox there = at(other, here);
        assertThat(there.get("/state").status()).isEqualTo(200);
        CompletableFuture<Answer> poll = CompletableFuture.supplyAsync(() -> there.get("/next?wait=25"));

        world.bootToken(here.session(), 2);

        assertThat(there.get("/state").code()).isEqualTo("fenced");
        assertThat(poll.get(4, TimeUnit.SECONDS).code()).isEqualTo("fenced");
    }

    private void losesNothingWhenOneIsKilled(ControlPlaneProcess other) throws Exception {
        Sandbox here = world.boot(world.session(), 1);
        Sandbox there = at(other, here);
        Sandbox waiting = world.boot(world.session(), 1);
        String turn = world.turn(here.session(), "Write a haiku into haiku.txt.");
        world.give(here, turn);
        there.post("/llm", "{'turn': '" + turn + "', 'seq': 1, 'new_messages': []}");
        CompletableFuture<Answer> poll =
                CompletableFuture.supplyAsync(() -> at(other, waiting).get("/next?wait=25"));

        other.kill();

        assertThat(poll).failsWithin(java.time.Duration.ofSeconds(5)).withThrowableOfType(ExecutionException.class);
        String later = world.turn(waiting.session(), "Hello");
        world.give(waiting, later);
        assertThat(waiting.get("/next?wait=5").body().path("turn").path("id").asString())
                .isEqualTo(later);
        Answer again = here.post("/llm", "{'turn': '" + turn + "', 'seq': 1, 'new_messages': []}");
        assertThat(again.status()).isEqualTo(200);
        assertThat(count("messages where turn_id = :turn and role = 'assistant'", turn))
                .isEqualTo(1);
        assertThat(count("model_calls where turn_id = :turn and outcome = 'completed'", turn))
                .isEqualTo(1);
        await().untilAsserted(() -> assertThat(count("model_calls where turn_id = :turn and state = 'reserved'", turn))
                .isZero());
    }

    private int count(String what, String turn) {
        return world.jdbc()
                .sql("select count(*) from " + what)
                .param("turn", turn)
                .query(Integer.class)
                .single();
    }

    private static Sandbox at(ControlPlaneProcess other, Sandbox sandbox) {
        return new Sandbox(other.sandboxOrigin(), sandbox.session(), sandbox.incarnation(), sandbox.token());
    }
}
