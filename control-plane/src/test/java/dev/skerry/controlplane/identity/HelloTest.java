package dev.skerry.controlplane.identity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.World;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

@ControlPlaneTest
class HelloTest {
    @Autowired
    World world;

    @Test
    void exchangesTheBootTokenForASessionToken() {
        String session = world.session();

        Answer welcome = world.hello(world.bootToken(session, 1), World.nonce());

        assertThat(welcome.status()).isEqualTo(200);
        assertThat(welcome.body().path("session_id").asString()).isEqualTo(session);
        assertThat(welcome.body().path("incarnation").asInt()).isEqualTo(1);
        assertThat(welcome.body().path("lease_seconds").asInt()).isEqualTo(60);
        assertThat(welcome.body().path("session_token").asString()).hasSize(43);
        assertThat(welcome.body().path("profile").path("tools").findValuesAsString("name"))
                .contains("bash", "write", "read", "edit", "ls", "glob", "grep", "done");
        assertThat(welcome.body().path("profile").path("max_steps").asInt()).isEqualTo(50);
        assertThat(welcome.text()).doesNotContain("system_prompt");
        assertThat(world.events(session)).singleElement().satisfies(event -> {
            assertThat(event.type()).isEqualTo("session.ready");
            assertThat(event.data()).contains("\"driver\": \"plain\"", "\"pass\": 1", "duration_ms");
        });
        assertThat(world.jdbc()
                        .sql("select driver from sessions where id = ?")
                        .param(session)
                        .query(String.class)
                        .single())
                .isEqualTo("plain");
    }

    @Test
    void answersTheSameToTheSameNonceAndRefusesAnother() {
        String session = world.session();
        String boot = world.bootToken(session, 1);
        String nonce = World.nonce();

        Answer first = world.hello(boot, nonce);
        Answer again = world.hello(boot, nonce);
        Answer other = world.hello(boot, World.nonce());

        assertThat(again.body()).isEqualTo(first.body());
        assertThat(other.status()).isEqualTo(401);
        assertThat(other.code()).isEqualTo("token_spent");
        assertThat(world.eventTypes(session)).containsExactly("session.ready", "policy.denied");
    }

    @Test
    void handsOutTheSameBootTokenForARetriedCreate() {
        String session = world.session();

        assertThat(world.bootToken(session, 1))
                .isEqualTo(world.bootToken(session, 1))
                .isNotEqualTo(world.bootToken(session, 2));
    }

    @Test
    void refusesABootTokenThatWasTamperedWith() {
        String mine = world.session();
        String other = world.session();
        String boot = world.bootToken(mine, 1);
        world.bootToken(other, 1);
        char last = boot.charAt(boot.length() - 2);

        assertThat(world.hello(boot.replace(mine, other), World.nonce()).code()).isEqualTo("unauthorized");
        assertThat(world.hello(boot.replace("." + "1.", ".2."), World.nonce()).code())
                .isEqualTo("unauthorized");
        assertThat(world.hello(boot.replace("skb1.k2", "skb1.k1"), World.nonce())
                        .code())
                .isEqualTo("unauthorized");
        assertThat(world.hello(boot.replace("skb1.k2", "skb1.k9"), World.nonce())
                        .code())
                .isEqualTo("unauthorized");
        assertThat(world.hello(
                                boot.substring(0, boot.length() - 2)
                                        + (last == 'A' ? 'B' : 'A')
                                        + boot.charAt(boot.length() - 1),
                                World.nonce())
                        .code())
                .isEqualTo("unauthorized");
        assertThat(world.hello(boot, World.nonce()).status()).isEqualTo(200);
    }

    @Test
    void takesABootTokenForNothingButHello() {
        String boot = world.bootToken(world.session(), 1);

        assertThat(new Sandbox(world.sandboxOrigin(), "", 1, boot).get("/state").code())
                .isEqualTo("unauthorized");
    }

    @Test
    void refusesAHelloOfTheWrongForm() {
        String boot = world.bootToken(world.session(), 1);

        assertThat(world.hello(boot, "short").status()).isEqualTo(422);
        assertThat(world.hello(boot, World.nonce(), "{'id': 'S01', 'result': 'maybe'}")
                        .status())
                .isEqualTo(422);
        assertThat(world.hello(boot, World.nonce(), "null").status()).isEqualTo(422);
    }

    @Test
    void refusesForGoodWhenARequiredProbeIsLeftOut() {
        String session = world.session();

        Answer refused = world.hello(
                world.bootToken(session, 1), World.nonce(), "{'id': 'P01', 'result': 'pass', 'detail': ''}");

        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.code()).isEqualTo("probe_failed");
    }

    @Test
    void refusesForGoodWhenARequiredProbeFails() {
        String session = world.session();
        String boot = world.bootToken(session, 1);

        Answer refused = world.hello(
                boot, World.nonce(), "{'id': 'S01', 'result': 'fail', 'detail': 'token in environ of pid 1'}");
        Answer retried = world.hello(boot, World.nonce());

        assertThat(refused.status()).isEqualTo(403);
        assertThat(refused.code()).isEqualTo("probe_failed");
        assertThat(retried.code()).isEqualTo("probe_failed");
        assertThat(world.worker(session, "/incarnations/1/hello", "{'wait_seconds': 0}")
                        .body()
                        .path("state")
                        .asString())
                .isEqualTo("refused");
        assertThat(world.eventTypes(session)).containsExactly("sandbox.probe");
    }

    @Test
    void toleratesAFailedProbeThatIsNotRequired() {
        String session = world.session();

        Answer welcome = world.hello(
                world.bootToken(session, 1),
                World.nonce(),
                "{'id': 'S01', 'result': 'pass', 'detail': ''}, {'id': 'F02', 'result': 'fail', 'detail': 'no limit'}, {'id': 'N01', 'result': 'unsupported'}");

        assertThat(welcome.status()).isEqualTo(200);
        assertThat(world.worker(session, "/incarnations/1/hello", "{'wait_seconds': 0}")
                        .body()
                        .toString())
                .isEqualTo("{\"state\":\"ready\"}");
    }

    @Test
    void exchangesTheTokenOfAFrozenIncarnationOnce() {
        String session = world.session();
        Sandbox frozen = world.boot(session, 1);
        world.worker(session, "/incarnations/1/freeze", "{}");

        assertThat(frozen.get("/state").code()).isEqualTo("lease_expired");
        assertThat(world.hello(frozen.token(), World.nonce()).code()).isEqualTo("busy");

        assertThat(world.worker(session, "/incarnations", "{'number': 2, 'resumes': 1}")
                        .body()
                        .path("boot_token")
                        .isNull())
                .isTrue();
        assertThat(frozen.get("/state").code()).isEqualTo("lease_expired");
        String nonce = World.nonce();
        Answer welcome = world.hello(frozen.token(), nonce);
        Answer again = world.hello(frozen.token(), nonce);
        Answer other = world.hello(frozen.token(), World.nonce());

        assertThat(welcome.status()).isEqualTo(200);
        assertThat(welcome.body().path("incarnation").asInt()).isEqualTo(2);
        assertThat(again.body()).isEqualTo(welcome.body());
        assertThat(other.code()).isEqualTo("token_spent");
        Sandbox awake = new Sandbox(
                world.sandboxOrigin(),
                session,
                2,
                welcome.body().path("session_token").asString());
        assertThat(awake.get("/state").status()).isEqualTo(200);
        assertThat(world.eventTypes(session)).containsExactly("session.ready", "session.resumed", "policy.denied");
    }

    @Test
    void refusesTheBootTokenOfAFrozenIncarnation() {
        String session = world.session();
        String boot = world.bootToken(session, 1);
        world.hello(boot, World.nonce());
        world.worker(session, "/incarnations/1/freeze", "{}");

        assertThat(world.hello(boot, World.nonce()).code()).isEqualTo("token_spent");
    }

    @Test
    void fencesWhatAHigherIncarnationReplaced() {
        String session = world.session();
        Sandbox first = world.boot(session, 1);
        String bootOfFirst = world.bootToken(session, 1);

        Sandbox second = world.boot(session, 2);

        assertThat(first.get("/state").status()).isEqualTo(409);
        assertThat(first.get("/state").code()).isEqualTo("fenced");
        assertThat(first.post("/flushed", "{}").code()).isEqualTo("fenced");
        assertThat(world.hello(first.token(), World.nonce()).code()).isEqualTo("fenced");
        assertThat(bootOfFirst).isNotEmpty();
        assertThat(world.hello(bootOfFirst, World.nonce()).code()).isEqualTo("fenced");
        assertThat(world.worker(session, "/incarnations", "{'number': 1, 'resumes': null}")
                        .code())
                .isEqualTo("superseded");
        assertThat(second.get("/state").status()).isEqualTo(200);
    }

    @Test
    void saysThatAnEndedSessionIsOver() {
        String session = world.session();
        Sandbox sandbox = world.boot(session, 1);
        world.worker(
                session,
                "/transitions",
                "{'number': 1, 'status': 'terminating', 'reason': {'code': 'deleted', 'message': 'Asked.'}, 'incarnation': 1}");
        world.worker(session, "/incarnations/1/close", "{}");

        assertThat(sandbox.get("/next?wait=0").status()).isEqualTo(410);
        assertThat(sandbox.get("/next?wait=0").code()).isEqualTo("session_ended");
        assertThat(world.worker(session, "/incarnations", "{'number': 2, 'resumes': null}")
                        .code())
                .isEqualTo("session_ended");
    }

    @Test
    void refusesATokenWhoseLeaseRanOut() {
        String session = world.session();
        Sandbox sandbox = world.boot(session, 1);
        world.jdbc()
                .sql("update incarnations set lease_until = now() - interval '1 second' where session_id = ?")
                .param(session)
                .update();

        assertThat(sandbox.get("/state").status()).isEqualTo(401);
        assertThat(sandbox.get("/state").code()).isEqualTo("lease_expired");
    }

    @Test
    void renewsTheLeaseWithEveryCall() {
        String session = world.session();
        Sandbox sandbox = world.boot(session, 1);
        world.jdbc()
                .sql("update incarnations set lease_until = now() + interval '9 seconds' where session_id = ?")
                .param(session)
                .update();

        sandbox.get("/state");

        assertThat(world.jdbc()
                        .sql(
                                "select lease_until > now() + interval '50 seconds' from incarnations where session_id = ?")
                        .param(session)
                        .query(Boolean.class)
                        .single())
                .isTrue();
    }
}
