package dev.skerry.controlplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class ControlPlaneSettingsTest {
    private static final String KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=";
    private static final Map<String, String> LEAST = Map.of(
            "internal.token", "sixteen characters",
            "keys.current", "k1",
            "keys.secrets.k1", KEY,
            "files.directory", "/tmp/objects");

    @Test
    void needsLittle() {
        ControlPlaneSettings settings = bind(LEAST);

        assertThat(settings.lease()).isEqualTo(Duration.ofSeconds(60));
        assertThat(settings.sandboxUrl()).isNull();
        assertThat(settings.internal().address()).isEqualTo("127.0.0.1");
        assertThat(settings.requiredProbes()).hasSize(19).contains("P01", "S01", "F01", "N01");
        assertThat(settings.production()).isFalse();
        assertThat(settings.files().root()).isEqualTo(Path.of("/tmp/objects"));
        assertThat(settings.limits().requests()).isEqualTo(16);
    }

    @ParameterizedTest
    @CsvSource({
        "internal.token, short, at least 16 characters",
        "keys.current, k2, must be the id of one of",
        "keys.secrets.k1, c2hvcnQ=, 32 random bytes in base64",
        "keys.secrets.k1, not base64!, 32 random bytes in base64",
        "keys.secrets.UPPER_case, " + KEY + ", lower-case letters and digits",
        "lease, 1s, at least 5s",
    })
    void saysWhatIsWrong(String name, String value, String message) {
        Map<String, String> properties = new HashMap<>(LEAST);
        properties.put(name, value);

        assertThatThrownBy(() -> bind(properties)).rootCause().hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource({
        "internal.token, skerry.control-plane.internal.token",
        "keys.current, skerry.control-plane.keys.current",
        "files.directory, skerry.control-plane.files.directory",
    })
    void saysWhatIsMissing(String name, String message) {
        Map<String, String> properties = new HashMap<>(LEAST);
        properties.remove(name);

        assertThatThrownBy(() -> bind(properties)).rootCause().hasMessageContaining(message);
    }

    @Test
    void keepsSecretsOutOfItsText() {
        assertThat(bind(LEAST).toString()).doesNotContain(KEY).doesNotContain("sixteen characters");
    }

    private static ControlPlaneSettings bind(Map<String, String> properties) {
        Map<String, String> prefixed = new HashMap<>();
        properties.forEach((name, value) -> prefixed.put("skerry.control-plane." + name, value));
        return new Binder(new MapConfigurationPropertySource(prefixed))
                .bind("skerry.control-plane", Bindable.of(ControlPlaneSettings.class))
                .get();
    }
}
