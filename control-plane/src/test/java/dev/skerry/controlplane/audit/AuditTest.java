package dev.skerry.controlplane.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.World;
import dev.skerry.store.Audit;
import dev.skerry.store.Audit.Entry;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

@ControlPlaneTest
class AuditTest {
    @Autowired
    World world;

    @Autowired
    Audit audit;

    @Autowired
    AuditTrail trail;

    @Test
    void recordsLifecycleModelCallsDecisionsAndFileOperations() {
        Sandbox sandbox = world.boot(world.session(), 1);
        String turn = world.turn(sandbox.session(), "Write a secret-canary-text.");
        world.give(sandbox, turn);
        sandbox.post("/llm", "{'turn': '" + turn + "', 'seq': 1, 'new_messages': []}");
        sandbox.post("/llm", "{'turn': '" + turn + "', 'seq': 2, 'new_messages': [{'role': 'user', 'content': []}]}");
        String file =
                "{'path': 'a.txt', 'size': 5, 'sha256': '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'}";
        Answer uploads = sandbox.post("/files/uploads", "{'files': [" + file + "]}");
        Http.put(
                sandbox.origin()
                        + uploads.body().path("files").get(0).path("url").asString(),
                "hello".getBytes());
        sandbox.put("/files/manifest", "{'turn': '" + turn + "', 'files': [" + file + "]}");
        sandbox.post(
                "/turns/" + turn + "/outcome", "{'status': 'completed', 'result': 'secret-canary-text', 'files': []}");

        List<Entry> entries = audit.list(sandbox.session(), 0, 100);

        assertThat(entries)
                .extracting(Entry::kind)
                .contains(
                        "session.ready",
                        "turn.started",
                        "model.response",
                        "policy.denied",
                        "files.stored",
                        "turn.completed");
        assertThat(entries).noneMatch(entry -> entry.data().contains("secret-canary-text"));
        assertThat(entries).extracting(Entry::seq).isSorted().doesNotHaveDuplicates();
        assertWhole(sandbox.session());
    }

    @Test
    void chainsEntriesInTheOrderOfTheirNumbersAlsoWhenManyAreMadeAtOnce() {
        String session = world.session();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 40; i++) {
                int number = i;
                threads.execute(() -> trail.session(session, "test.entry", Map.of("number", number, "text", "ä\n\"")));
            }
        }

        assertThat(audit.list(session, 0, 100)).hasSize(40);
        assertWhole(session);
    }

    @Test
    void cannotBeChangedOrEmptied() {
        String session = world.session();
        trail.session(session, "test.entry", Map.of());

        for (String statement : List.of(
                "update audit set kind = 'forged' where chain = :chain", "delete from audit where chain = :chain")) {
            assertThatThrownBy(() ->
                            world.jdbc().sql(statement).param("chain", session).update())
                    .rootCause()
                    .hasMessageContaining("append-only");
        }
        assertThatThrownBy(() -> world.jdbc().sql("truncate audit").update())
                .rootCause()
                .hasMessageContaining("append-only");
        assertWhole(session);
    }

    @Test
    void isShownToOperatorsAsItIsStored() {
        String session = world.session();
        trail.session(session, "test.entry", Map.of("a", 1));

        Answer answer = world.operator("GET", "/audit/entries?chain=" + session, null);

        Entry entry = audit.list(session, 0, 10).getFirst();
        assertThat(answer.body().path("data").get(0).path("data").asString()).isEqualTo(entry.data());
        assertThat(answer.body().path("data").get(0).path("at_micros").asLong()).isEqualTo(entry.atMicros());
        assertThat(world.operator("GET", "/audit/chains?after=" + session.substring(0, 29), null)
                        .text())
                .contains(session);
    }

    private void assertWhole(String chain) {
        byte[] before = Audit.genesis(chain);
        for (Entry entry : audit.list(chain, 0, 1000)) {
            byte[] expected = Audit.hash(before, entry.seq(), entry.atMicros(), entry.kind(), entry.data());
            assertThat(entry.hash()).as("entry %s", entry.seq()).isEqualTo(expected);
            before = expected;
        }
        byte[] last = before;
        assertThat(audit.heads("", 100_000))
                .filteredOn(head -> head.chain().equals(chain))
                .singleElement()
                .satisfies(head -> assertThat(head.hash()).isEqualTo(last));
    }
}
