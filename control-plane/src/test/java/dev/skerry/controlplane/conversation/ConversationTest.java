package dev.skerry.controlplane.conversation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.TestingModelServer.Received;
import dev.skerry.controlplane.TestingModelServer.Reply;
import dev.skerry.controlplane.TestingModels;
import dev.skerry.controlplane.World;
import dev.skerry.store.Events.EventRow;
import dev.skerry.store.Ledger;
import dev.skerry.store.Ledger.Balance;
import dev.skerry.store.Messages;
import dev.skerry.store.Sessions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;

@ControlPlaneTest
class ConversationTest {
    private static final String DONE = "'role':'tool','content':[{'type':'text','text':'Fog.'}],'is_error':false";

    @Autowired
    World world;

    @Autowired
    Ledger ledger;

    @Autowired
    Sessions sessions;

    @Autowired
    Messages messages;

    private Sandbox sandbox;
    private String turn;

    @ParameterizedTest
    @CsvSource({TestingModels.ANTHROPIC_MODEL + ",4500000", TestingModels.OPENAI_MODEL + ",450000"})
    void asksTheSessionsModelWithTheWholeConversationAndSettles(String model, long cost) {
        String marker = TestingModels.marker(TestingModels::answer);
        begin(model, World.DOLLAR, marker);

        Answer first = ask(1, "");
        String call = first.body().at("/message/content/0/id").asString();
        Answer second = ask(2, "{'tool_call_id':'" + call + "'," + DONE + "}");

        assertThat(first.body().at("/message/stop_reason").asString()).isEqualTo("tool_use");
        assertThat(first.body().at("/message/content/0/arguments").toString()).isEqualTo("{\"city\":\"Kiel\"}");
        assertThat(second.body().at("/message/content/0/text").asString()).isEqualTo("Grüße from the model.");
        Received sent = TestingModels.received(marker).getLast();
        assertThat(sent.text()).contains(marker, call, "Fog.");
        assertThat(ledger.balance(sandbox.session())).isEqualTo(new Balance(World.DOLLAR, 0, 2 * cost));
        assertThat(second.body().at("/usage/cost_usd").decimalValue())
                .isEqualByComparingTo(new dev.skerry.session.Money(cost).usd());
    }

    @Test
    void answersARepeatFromTheStoreAtNoCost() {
        String marker = TestingModels.marker(TestingModels::answer);
        begin(TestingModels.ANTHROPIC_MODEL, World.DOLLAR, marker);

        Answer first = ask(1, "");
        Answer again = ask(1, "");

        assertThat(again.body()).isEqualTo(first.body());
        assertThat(TestingModels.received(marker)).hasSize(1);
        assertThat(ledger.balance(sandbox.session()).spentNanoUsd()).isEqualTo(TestingModels.ANTHROPIC_COST);
    }

    @Test
    void settlesAnAnswerThatAnotherControlPlaneWasFasterToStore() {
        String marker = TestingModels.marker(received -> {
            messages.appendAssistant(sandbox.session(), turn, "msg_of_another", "[]", 1, "end_turn");
            return TestingModels.answer(received);
        });
        begin(TestingModels.ANTHROPIC_MODEL, World.DOLLAR, marker);

        Answer answer = ask(1, "");

        assertThat(answer.body().at("/message/id").asString()).isEqualTo("msg_of_another");
        assertThat(ledger.balance(sandbox.session()))
                .isEqualTo(new Balance(World.DOLLAR, 0, TestingModels.ANTHROPIC_COST));
    }

    @ParameterizedTest
    @CsvSource({"401, model_unauthorized", "400, model_rejected", "404, model_rejected", "500, model_unavailable"})
    void tellsThatAModelFailedAndChargesNothing(int status, String reason) {
        String marker = TestingModels.marker(ignored -> Reply.json(status, "{\"error\":{\"message\":\"No.\"}}"));
        begin(TestingModels.ANTHROPIC_MODEL, World.DOLLAR, marker);

        Answer failed = ask(1, "");

        assertThat(failed.status()).isEqualTo(502);
        assertThat(failed.code()).isEqualTo("model_error");
        assertThat(failed.body().path("reason").asString()).isEqualTo(reason);
        assertThat(failed.text()).doesNotContain("canary");
        assertThat(ledger.balance(sandbox.session())).isEqualTo(new Balance(World.DOLLAR, 0, 0));
    }

    @Test
    void fallsBackToAnotherModelWhereNothingOfAnAnswerCame() {
        String marker = TestingModels.marker(received -> received.path().equals("/v1/messages")
                ? Reply.json(503, "{}", "Retry-After: 60")
                : TestingModels.answer(received));
        begin("claude-haiku-4-5", World.DOLLAR, marker);

        assertThat(ask(1, "").status()).isEqualTo(200);

        assertThat(ledger.usage(sandbox.session(), turn))
                .extracting(Ledger.Usage::model, Ledger.Usage::costNanoUsd)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("claude-haiku-4-5", 0L),
                        org.assertj.core.groups.Tuple.tuple(TestingModels.OPENAI_MODEL, TestingModels.OPENAI_COST));
        assertThat(world.events(sandbox.session()).getLast().data()).contains(TestingModels.OPENAI_MODEL);
    }

    @Test
    void fallsBackToNobodyOnceSomethingCame() {
        String marker = TestingModels.marker(received ->
                Reply.events(TestingModels.events(received).subList(0, 1)).thenReset());
        begin("claude-haiku-4-5", World.DOLLAR, marker);

        assertThat(ask(1, "").code()).isEqualTo("model_error");

        assertThat(TestingModels.received(marker)).hasSize(1);
    }

    @Test
    void chargesWhatTheProviderCountedOfAnAnswerThatWasCut() {
        String marker = TestingModels.marker(received ->
                Reply.events(TestingModels.events(received).subList(0, 2)).thenReset());
        begin(TestingModels.ANTHROPIC_MODEL, World.DOLLAR, marker);

        assertThat(ask(1, "").body().path("reason").asString()).isEqualTo("model_unavailable");

        assertThat(TestingModels.received(marker)).hasSize(1);
        assertThat(ledger.balance(sandbox.session())).isEqualTo(new Balance(World.DOLLAR, 0, 1000 * 3_000 + 15_000));
    }

    @Test
    void condensesAConversationThatIsTooLongForTheModelOnceAndKeepsThePrefixStable() {
        sandbox = world.boot(world.session(TestingModels.OPENAI_MODEL, World.DOLLAR), 1);
        String old = TestingModels.marker(TestingModels::answer);
        for (int i = 0; i < 10; i++) {
            world.turn(sandbox.session(), old + " " + "Remember this. ".repeat(7_000));
        }
        world.jdbc()
                .sql("update turns set status = 'completed', finished_at = now() where session_id = ?")
                .param(sandbox.session())
                .update();
        String marker = TestingModels.marker(TestingModels::answer);
        begin(sandbox, marker);

        Answer first = ask(1, "");
        String call = first.body().at("/message/content/0/id").asString();
        Answer second = ask(2, "{'tool_call_id':'" + call + "'," + DONE + "}");

        assertThat(second.status()).isEqualTo(200);
        assertThat(world.eventTypes(sandbox.session())).containsOnlyOnce("context.condensed");
        List<Received> asked = TestingModels.received(marker);
        assertThat(asked).hasSize(2);
        var before = asked.get(0).body().path("messages");
        var after = asked.get(1).body().path("messages");
        assertThat(before.get(1).path("content").asString()).contains("condensed", "Grüße from the model.");
        assertThat(asked.get(0).text().length()).isLessThan(600_000);
        assertThat(after.size()).isEqualTo(before.size() + 2);
        assertThat(after.valueStream().limit(before.size()).toList())
                .isEqualTo(before.valueStream().toList());
        assertThat(ledger.balance(sandbox.session()))
                .isEqualTo(new Balance(World.DOLLAR, 0, 3 * TestingModels.OPENAI_COST));
        assertThat(world.jdbc()
                        .sql("select count(*) from messages where session_id = ? and role = 'user'")
                        .param(sandbox.session())
                        .query(Integer.class)
                        .single())
                .isEqualTo(11);
    }

    @Test
    void warnsOnceWhenThreeQuartersAreSpent() {
        long cap = 8 * TestingModels.ANTHROPIC_COST;
        begin("rehearsal", cap, "Go on.");
        for (int call = 0; call < 5; call++) {
            spend(TestingModels.ANTHROPIC_COST, call);
        }
        assertThat(world.eventTypes(sandbox.session())).doesNotContain("budget.warning");

        passOn();
        passOn();

        List<EventRow> warnings = world.events(sandbox.session()).stream()
                .filter(event -> event.type().equals("budget.warning"))
                .toList();
        assertThat(warnings)
                .singleElement()
                .satisfies(event -> assertThat(event.data()).contains("cap_usd"));
    }

    @Test
    void parksASessionWhoseBudgetIsReachedUntilItIsRaised() {
        begin(TestingModels.ANTHROPIC_MODEL, 1_000, "Go on.");

        Answer refused = ask(1, "");
        sandbox.post("/turns/" + turn + "/outcome", "{'status':'limit','reason':'budget_reached'}");

        assertThat(refused.status()).isEqualTo(402);
        assertThat(refused.body().path("detail").asString()).contains("Raise it");
        assertThat(sessions.find(sandbox.session()).orElseThrow().stopReason()).isEqualTo("budget_reached");
        assertThat(world.eventTypes(sandbox.session())).containsOnlyOnce("budget.reached");

        ledger.cap(sandbox.session(), World.DOLLAR);
        assertThat(sessions.find(sandbox.session()).orElseThrow().stopReason()).isNull();
        begin(sandbox, "Go on.");
        assertThat(ask(1, "").status()).isEqualTo(200);
    }

    @Test
    void asksForAShorterAnswerWhereTheBudgetCoversNoLongerOne() {
        String marker = TestingModels.marker(TestingModels::answer);
        begin(TestingModels.ANTHROPIC_MODEL, World.DOLLAR / 10, marker);

        assertThat(ask(1, "").status()).isEqualTo(200);

        assertThat(TestingModels.received(marker)
                        .getFirst()
                        .body()
                        .path("max_tokens")
                        .asInt())
                .isBetween(1024, 8192);
    }

    @Test
    void breaksOffWhenTheTurnIsCancelled() throws Exception {
        String marker = TestingModels.marker(received ->
                Reply.events(TestingModels.events(received).subList(0, 2)).thenHang());
        begin(TestingModels.ANTHROPIC_MODEL, World.DOLLAR, marker);
        CompletableFuture<Answer> call = CompletableFuture.supplyAsync(() -> ask(1, ""), Thread::startVirtualThread);
        Awaitility.await().until(() -> !TestingModels.received(marker).isEmpty());

        world.worker(sandbox.session(), "/turns/" + turn + "/cancel", "{}");

        assertThat(call.get(10, TimeUnit.SECONDS).code()).isEqualTo("turn_over");
        assertThat(ledger.balance(sandbox.session()).reservedNanoUsd()).isZero();
    }

    private void spend(long nanoUsd, int number) {
        String id = turn + number;
        ledger.reserve(new Ledger.Reservation(id, sandbox.session(), turn, number + 100, 1, "m", nanoUsd));
        ledger.settle(id, new Ledger.Settlement(nanoUsd, 1, 1, false, "completed"));
    }

    private void passOn() {
        Answer answer = sandbox.post(
                "/llm/anthropic/v1/messages",
                "{'model':'" + TestingModels.ANTHROPIC_MODEL
                        + "','max_tokens':100,'messages':[{'role':'user','content':'Hi'}]}");
        assertThat(answer.status()).isEqualTo(200);
    }

    private void begin(String model, long cap, String text) {
        begin(world.boot(world.session(model, cap), 1), text);
    }

    private void begin(Sandbox in, String text) {
        sandbox = in;
        turn = world.turn(in.session(), text);
        world.give(in, turn);
    }

    private Answer ask(int seq, String results) {
        return sandbox.post("/llm", "{'turn':'" + turn + "','seq':" + seq + ",'new_messages':[" + results + "]}");
    }
}
