package dev.skerry.system.chaos;

import static org.assertj.core.api.Assertions.assertThatCode;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What was killed is away, also after it was to come back for two reasons at once. */
class ServersTest {
    @Test
    void temporalThatIsStartedAgainTwiceIsOne(@TempDir Path directory) throws Exception {
        try (Servers servers = Servers.start(directory, Optional.empty())) {
            servers.kill(Servers.TEMPORAL);
            servers.restart(Servers.TEMPORAL);
            servers.restart(Servers.TEMPORAL);
            assertThatCode(() -> servers.kill(Servers.TEMPORAL)).doesNotThrowAnyException();
        }
    }
}
