package dev.skerry.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.skerry.temporal.SearchAttributes;
import dev.skerry.temporal.TemporalSettings;
import dev.skerry.testing.TestingTemporal;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a worker says when it does not start can be pasted into a shell, and then it starts. */
@Timeout(180)
class SearchAttributeCheckTest {
    private static final Duration SEEN_WITHIN = Duration.ofSeconds(60);
    private static final String RUN = ". Run: temporal operator ";

    @TempDir
    private static Path directory;

    private static TestingTemporal temporal;

    @BeforeAll
    static void start() throws IOException {
        temporal = TestingTemporal.start(directory, SearchAttributes.cliTypes());
    }

    @AfterAll
    static void stop() {
        if (temporal != null) {
            temporal.close();
        }
    }

    @Test
    void aWorkerDoesNotStartWithoutAnAttribute() throws Exception {
        remove("SkerryMetro");
        String refusal = refusal("lacks search attributes");
        assertThat(refusal).endsWith(RUN + "search-attribute create" + here() + " --name SkerryMetro --type Keyword");
        assertThatThrownBy(() -> WorkerApplicationTest.start(temporal.target()))
                .rootCause()
                .hasMessage(refusal);
        heed(refusal);
    }

    @Test
    void aWorkerDoesNotStartWithAnAttributeOfAnotherType() throws Exception {
        remove("SkerryIncarnation");
        temporal.operator(
                "operator", "search-attribute", "create", "--name", "SkerryIncarnation", "--type", "KeywordList");
        String refusal = refusal("another type");
        assertThat(refusal)
                .contains("another type: SkerryIncarnation is KeywordList and not Int.")
                .endsWith(RUN + "search-attribute remove" + here() + " --name SkerryIncarnation --yes"
                        + " && temporal operator search-attribute create" + here()
                        + " --name SkerryIncarnation --type Int");
        heed(refusal);
    }

    private static void remove(String attribute) throws Exception {
        temporal.operator("operator", "search-attribute", "remove", "--name", attribute, "--yes");
    }

    private static String here() {
        return " --address " + temporal.target() + " --namespace default";
    }

    /** A server takes seconds to believe what it was told. */
    private static String refusal(String saying) {
        return await().atMost(SEEN_WITHIN).until(SearchAttributeCheckTest::said, said -> said.contains(saying));
    }

    private static String said() {
        try {
            new SearchAttributeCheck(new TemporalSettings(temporal.target(), "default")).everyAttributeIsRegistered();
            return "";
        } catch (IllegalStateException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static void heed(String refusal) throws Exception {
        String commands = refusal.substring(refusal.indexOf(RUN) + ". Run: ".length());
        for (String command : List.of(commands.split(" && ", -1))) {
            temporal.operator(command.substring("temporal ".length()).split(" ", -1));
        }
        await().atMost(SEEN_WITHIN).until(() -> said().isEmpty());
    }
}
