package dev.skerry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.api.problem.ProblemCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code docs/api.md} says what this API does. */
class ApiPageTest {
    private final String page;

    ApiPageTest() throws IOException {
        page = Files.readString(Path.of("../docs/api.md"));
    }

    @ParameterizedTest
    @EnumSource(ProblemCode.class)
    void namesEveryRefusal(ProblemCode problem) {
        assertThat(page.lines())
                .anySatisfy(line -> assertThat(line)
                        .startsWith("| " + problem.status() + " |")
                        .contains("`" + problem.name().toLowerCase(Locale.ROOT) + "`"));
    }

    @Test
    void namesEveryPath() {
        for (String path : TestingApi.shared()
                .client()
                .get("/openapi.json")
                .json()
                .path("paths")
                .propertyNames()) {
            String end = path.replaceFirst("/v1/sessions/\\{id}", "").replaceAll("\\{\\*?path}", "{path}");
            assertThat(page).as(path).contains(end);
        }
    }
}
