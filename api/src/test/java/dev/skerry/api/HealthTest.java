package dev.skerry.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HealthTest {
    private final TestingApi api = TestingApi.shared();
    private final TestingClient stranger = new TestingClient(api.port(), "");

    @Test
    void livesAndIsReady() {
        assertThat(stranger.get("/healthz").text()).isEqualTo("{\"status\":\"ok\"}");
        TestingClient.Answer ready = stranger.get("/readyz");
        assertThat(ready.status()).isEqualTo(200);
        assertThat(ready.text()).isEqualTo("{\"status\":\"ok\",\"checks\":{\"postgres\":\"ok\",\"temporal\":\"ok\"}}");
    }

    @Test
    void measuresOnThePortForOperators() {
        TestingClient.Answer metrics = new TestingClient(api.managementPort(), "").get("/metrics");
        assertThat(metrics.status()).isEqualTo(200);
        assertThat(metrics.text()).contains("skerry_api_streams");
    }

    @Test
    void tellsACallerWhatItIs() {
        TestingClient.Answer info = api.client().get("/v1/info");
        assertThat(info.at("/version")).matches("\\d+\\.\\d+\\.\\d+.*");
        assertThat(info.at("/temporal_ui")).isEqualTo("http://127.0.0.1:8233/");
        assertThat(info.json().at("/temporal_durable").asBoolean()).isTrue();
    }

    @Test
    void listsTheModelsWithTheDefaultFirst() {
        TestingClient.Answer models = api.client().get("/v1/models");
        assertThat(models.text())
                .isEqualTo(
                        "{\"data\":[{\"id\":\"rehearsal\",\"provider\":\"rehearsal\",\"default\":true,\"rehearsal\":true,"
                                + "\"input_usd_per_mtok\":0,\"output_usd_per_mtok\":0,\"context_tokens\":200000},"
                                + "{\"id\":\"big\",\"provider\":\"anthropic\",\"default\":false,\"rehearsal\":false,"
                                + "\"input_usd_per_mtok\":3,\"output_usd_per_mtok\":15.5,\"context_tokens\":1000000}]}");
    }
}
