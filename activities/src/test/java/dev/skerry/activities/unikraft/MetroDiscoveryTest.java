package dev.skerry.activities.unikraft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.unikraft.MetroDiscovery.Found;
import dev.skerry.metro.MetroConfiguration;
import dev.skerry.metro.MetroServer;
import dev.skerry.metro.driver.Image;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.junit5.StartStop;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

class MetroDiscoveryTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String TWO = "{\"status\":\"success\",\"data\":{\"metros\":["
            + "{\"uuid\":\"m-fra\",\"endpoint\":\"https://api.fra.example/v1\",\"name\":\"Fra\",\"iata_code\":\"FRA\",\"country\":\"de\"},"
            + "{\"uuid\":\"m-dal\",\"endpoint\":\"https://api.dal.example/v1\",\"name\":\"Dal\",\"iata_code\":\"DAL\",\"country\":\"us\"}]}}";

    @StartStop
    private final MockWebServer platform = new MockWebServer();

    @Test
    void findsEveryMetroWithItsCodeInLowerCase() throws Exception {
        platform.enqueue(new MockResponse.Builder().body(TWO).build());
        assertThat(find())
                .containsExactly(
                        new Found("fra", "https://api.fra.example/v1"), new Found("dal", "https://api.dal.example/v1"));
        var request = platform.takeRequest();
        assertThat(request.getUrl().encodedPath()).isEqualTo("/v1/metros");
        assertThat(request.getHeaders().get("Authorization")).isEqualTo("Bearer token-of-an-account");
    }

    @Test
    void findsAMetroOfOnesOwnAndItCanBeSpokenTo(@TempDir Path directory) throws Exception {
        Image image = new Image.Program(List.of("/bin/true"), List.of());
        try (MetroServer metro =
                MetroServer.start(MetroConfiguration.local("secret", directory, Map.of("i:1", image)))) {
            List<Found> found = MetroDiscovery.find("http://127.0.0.1:" + metro.port(), "secret", JSON);
            assertThat(found).containsExactly(new Found("local", "http://127.0.0.1:" + metro.port() + "/v1"));
            assertThatThrownBy(() -> MetroDiscovery.find("http://127.0.0.1:" + metro.port(), "wrong", JSON))
                    .isInstanceOf(ProviderException.Rejected.class)
                    .hasMessageContaining("refused the token")
                    .hasMessageNotContaining("wrong");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[] | knows no metro",
                "[{'iata_code':'FRA','endpoint':'ftp://x'}] | must not be sent",
                "[{'iata_code':'FRA','endpoint':'https://user@x/v1'}] | must not be sent",
                "[{'iata_code':'FRA'}] | must not be sent",
                "[{'iata_code':'../x','endpoint':'https://x/v1'}] | cannot be one",
                "[{'endpoint':'https://x/v1'}] | cannot be one",
                "[{'iata_code':'A','endpoint':'https://x/v1'},{'iata_code':'a','endpoint':'https://y/v1'}] | twice"
            })
    void refusesAnAnswerThatCannotBeTrusted(String metros, String why) {
        platform.enqueue(new MockResponse.Builder()
                .body("{'status':'success','data':{'metros':%s}}"
                        .formatted(metros)
                        .replace('\'', '"'))
                .build());
        assertThatThrownBy(this::find)
                .isInstanceOf(ProviderException.Rejected.class)
                .hasMessageContaining(why)
                .hasMessageContaining("configure the metros one by one")
                .hasMessageNotContaining("token-of-an-account");
    }

    @Test
    void aPlatformThatIsAwayIsToldAsSuch() {
        for (int attempt = 0; attempt < 3; attempt++) {
            platform.enqueue(new MockResponse.Builder()
                    .code(503)
                    .body("<html>openresty</html>")
                    .build());
        }
        assertThatThrownBy(this::find)
                .isInstanceOf(ProviderException.Unknown.class)
                .hasMessageContaining("HTTP 503");
    }

    private List<Found> find() throws ProviderException {
        return MetroDiscovery.find(platform.url("/").toString(), "token-of-an-account", JSON);
    }
}
