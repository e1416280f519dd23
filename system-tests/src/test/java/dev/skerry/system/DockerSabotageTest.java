package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.testing.TestingDocker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A container of a sabotaged image, or in a sabotaged place, is caught by its own report and never gets a turn. */
@Timeout(120)
class DockerSabotageTest {
    private static final String NAME = "skerry/sandbox:sabotaged";
    private static final String WORK = "skerry-test-sabotage";
    private static final String LABEL = "dev.skerry.sabotaged";
    private static final String METADATA = "skerry-test-metadata";
    private static final String WAIT =
            "until timeout 1 bash -c ': >/dev/tcp/169.254.169.254/80' 2>&-; do sleep 0.1; done; exec \\\"$@\\\"";

    @TempDir
    private static Path directory;

    private static LocalStack stack;
    private static String sound;

    @BeforeAll
    static void start() throws Exception {
        sound = TestingDocker.image();
        TestingDocker.docker("tag", sound, NAME);
        stack = LocalStack.up(directory, "--driver", "docker", "--image", NAME);
    }

    @AfterAll
    static void stop() throws Exception {
        if (stack != null) {
            stack.skerry("down");
            stack.awaitEnd();
            TestingDocker.docker("rm", "-f", WORK, METADATA);
            TestingDocker.docker("network", "rm", METADATA);
            TestingDocker.docker("image", "rm", NAME);
            TestingDocker.docker("image", "prune", "--force", "--filter", "label=" + LABEL);
        }
    }

    @ParameterizedTest
    @EnumSource
    void isCaughtByExactlyTheProbeThatShould(Sabotage sabotage) throws Exception {
        sabotage(sabotage.script(), "[");
        sabotage.demandNoTurn(stack);
    }

    @Test
    void isCaughtWhereTheMetadataAddressCanBeReached() throws Exception {
        TestingDocker.docker(
                "network",
                "create",
                "--internal",
                "--subnet",
                "169.254.169.0/24",
                "-o",
                "com.docker.network.bridge.inhibit_ipv4=true",
                METADATA);
        TestingDocker.docker(
                "run",
                "-d",
                "--name",
                METADATA,
                "--network",
                METADATA,
                "--ip",
                "169.254.169.254",
                "--entrypoint",
                "/usr/bin/python3",
                sound,
                "-m",
                "http.server",
                "80");
        sabotage("true", "[\"/usr/bin/bash\", \"-c\", \"" + WAIT + "\", \"wait\", ");

        String session = Sabotage.create(stack);
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(() -> !containersOf(session).isEmpty());
        assertThat(TestingDocker.docker(
                        "network", "connect", METADATA, containersOf(session).getFirst()))
                .isEmpty();

        Sabotage.demandNoTurn(stack, session, "N01");
    }

    @Test
    void getsItsTurnWhenNobodySabotagedIt() throws Exception {
        sabotage("true", "[");
        Command.Result run = stack.skerry("run", "rehearse:run=id");
        assertThat(run.exitCode()).as(run.output()).isZero();
    }

    /** Makes the next sandbox's image of the sound one, changed by a script; {@code first} begins its command line. */
    private static void sabotage(String script, String first) {
        TestingDocker.docker("rm", "-f", WORK);
        assertThat(TestingDocker.docker(
                        "run",
                        "--name",
                        WORK,
                        "--network",
                        "none",
                        "--workdir",
                        "/",
                        "--entrypoint",
                        "/bin/sh",
                        sound,
                        "-c",
                        script))
                .isEmpty();
        String usual = TestingDocker.docker("inspect", "--format", "{{json .Config.Entrypoint}}", sound)
                .strip();
        String entry = "ENTRYPOINT " + first + usual.substring(1);
        assertThat(TestingDocker.docker(
                        "commit",
                        "--change",
                        entry,
                        "--change",
                        "CMD []",
                        "--change",
                        "LABEL " + LABEL + "=yes",
                        "--change",
                        "WORKDIR /workspace",
                        WORK,
                        NAME))
                .startsWith("sha256:");
        TestingDocker.docker("rm", "-f", WORK);
    }

    private static List<String> containersOf(String session) {
        return TestingDocker.docker("ps", "-q", "--filter", "label=dev.skerry.session=" + session)
                .lines()
                .toList();
    }
}
