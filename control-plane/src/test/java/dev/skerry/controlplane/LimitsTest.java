package dev.skerry.controlplane;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneSettings.Limits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.DefaultValue;

class LimitsTest {
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `([a-z-]+)` \\| (\\S+) \\|");

    @Test
    void everyLimitIsDocumentedWithItsDefault() throws IOException {
        List<MatchResult> rows = ROW.matcher(Files.readString(Path.of("../docs/limits.md")))
                .results()
                .toList();
        Map<String, String> documented = new TreeMap<>();
        rows.forEach(row -> documented.put(row.group(1), row.group(2)));

        Map<String, String> coded = new TreeMap<>();
        Arrays.stream(Limits.class.getDeclaredConstructors()[0].getParameters())
                .forEach(limit -> coded.put(
                        limit.getName().replaceAll("([a-z])([A-Z])", "$1-$2").toLowerCase(java.util.Locale.ROOT),
                        limit.getAnnotation(DefaultValue.class).value()[0]));

        assertThat(documented).isEqualTo(coded);
    }
}
