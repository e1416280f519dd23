package dev.skerry.controlplane.passthrough;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.TestingModels;
import dev.skerry.controlplane.World;
import dev.skerry.store.Ledger;
import dev.skerry.testing.Required;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;

/** The official SDKs from PyPI, unmodified; {@code SKERRY_SDK_PYTHON} names a Python that has them. */
@ControlPlaneTest
class PythonSdkTest {
    private static final int OPENAI_CALLS = 8;
    private static final int ANTHROPIC_CALLS = 4;

    @Autowired
    World world;

    @Autowired
    Ledger ledger;

    @Test
    void servesTheOfficialSdks() throws Exception {
        String python = System.getenv().getOrDefault("SKERRY_SDK_PYTHON", "python3");
        Required.server(
                "sdks",
                run(python, Map.of(), "-c", "import openai, anthropic").status == 0,
                "no Python with the packages openai and anthropic; SKERRY_SDK_PYTHON may name one");
        Sandbox sandbox = world.boot(world.session(), 1);
        world.give(sandbox, world.turn(sandbox.session(), "Hi"));
        String base = sandbox.origin() + "/sandbox/v1/llm";

        Run run = run(
                python,
                Map.of(
                        "OPENAI_BASE_URL",
                        base + "/openai/v1",
                        "OPENAI_API_KEY",
                        sandbox.token(),
                        "ANTHROPIC_BASE_URL",
                        base + "/anthropic",
                        "ANTHROPIC_API_KEY",
                        sandbox.token()),
                Path.of(getClass().getResource("/sdks/exercise.py").toURI()).toString());

        assertThat(run.output).contains("all as documented");
        assertThat(run.status).isZero();
        assertThat(ledger.balance(sandbox.session()))
                .isEqualTo(new Ledger.Balance(
                        World.DOLLAR,
                        0,
                        OPENAI_CALLS * TestingModels.OPENAI_COST + ANTHROPIC_CALLS * TestingModels.ANTHROPIC_COST));
    }

    private record Run(int status, String output) {}

    private static Run run(String python, Map<String, String> environment, String... arguments) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                java.util.stream.Stream.concat(java.util.stream.Stream.of(python), List.of(arguments).stream())
                        .toList());
        builder.environment().putAll(environment);
        builder.environment().put("PYTHONIOENCODING", "utf-8");
        try {
            Process process = builder.redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor(1, TimeUnit.MINUTES) ? new Run(process.exitValue(), output) : new Run(-1, output);
        } catch (IOException e) {
            return new Run(-1, e.toString());
        }
    }
}
