package dev.skerry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.session.SessionState;
import dev.skerry.session.Ulid;
import java.time.Clock;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SessionCreationTest {
    private final TestingApi api = TestingApi.shared();
    private final TestingClient client = api.client();

    @Test
    void createsASessionWithEveryDefault() {
        TestingClient.Answer created = client.post("/v1/sessions", "{}");
        assertThat(created.status()).isEqualTo(201);
        assertThat(created.at("/id")).matches("ses_[0-9A-Z]{26}");
        assertThat(created.at("/status")).isEqualTo("provisioning");
        assertThat(created.at("/model")).isEqualTo("rehearsal");
        assertThat(created.json().at("/model_is_rehearsal").asBoolean()).isTrue();
        assertThat(created.json().at("/budget/max_cost_usd").decimalValue()).isEqualByComparingTo("1");
        assertThat(created.json().at("/cost_usd").decimalValue()).isZero();
        assertThat(created.json().at("/timeouts").toString())
                .isEqualTo("{\"idle\":\"PT5M\",\"suspended\":\"P7D\",\"lifetime\":\"P30D\"}");
        assertThat(created.json().at("/reason").isNull()).isTrue();
        assertThat(created.json().has("turn")).isFalse();
        assertThat(created.at("/links/temporal"))
                .isEqualTo("http://127.0.0.1:8233/namespaces/default/workflows/" + created.at("/id"));
        assertThat(client.get("/v1/sessions/" + created.at("/id")).json()).isEqualTo(created.json());
    }

    @Test
    void startsAWorkflowThatKnowsTheTermsAndNothingOfTheContent() {
        String id = client.post(
                        "/v1/sessions",
                        "{\"timeouts\":{\"idle\":\"PT1M\",\"lifetime\":\"P2D\"},\"labels\":{\"team\":\"a\"}}")
                .at("/id");
        SessionState state = Eventually.value(() -> RecordingWorkflow.started(id));
        assertThat(state.session().value()).isEqualTo(id);
        assertThat(state.tenant()).isEqualTo("ten_default");
        assertThat(state.installation()).isEqualTo("test");
        assertThat(state.timeouts().idle()).isEqualTo(Duration.ofMinutes(1));
        assertThat(state.timeouts().suspended()).isEqualTo(Duration.ofDays(7));
        assertThat(state.timeouts().lifetime()).isEqualTo(Duration.ofDays(2));
    }

    @Test
    void anotherAgentsProgramIsATermOfTheSession() {
        String id = new Ulid(Clock.systemUTC()).session().value();
        String asked = "{\"id\":\"" + id + "\",\"agent\":{\"command\":[\"llm\",\"{message}\"]}}";
        assertThat(client.post("/v1/sessions", asked).status()).isEqualTo(201);
        assertThat(client.post("/v1/sessions", asked).status()).isEqualTo(201);
        assertThat(client.post("/v1/sessions", asked.replace("llm", "other")).status())
                .isEqualTo(409);
        assertThat(client.post("/v1/sessions", "{\"id\":\"" + id + "\"}").status())
                .isEqualTo(409);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {"[]", "[\"\"]", "[\" \"]", "[null]", "[\"a\",null]", "[\"a\\u0000\"]", "null"})
    void refusesAProgramThatCannotBeStarted(String command) {
        TestingClient.Answer refused = client.post("/v1/sessions", "{\"agent\":{\"command\":" + command + "}}");
        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.json().toString()).contains("agent.command");
    }

    @Test
    void aMessageBecomesTheFirstTurnAndReachesTheWorkflow() {
        TestingClient.Answer created = client.post("/v1/sessions", "{\"message\":\"Write a haiku.\"}");
        assertThat(created.status()).isEqualTo(201);
        String id = created.at("/id");
        assertThat(created.at("/turn/status")).isEqualTo("queued");
        assertThat(created.at("/turn/session")).isEqualTo(id);
        assertThat(created.json().at("/turn/usage").toString())
                .isEqualTo("{\"input_tokens\":0,\"output_tokens\":0,\"cost_usd\":0}");
        assertThat(RecordingWorkflow.asked(id)).containsExactly("submit " + created.at("/turn/id"));
        assertThat(client.get("/v1/sessions/" + id + "/messages")
                        .json()
                        .at("/data/0/content")
                        .toString())
                .isEqualTo("[{\"text\":\"Write a haiku.\",\"type\":\"text\"}]");
        assertThat(client.get("/v1/sessions/" + id + "/events")
                        .json()
                        .at("/data")
                        .valueStream())
                .extracting(event -> event.at("/type").asString() + " " + event.at("/data"))
                .containsExactly(
                        "session.created {\"model\":\"rehearsal\",\"rehearsal\":true}",
                        "turn.queued {\"text_bytes\":14}");
        assertThat(client.get("/v1/sessions/" + id + "/turns/" + created.at("/turn/id"))
                        .json())
                .isEqualTo(created.json().at("/turn"));
    }

    @Test
    void theSameIdempotencyKeyGetsTheSameAnswer() {
        String key = UUID.randomUUID().toString();
        TestingClient.Answer first = client.post("/v1/sessions", "{\"message\":\"Hello\"}", "Idempotency-Key", key);
        TestingClient.Answer second = client.post("/v1/sessions", "{ \"message\": \"Hello\" }", "Idempotency-Key", key);
        assertThat(first.status()).isEqualTo(201);
        assertThat(second.status()).isEqualTo(201);
        assertThat(second.text()).isEqualTo(first.text());
        assertThat(RecordingWorkflow.asked(first.at("/id"))).hasSize(1);
    }

    @Test
    void theSameIdempotencyKeyForSomethingElseIsRefused() {
        String key = UUID.randomUUID().toString();
        client.post("/v1/sessions", "{\"message\":\"Hello\"}", "Idempotency-Key", key);
        TestingClient.Answer other = client.post("/v1/sessions", "{\"message\":\"Bye\"}", "Idempotency-Key", key);
        assertThat(other.status()).isEqualTo(422);
        assertThat(other.at("/code")).isEqualTo("idempotency_mismatch");
    }

    @Test
    void aRefusedRequestGivesItsIdempotencyKeyBack() {
        String key = UUID.randomUUID().toString();
        assertThat(client.post("/v1/sessions", "{\"model\":\"none\"}", "Idempotency-Key", key)
                        .status())
                .isEqualTo(422);
        assertThat(client.post("/v1/sessions", "{\"model\":\"big\"}", "Idempotency-Key", key)
                        .status())
                .isEqualTo(201);
    }

    @Test
    void aChosenIdMakesTheRequestRepeatable() {
        String id = new Ulid(Clock.systemUTC()).session().value();
        String body = "{\"id\":\"" + id + "\",\"message\":\"Hello\",\"labels\":{\"a\":\"1\"}}";
        TestingClient.Answer first = client.post("/v1/sessions", body);
        TestingClient.Answer second = client.post("/v1/sessions", body);
        assertThat(first.at("/id")).isEqualTo(id);
        assertThat(second.status()).isEqualTo(201);
        assertThat(second.at("/turn/id")).isEqualTo(first.at("/turn/id"));
        assertThat(RecordingWorkflow.asked(id)).hasSize(1);
    }

    @Test
    void aTakenIdIsAConflict() {
        String id = new Ulid(Clock.systemUTC()).session().value();
        client.post("/v1/sessions", "{\"id\":\"" + id + "\",\"message\":\"Hello\"}");
        for (String other : new String[] {
            "{\"id\":\"" + id + "\"}",
            "{\"id\":\"" + id + "\",\"message\":\"Bye\"}",
            "{\"id\":\"" + id + "\",\"message\":\"Hello\",\"budget\":{\"max_cost_usd\":2}}",
            "{\"id\":\"" + id + "\",\"message\":\"Hello\",\"labels\":{\"a\":\"1\"}}"
        }) {
            TestingClient.Answer refused = client.post("/v1/sessions", other);
            assertThat(refused.status()).isEqualTo(409);
            assertThat(refused.at("/code")).isEqualTo("conflict");
        }
        assertThat(api.otherTenant()
                        .post("/v1/sessions", "{\"id\":\"" + id + "\",\"message\":\"Hello\"}")
                        .status())
                .isEqualTo(409);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "{\"id\":\"ses_1\"} | id",
                "{\"message\":\"\"} | message",
                "{\"message\":\"a\\u0000b\"} | message",
                "{\"message\":\"a\\ud800b\"} | message",
                "{\"message\":{}} | message",
                "{\"model\":\"gpt-0\"} | model",
                "{\"budget\":{\"max_cost_usd\":0}} | budget.max_cost_usd",
                "{\"budget\":{\"max_cost_usd\":-1}} | budget.max_cost_usd",
                "{\"budget\":{\"max_cost_usd\":1001}} | budget.max_cost_usd",
                "{\"budget\":{\"max_cost_usd\":1e999999999}} | budget.max_cost_usd",
                "{\"budget\":{\"max_cost_usd\":1e-999999999}} | budget.max_cost_usd",
                "{\"budget\":{\"max_cost_usd\":0.0123456789}} | budget.max_cost_usd",
                "{\"timeouts\":{\"idle\":\"5 minutes\"}} | timeouts.idle",
                "{\"timeouts\":{\"idle\":\"PT0.5S\"}} | timeouts.idle",
                "{\"timeouts\":{\"idle\":\"P2D\"}} | timeouts.idle",
                "{\"timeouts\":{\"suspended\":\"P91D\"}} | timeouts.suspended",
                "{\"timeouts\":{\"lifetime\":\"P91D\"}} | timeouts.lifetime",
                "{\"labels\":{\"\":\"x\"}} | labels",
                "{\"labels\":{\"a\":null}} | labels.a",
                "{\"budjet\":{}} | budjet",
                "{\"budget\":{\"max\":1}} | budget.max",
                "[] | body",
                "{\"message\": | body",
                "null | body"
            })
    void saysWhichFieldIsWrong(String body, String field) {
        TestingClient.Answer refused = client.post("/v1/sessions", body);
        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.header("Content-Type")).startsWith("application/problem+json");
        assertThat(refused.at("/code")).isEqualTo("invalid_request");
        assertThat(refused.at("/errors/0/field")).isEqualTo(field);
        assertThat(refused.at("/errors/0/message")).isNotEmpty();
        assertThat(refused.text()).doesNotContain("Exception").doesNotContain("dev.skerry");
    }

    @Test
    void saysEverythingThatIsWrongAtOnce() {
        TestingClient.Answer refused =
                client.post("/v1/sessions", "{\"model\":\"x\",\"timeouts\":{\"idle\":\"x\",\"lifetime\":\"P99D\"}}");
        assertThat(refused.json().at("/errors").valueStream())
                .extracting(error -> error.at("/field").asString())
                .containsExactly("model", "timeouts.idle", "timeouts.lifetime");
    }

    @Test
    void listsNewestFirstPageByPage() {
        TestingClient tenant = api.otherTenant();
        String first = tenant.newSession();
        String second = tenant.newSession();
        String third = tenant.newSession();
        TestingClient.Answer page = tenant.get("/v1/sessions?limit=2");
        assertThat(page.json()
                        .at("/data")
                        .valueStream()
                        .map(session -> session.at("/id").asString()))
                .containsExactly(third, second);
        assertThat(page.json().at("/has_more").asBoolean()).isTrue();
        TestingClient.Answer rest = tenant.get("/v1/sessions?limit=2&cursor=" + page.at("/next_cursor"));
        assertThat(rest.json()
                        .at("/data")
                        .valueStream()
                        .map(session -> session.at("/id").asString()))
                .containsExactly(first);
        assertThat(rest.json().at("/has_more").asBoolean()).isFalse();
        assertThat(rest.json().at("/next_cursor").isNull()).isTrue();
        assertThat(tenant.get("/v1/sessions?status=idle").json().at("/data")).isEmpty();
        assertThat(tenant.get("/v1/sessions?status=provisioning").json().at("/data"))
                .hasSize(3);
    }

    @ParameterizedTest
    @CsvSource({"status=awake,status", "limit=0,limit", "limit=x,limit", "cursor=x,cursor", "cursor=YQ,cursor"})
    void refusesAListingItDoesNotUnderstand(String query, String field) {
        TestingClient.Answer refused = client.get("/v1/sessions?" + query);
        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.at("/errors/0/field")).isEqualTo(field);
    }
}
