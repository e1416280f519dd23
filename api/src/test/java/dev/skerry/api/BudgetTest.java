package dev.skerry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.store.Sessions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BudgetTest {
    private final TestingApi api = TestingApi.shared();
    private final TestingClient client = api.client();

    @Test
    void asksTheWorkflowToLetTheSessionSpendMore() {
        String id = client.newSession();

        assertThat(change(id, "{\"budget\":{\"max_cost_usd\":7.5}}").status()).isEqualTo(200);

        assertThat(RecordingWorkflow.asked(id)).contains("raise 7.5 USD");
    }

    @Test
    void aSessionThatHasNotStartedCanBeChangedLater() {
        assertThat(change(Rows.session(api, "ten_default"), "{\"budget\":{\"max_cost_usd\":7}}")
                        .status())
                .isEqualTo(503);
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
