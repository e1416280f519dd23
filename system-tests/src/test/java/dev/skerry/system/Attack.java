package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Base64;
import java.util.List;

/** A hijacked tool with all its cunning, let loose in a sandbox; what it tried and got is the test's output. */
final class Attack {
    private static final int LEAST_ATTEMPTS = 18;

    private Attack() {}

    /** A task that has the rehearsal run the attacker's program. */
    static String task() throws IOException {
        byte[] program = Files.readAllBytes(Distribution.root().resolve("sandbox-image/tests/attacker.py"));
        return "rehearse:run=echo " + Base64.getEncoder().encodeToString(program)
                + " | base64 -d >attacker.py; python3 -I attacker.py";
    }

    /** Fails if the attacker got anything, or did not try everything. */
    static void demandNothingGot(Command.Result run) {
        List<String> attempts = run.output()
                .lines()
                .filter(line -> line.startsWith("{\"attempt\""))
                .toList();
        attempts.forEach(System.out::println);
        assertThat(attempts).as(run.output()).hasSizeGreaterThanOrEqualTo(LEAST_ATTEMPTS);
        assertThat(attempts).allSatisfy(attempt -> assertThat(attempt).contains("\"got\": []", "\"note\": \"\""));
    }
}
