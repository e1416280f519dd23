package dev.skerry.controlplane.passthrough;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.TestingModelServer.Received;
import dev.skerry.controlplane.TestingModelServer.Reply;
import dev.skerry.controlplane.TestingModels;
import dev.skerry.controlplane.World;
import dev.skerry.store.Events.EventRow;
import dev.skerry.store.Ledger;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;

@ControlPlaneTest
class PassThroughTest {
    @Autowired
    World world;

    @Autowired
    Ledger ledger;

    private Sandbox sandbox;
    private String turn;

    /** The three forms in which a model can be asked. */
    enum Form {
        CHAT("/llm/openai/v1/chat/completions", TestingModels.OPENAI_MODEL, TestingModels.OPENAI_COST, "openai.chat"),
        RESPONSES(
                "/llm/openai/v1/responses", TestingModels.OPENAI_MODEL, TestingModels.OPENAI_COST, "openai.responses"),
        MESSAGES(
                "/llm/anthropic/v1/messages",
                TestingModels.ANTHROPIC_MODEL,
                TestingModels.ANTHROPIC_COST,
                "anthropic.messages");

        private final String path;
        private final String model;
        private final long cost;
        private final String via;

        Form(String path, String model, long cost, String via) {
            this.path = path;
            this.model = model;
            this.cost = cost;
            this.via = via;
        }

        String body(String text, String more) {
            return body(model, "'" + text + "'", more);
        }

        String body(String named, String content, String more) {
            String start = "{'model':'" + named + "',";
            return start
                    + switch (this) {
                        case CHAT -> "'messages':[{'role':'user','content':" + content + "}]";
                        case RESPONSES -> "'input':[{'role':'user','content':" + content + "}]";
                        case MESSAGES -> "'max_tokens':500,'messages':[{'role':'user','content':" + content + "}]";
                    }
                    + more + "}";
        }
    }

    @BeforeEach
    void aTurnInProgress() {
        begin(World.DOLLAR);
    }

    private void begin(long cap) {
        sandbox = world.boot(world.session("rehearsal", cap), 1);
        turn = world.turn(sandbox.session(), "Go on.");
        world.give(sandbox, turn);
    }

    @ParameterizedTest
    @EnumSource
    void passesAStreamOnByteForByteAndSettlesWhatItCost(Form form) {
        String marker = TestingModels.marker(TestingModels::answer);
        Answer answer = sandbox.post(form.path, form.body(marker, ",'stream':true"));

        Received passed = TestingModels.received(marker).getFirst();
        assertThat(answer.text()).isEqualTo(String.join("\n\n", TestingModels.events(passed)) + "\n\n");
        assertThat(answer.headers().firstValue("Content-Type").orElse("")).startsWith("text/event-stream");
        assertThat(ledger.balance(sandbox.session())).isEqualTo(new Ledger.Balance(World.DOLLAR, 0, form.cost));
        EventRow event = world.events(sandbox.session()).getLast();
        assertThat(event.type()).isEqualTo("model.response");
        assertThat(event.turnId()).isEqualTo(turn);
        assertThat(event.data()).contains("Grüße from the model.", form.via, form.model, "\"input_tokens\": 1000");
    }

    @ParameterizedTest
    @EnumSource
    void passesAWholeAnswerOnByteForByteAndSettlesWhatItCost(Form form) {
        String marker = TestingModels.marker(TestingModels::answer);
        Answer answer = sandbox.post(form.path, form.body(marker, ""));

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.text()).contains("Grüße from the model.");
        assertThat(ledger.balance(sandbox.session())).isEqualTo(new Ledger.Balance(World.DOLLAR, 0, form.cost));
        assertThat(ledger.usage(sandbox.session(), turn))
                .containsExactly(new Ledger.Usage(form.model, 1, 1000, 100, form.cost));
    }

    @Test
    void showsTheProviderItsKeyAndNobodyElse() {
        String marker = TestingModels.marker(TestingModels::answer);
        sandbox.post(Form.CHAT.path, Form.CHAT.body(marker, ""));
        sandbox.post(Form.MESSAGES.path, Form.MESSAGES.body(marker, ""), "anthropic-beta", "context-1m-2025-08-07");

        List<Received> passed = TestingModels.received(marker);
        assertThat(passed.get(0).headers()).containsEntry("authorization", "Bearer " + TestingModels.OPENAI_KEY);
        assertThat(passed.get(1).headers())
                .containsEntry("x-api-key", TestingModels.ANTHROPIC_KEY)
                .containsEntry("anthropic-version", "2023-06-01")
                .doesNotContainKeys("authorization", "anthropic-beta");
        assertThat(passed)
                .allSatisfy(request -> assertThat(request.headers().toString() + request.text())
                        .doesNotContain(sandbox.token()));
    }

    @Test
    void takesTheSessionTokenWhereverAnSdkPutsIt() {
        Answer answer = Http.call(
                "POST",
                sandbox.origin() + "/sandbox/v1" + Form.MESSAGES.path,
                null,
                Form.MESSAGES.body("Hi", "").replace('\'', '"'),
                "x-api-key",
                sandbox.token());

        assertThat(answer.status()).isEqualTo(200);
    }

    @Test
    void makesARequestSayWhatEveryRequestMustSay() {
        String marker = TestingModels.marker(TestingModels::answer);
        sandbox.post(
                Form.CHAT.path,
                Form.CHAT.body(marker, ",'stream':true,'stream_options':{'include_usage':false},'store':false"));
        sandbox.post(Form.RESPONSES.path, Form.RESPONSES.body(marker, ",'store':true"));

        List<Received> passed = TestingModels.received(marker);
        assertThat(passed.get(0)
                        .body()
                        .path("stream_options")
                        .path("include_usage")
                        .asBoolean())
                .isTrue();
        assertThat(passed.get(0).body().path("max_tokens").asInt()).isEqualTo(16_384);
        assertThat(passed.get(1).body().path("store").asBoolean()).isFalse();
        assertThat(passed.get(1).body().path("max_output_tokens").asInt()).isEqualTo(16_384);
    }

    @ParameterizedTest
    @EnumSource
    void refusesAModelThatIsNotListed(Form form) {
        for (String name :
                List.of("gpt-unlisted", "rehearsal", "", form == Form.MESSAGES ? "gpt-5-mini" : "claude-sonnet-4-5")) {
            Answer refused = sandbox.post(form.path, form.body(name, "'Hi'", ""));
            assertThat(refused.status()).isEqualTo(404);
            assertShape(form, refused, form == Form.MESSAGES ? "not_found_error" : "invalid_request_error");
        }
        assertNothingSpent();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            CHAT|      ,'tools':[{'type':'web_search'}]
            CHAT|      ,'web_search_options':{}
            CHAT|      ,'store':true
            CHAT|      ,'n':9
            CHAT|      ,'service_tier':'priority'
            CHAT|      ,'modalities':['audio']
            CHAT|      ,'audio':{'voice':'alloy'}
            CHAT|      ,'prediction':{'type':'content','content':'x'}
            CHAT|      ,'max_tokens':0
            CHAT|      ,'max_tokens':1e9
            CHAT|      ,'stream':'yes'
            RESPONSES| ,'tools':[{'type':'function','name':'f'},{'type':'web_search_preview'}]
            RESPONSES| ,'tools':[{'type':'mcp','server_label':'x','server_url':'http://x'}]
            RESPONSES| ,'tools':[{'type':'code_interpreter','container':{'type':'auto'}}]
            RESPONSES| ,'tools':[{'type':'file_search'}]
            RESPONSES| ,'tools':[{'type':'image_generation'}]
            RESPONSES| ,'previous_response_id':'resp_of_another_session'
            RESPONSES| ,'conversation':'conv_1'
            RESPONSES| ,'prompt':{'id':'pmpt_1'}
            RESPONSES| ,'background':true
            RESPONSES| ,'include':['file_search_call.results']
            MESSAGES|  ,'tools':[{'type':'web_search_20250305','name':'web_search'}]
            MESSAGES|  ,'tools':[{'type':'code_execution_20250522','name':'code_execution'}]
            MESSAGES|  ,'mcp_servers':[{'type':'url','url':'http://x','name':'x'}]
            MESSAGES|  ,'container':'container_1'
            MESSAGES|  ,'service_tier':'priority'
            MESSAGES|  ,'system':[{'type':'text','text':'x','cache_control':{'type':'ephemeral','ttl':'1h'}}]
            """)
    void refusesWhatWouldRunOrStayAtTheProviderOrCostMoreThanIsReserved(Form form, String more) {
        Answer refused = sandbox.post(form.path, form.body("Hi", more));

        assertThat(refused.status()).isIn(400, 403);
        assertShape(form, refused, refused.status() == 400 ? "invalid_request_error" : "permission_error");
        assertNothingSpent();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            CHAT|      [{'type':'image_url','image_url':{'url':'https://attacker.test/?q=secret'}}]
            CHAT|      [{'type':'image_url','image_url':'http://169.254.169.254/'}]
            CHAT|      [{'type':'file','file':{'file_id':'file-of-another'}}]
            CHAT|      [{'type':'input_audio','input_audio':{'data':'','format':'wav'}}]
            RESPONSES| [{'type':'input_image','image_url':'https://attacker.test/'}]
            RESPONSES| [{'type':'input_image','image_url':'data:image/png;base64,AA==','file_id':'file-1'}]
            RESPONSES| [{'type':'input_file','file_url':'https://attacker.test/'}]
            MESSAGES|  [{'type':'image','source':{'type':'url','url':'https://attacker.test/'}}]
            MESSAGES|  [{'type':'document','source':{'type':'file','file_id':'file_1'}}]
            MESSAGES|  [{'type':'tool_result','tool_use_id':'x','content':[{'type':'image','source':{'type':'url','url':'https://attacker.test/'}}]}]
            MESSAGES|  [{'type':'text','text':'x','cache_control':{'type':'ephemeral','ttl':'1h'}}]
            MESSAGES|  [{'type':'container_upload','file_id':'file_1'}]
            """)
    void refusesContentThatTheProviderWouldFetchOrHasOfOthers(Form form, String content) {
        Answer refused = sandbox.post(form.path, form.body(form.model, content, ""));

        assertThat(refused.status()).isEqualTo(403);
        assertShape(form, refused, "permission_error");
        assertNothingSpent();
    }

    @Test
    void passesInlineImages() {
        assertThat(sandbox.post(
                                Form.CHAT.path,
                                Form.CHAT.body(
                                        Form.CHAT.model,
                                        "[{'type':'text','text':'What is it?'},{'type':'image_url','image_url':{'url':'data:image/png;base64,AA=='}}]",
                                        ""))
                        .status())
                .isEqualTo(200);
        assertThat(sandbox.post(
                                Form.MESSAGES.path,
                                Form.MESSAGES.body(
                                        Form.MESSAGES.model,
                                        "[{'type':'image','source':{'type':'base64','media_type':'image/png','data':'AA=='}}]",
                                        ""))
                        .status())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @EnumSource
    void refusesAStrangerInTheProvidersForm(Form form) {
        Answer refused = Http.call(
                "POST",
                sandbox.origin() + "/sandbox/v1" + form.path,
                "not-a-token",
                form.body("Hi", "").replace('\'', '"'));

        assertThat(refused.status()).isEqualTo(401);
        assertShape(form, refused, "authentication_error");
        assertThat(refused.headers().firstValue("x-should-retry")).contains("false");
    }

    @ParameterizedTest
    @EnumSource
    void asksNoModelOutsideATurn(Form form) {
        sandbox.post("/turns/" + turn + "/outcome", "{'status': 'completed'}");
        Answer refused = sandbox.post(form.path, form.body("Hi", ""));

        assertThat(refused.status()).isEqualTo(409);
        assertShape(form, refused, "invalid_request_error");
        assertNothingSpent();
    }

    @ParameterizedTest
    @EnumSource
    void refusesWhatTheBudgetDoesNotCover(Form form) {
        begin(1000);
        String marker = TestingModels.marker(TestingModels::answer);
        Answer refused = sandbox.post(form.path, form.body(marker, ",'stream':true"));

        assertThat(refused.status()).isEqualTo(402);
        assertShape(form, refused, form == Form.MESSAGES ? "billing_error" : "insufficient_quota");
        assertThat(TestingModels.received(marker)).isEmpty();
        assertThat(world.eventTypes(sandbox.session())).contains("budget.reached");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{", "7", "\"text\""})
    void refusesWhatIsNoRequest(String body) {
        for (Form form : Form.values()) {
            Answer refused = sandbox.post(form.path, body);
            assertThat(refused.status()).isEqualTo(400);
            assertShape(form, refused, "invalid_request_error");
        }
    }

    @ParameterizedTest
    @EnumSource
    void passesTheProvidersOwnErrorsOnAndChargesNothing(Form form) {
        String marker = TestingModels.marker(ignored ->
                Reply.json(429, "{\"error\":{\"message\":\"Slow down.\"}}", "Retry-After: 3", "Set-Cookie: a=b"));
        Answer passed = sandbox.post(form.path, form.body(marker, ",'stream':true"));

        assertThat(passed.status()).isEqualTo(429);
        assertThat(passed.text()).isEqualTo("{\"error\":{\"message\":\"Slow down.\"}}");
        assertThat(passed.headers().firstValue("Retry-After")).contains("3");
        assertThat(passed.headers().firstValue("Set-Cookie")).isEmpty();
        assertThat(TestingModels.received(marker)).hasSize(1);
        assertNothingSpent();
    }

    @ParameterizedTest
    @EnumSource
    void doesNotTellThatOrHowTheProviderRefusesTheKey(Form form) {
        for (Reply reply : List.of(
                Reply.json(401, "{\"error\":{\"message\":\"Incorrect API key\"}}"),
                Reply.json(
                        400,
                        "{\"error\":{\"message\":\"bad " + TestingModels.OPENAI_KEY + TestingModels.ANTHROPIC_KEY
                                + "\"}}"))) {
            String marker = TestingModels.marker(ignored -> reply);
            Answer refused = sandbox.post(form.path, form.body(marker, ""));
            assertThat(refused.status()).isEqualTo(502);
            assertThat(refused.text()).doesNotContain("canary").doesNotContain("Incorrect");
            assertShape(form, refused, form == Form.MESSAGES ? "api_error" : "server_error");
        }
        assertNothingSpent();
    }

    @ParameterizedTest
    @EnumSource
    void readsOnAndSettlesWhenTheCallerGoesAway(Form form) throws Exception {
        String marker = TestingModels.marker(
                received -> Reply.events(TestingModels.events(received)).slowly(Duration.ofMillis(60)));
        String body = form.body(marker, ",'stream':true").replace('\'', '"');
        URI origin = URI.create(sandbox.origin());
        try (Socket socket = new Socket(origin.getHost(), origin.getPort())) {
            socket.getOutputStream()
                    .write(("POST /sandbox/v1" + form.path
                                    + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                    + "Authorization: Bearer " + sandbox.token() + "\r\nContent-Length: "
                                    + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body)
                            .getBytes(StandardCharsets.UTF_8));
            InputStream in = socket.getInputStream();
            assertThat(new String(in.readNBytes(15), StandardCharsets.UTF_8)).isEqualTo("HTTP/1.1 200 \r\n");
            socket.setSoLinger(true, 0);
        }

        Awaitility.await()
                .atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(ledger.balance(sandbox.session()))
                        .isEqualTo(new Ledger.Balance(World.DOLLAR, 0, form.cost)));
    }

    @ParameterizedTest
    @EnumSource
    void estimatesWhatACutStreamCostAndSaysThatItBroke(Form form) {
        String marker = TestingModels.marker(received ->
                Reply.events(TestingModels.events(received).subList(0, 3)).thenReset());
        Answer cut = sandbox.post(form.path, form.body(marker, ",'stream':true"));

        assertThat(cut.status()).isEqualTo(200);
        assertThat(cut.text()).contains("event: error").contains("broke off");
        assertThat(TestingModels.received(marker)).hasSize(1);
        Ledger.Balance balance = ledger.balance(sandbox.session());
        assertThat(balance.reservedNanoUsd()).isZero();
        assertThat(balance.spentNanoUsd()).isPositive();
    }

    @ParameterizedTest
    @EnumSource
    void breaksACallOffWhenItsTurnIsCancelled(Form form) throws Exception {
        String marker = TestingModels.marker(received ->
                Reply.events(TestingModels.events(received).subList(0, 3)).thenHang());
        CompletableFuture<Answer> call = CompletableFuture.supplyAsync(
                () -> sandbox.post(form.path, form.body(marker, ",'stream':true")), Thread::startVirtualThread);
        Awaitility.await().until(() -> !TestingModels.received(marker).isEmpty());

        world.worker(sandbox.session(), "/turns/" + turn + "/cancel", "{}");

        assertThat(call.get(10, java.util.concurrent.TimeUnit.SECONDS).status()).isIn(200, 409);
        assertThat(ledger.balance(sandbox.session()).reservedNanoUsd()).isZero();
    }

    @Test
    void countsCallsTokensCostAndWhatItAdds() {
        sandbox.post(Form.CHAT.path, Form.CHAT.body("Hi", ",'stream':true"));

        String metrics = Http.call("GET", world.managementOrigin() + "/actuator/prometheus", null, null)
                .text();
        assertThat(metrics)
                .contains("skerry_model_settled_total{model=\"gpt-5-mini\",outcome=\"completed\",via=\"openai.chat\"}")
                .contains("skerry_model_tokens_total{kind=\"input\",model=\"gpt-5-mini\",via=\"openai.chat\"}")
                .contains("skerry_model_cost_usd_total{model=\"gpt-5-mini\",via=\"openai.chat\"}")
                .contains("skerry_model_added_seconds_count{via=\"openai.chat\"}")
                .contains("skerry_model_circuit_open{provider=\"openai\"} 0.0")
                .doesNotContain("canary");
    }

    @Test
    void listsTheModelsThatMayBeAsked() {
        Answer models = sandbox.get("/llm/openai/v1/models");

        assertThat(models.body()
                        .path("data")
                        .valueStream()
                        .map(model -> model.path("id").asString()))
                .containsExactly(TestingModels.OPENAI_MODEL);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/llm/openai/v1/files",
                "/llm/openai/v1/embeddings",
                "/llm/anthropic/v1/files",
                "/llm/anthropic/v1/messages/batches"
            })
    void passesNothingElseOn(String path) {
        Answer refused = sandbox.post(path, "{}");

        assertThat(refused.status()).isEqualTo(404);
        assertShape(
                path.contains("anthropic") ? Form.MESSAGES : Form.CHAT,
                refused,
                path.contains("anthropic") ? "not_found_error" : "invalid_request_error");
    }

    private void assertNothingSpent() {
        assertThat(ledger.balance(sandbox.session())).isEqualTo(new Ledger.Balance(World.DOLLAR, 0, 0));
    }

    private static void assertShape(Form form, Answer refused, String type) {
        assertThat(refused.body().path("error").path("type").asString("")).isEqualTo(type);
        assertThat(refused.body().path("error").path("message").asString("")).isNotEmpty();
        if (form == Form.MESSAGES) {
            assertThat(refused.body().path("type").asString("")).isEqualTo("error");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",'stream':true"})
    void asksAnotherModelOfTheProviderWhereTheFirstIsNotAvailable(String more) {
        for (Reply failure :
                List.of(Reply.json(529, "{\"error\": {}}"), Reply.json(429, "{\"error\": {}}"), Reply.nothing())) {
            begin(World.DOLLAR * 10);
            String marker = TestingModels.marker(
                    received -> received.text().contains("claude-opus-4-1") ? failure : TestingModels.answer(received));

            Answer answer =
                    sandbox.post(Form.MESSAGES.path, Form.MESSAGES.body("claude-opus-4-1", "'" + marker + "'", more));

            assertThat(answer.status()).as(answer.text()).isEqualTo(200);
            assertThat(answer.text()).contains("the model.");
            assertThat(TestingModels.received(marker))
                    .extracting(received -> received.body().path("model").asString())
                    .containsExactly("claude-opus-4-1", TestingModels.ANTHROPIC_MODEL);
            assertThat(ledger.balance(sandbox.session()).spentNanoUsd()).isEqualTo(Form.MESSAGES.cost);
            assertThat(ledger.balance(sandbox.session()).reservedNanoUsd()).isZero();
        }
    }

    @Test
    void asksNobodyElseOnceAnythingOfAnAnswerHasComeOrTheRequestIsToBlame() {
        begin(World.DOLLAR * 10);
        String cut = TestingModels.marker(received ->
                Reply.events(TestingModels.events(received).subList(0, 3)).thenReset());
        String wrong = TestingModels.marker(received -> Reply.json(400, "{\"error\": {\"message\": \"no\"}}"));

        Answer broken = sandbox.post(
                Form.MESSAGES.path, Form.MESSAGES.body("claude-opus-4-1", "'" + cut + "'", ",'stream':true"));
        Answer rejected =
                sandbox.post(Form.MESSAGES.path, Form.MESSAGES.body("claude-opus-4-1", "'" + wrong + "'", ""));

        assertThat(broken.text()).contains("event: error");
        assertThat(rejected.status()).isEqualTo(400);
        assertThat(TestingModels.received(cut)).hasSize(1);
        assertThat(TestingModels.received(wrong)).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({
        "/llm/openai/v1/files/a.b, invalid_request_error",
        "/llm/openai/v1//chat, invalid_request_error",
        "/llm/anthropic/v1/files/a.b, not_found_error"
    })
    void tellsThatAPathIsServedByNobodyLikeTheProvider(String path, String type) {
        Answer answer = sandbox.post(path, "{}");

        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.body().path("error").path("type").asString()).isEqualTo(type);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
    }

    @ParameterizedTest
    @EnumSource
    void tellsThatABodyIsTooLargeLikeTheProvider(Form form) {
        Answer answer = sandbox.post(form.path, form.body("x".repeat(5_000_000), ""));

        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.body().path("error").path("type").asString())
                .isEqualTo(form == Form.MESSAGES ? "request_too_large" : "invalid_request_error");
    }
}
