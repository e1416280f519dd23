package dev.skerry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.session.Ulid;
import dev.skerry.store.Models;
import dev.skerry.testing.TestingPostgres;
import java.net.URI;
import java.time.Clock;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class OutageTest {
    private final int temporalPort = TestingTemporal.freePort();
    private CuttableProxy postgres;
    private TestingApi api;
    private TestingClient client;

    @BeforeEach
    void anApiWithoutTemporal() throws Exception {
        URI database = URI.create(TestingPostgres.newDatabase().substring("jdbc:".length()));
        postgres = new CuttableProxy(database.getPort());
        api = TestingApi.start("jdbc:postgresql://127.0.0.1:" + postgres.port() + database.getPath(), temporalPort);
        client = api.client();
    }

    @AfterEach
    void stop() throws Exception {
        api.close();
        postgres.close();
    }

    @Test
    void finishesWhatWasBegunWhenTemporalComesBack() {
        assertThat(client.post("/v1/sessions", "{}").at("/detail")).contains("control plane has not come up");
        api.publishModels();
        assertThat(client.get("/readyz").text())
                .isEqualTo(
                        "{\"status\":\"unavailable\",\"checks\":{\"postgres\":\"ok\",\"temporal\":\"unavailable\"}}");

        String key = UUID.randomUUID().toString();
        String id = new Ulid(Clock.systemUTC()).session().value();
        String chosen = "{\"id\":\"" + id + "\",\"message\":\"Hello\"}";
        assertAway(client.post("/v1/sessions", "{\"message\":\"Hello\"}", "Idempotency-Key", key));
        assertAway(client.post("/v1/sessions", chosen));
        assertThat(client.get("/v1/sessions").json().at("/data")).hasSize(2);
        assertAway(client.post("/v1/sessions/" + id + "/messages", "{\"text\":\"More\"}"));
        assertThat(client.get("/v1/sessions/" + id + "/turns/"
                                + client.get("/v1/sessions/" + id + "/messages").at("/data/1/turn"))
                        .at("/reason"))
                .isEqualTo("not_delivered");
        assertAway(client.delete("/v1/sessions/" + id));

        try (var _ = new TestingTemporal(temporalPort)) {
            TestingClient.Answer keyed =
                    Eventually.value(() -> created("{\"message\":\"Hello\"}", "Idempotency-Key", key));
            assertThat(RecordingWorkflow.asked(keyed.at("/id"))).containsExactly("submit " + keyed.at("/turn/id"));
            TestingClient.Answer again = client.post("/v1/sessions", chosen);
            assertThat(again.at("/id")).isEqualTo(id);
            assertThat(RecordingWorkflow.asked(id)).containsExactly("submit " + again.at("/turn/id"));
            assertThat(client.get("/v1/sessions").json().at("/data")).hasSize(2);
            assertThat(client.get("/readyz").status()).isEqualTo(200);
        }
    }

    @Test
    void saysThatTheStoreIsAwayAndNothingElse() throws Exception {
        api.bean(Models.class).publish(List.of(new Models.ModelRow("m", "p", true, true, 0, 0, 1)));
        String id = Rows.session(api, "ten_default");
        try (Stream<String> stream = client.stream("/v1/sessions/" + id + "/events")) {
            postgres.cut();
            for (TestingClient.Answer refused : List.of(
                    client.get("/v1/sessions"),
                    client.get("/v1/models"),
                    client.post("/v1/sessions", "{}"),
                    client.post("/v1/sessions", "{}", "Idempotency-Key", "k"),
                    client.post("/v1/sessions/" + id + "/messages", "{\"text\":\"Hello\"}"))) {
                assertAway(refused);
                assertThat(refused.text()).doesNotContain("Exception").doesNotContain("jdbc");
            }
            assertThat(client.get("/healthz").status()).isEqualTo(200);
            assertThat(client.get("/readyz").at("/checks/postgres")).isEqualTo("unavailable");

            postgres.mend();
            Eventually.happens(() -> client.get("/v1/sessions").status() == 200);
            api.bean(dev.skerry.store.Events.class).append(id, "session.terminated", null, null, "{}");
            assertThat(stream.filter(line -> line.startsWith("id:"))).containsExactly("id: 1");
        }
    }

    private TestingClient.Answer created(String body, String... headers) {
        TestingClient.Answer answer = client.post("/v1/sessions", body, headers);
        return answer.status() == 201 ? answer : null;
    }

    private static void assertAway(TestingClient.Answer refused) {
        assertThat(refused.status()).as(refused.text()).isEqualTo(503);
        assertThat(refused.at("/code")).isEqualTo("unavailable");
        assertThat(refused.header("Retry-After")).isEqualTo("5");
    }
}
