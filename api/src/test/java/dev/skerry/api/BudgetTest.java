package dev.skerry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.store.Ledger;
import dev.skerry.store.Sessions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BudgetTest {
    private final TestingApi api = TestingApi.shared();
    private final TestingClient client = api.client();

    @Test
    void raisesWhatASessionMaySpendAndLetsItGoOn() {
        String id = client.newSession();
        api.bean(Sessions.class).setStopReason(id, "budget_reached");

        TestingClient.Answer raised = change(id, "{\"budget\":{\"max_cost_usd\":7.5}}");

        assertThat(raised.status()).isEqualTo(200);
        assertThat(raised.at("/budget/max_cost_usd")).startsWith("7.5");
        assertThat(raised.json().at("/stop_reason").isNull()).isTrue();
        assertThat(api.bean(Ledger.class).balance(id).capNanoUsd()).isEqualTo(7_500_000_000L);
    }

    @Test
    void saysOnceThatTheBudgetChanged() {
        String id = client.newSession();
        change(id, "{\"budget\":{\"max_cost_usd\":7}}");
        change(id, "{\"budget\":{\"max_cost_usd\":7}}");

        assertThat(client.get("/v1/sessions/" + id + "/events")
                        .json()
                        .at("/data")
                        .valueStream())
                .filteredOn(event -> event.at("/type").asString().equals("budget.changed"))
                .hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"budget\":null}",
                "{\"budget\":{}}",
                "{\"budget\":{\"max_cost_usd\":0}}",
                "{\"budget\":{\"max_cost_usd\":-1}}",
                "{\"budget\":{\"max_cost_usd\":1e12}}",
                "{\"budget\":{\"max_cost_usd\":0.0000000001}}"
            })
    void refusesAmountsThatMakeNoSense(String body) {
        TestingClient.Answer refused = change(client.newSession(), body);

        assertThat(refused.status()).isEqualTo(422);
        assertThat(refused.at("/errors/0/field")).isEqualTo("budget.max_cost_usd");
    }

    @Test
    void changesNothingOfOthersOrOfWhatIsOver() {
        String id = client.newSession();
        api.bean(Sessions.class).project(id, 1, "failed", "boot_failed", "It did not boot.", 1, "unikraft", "local");

        assertThat(change(id, "{\"budget\":{\"max_cost_usd\":7}}").at("/code")).isEqualTo("session_ended");
        assertThat(change("ses_01JZZZZZZZZZZZZZZZZZZZZZZZ", "{\"budget\":{\"max_cost_usd\":7}}")
                        .status())
                .isEqualTo(404);
    }

    private TestingClient.Answer change(String id, String body) {
        return client.send("PATCH", "/v1/sessions/" + id, body);
    }
}
