package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.cli.stack.StackFile;
import dev.skerry.temporal.TemporalSettings;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which Temporal an operator's command speaks to: the named one, or that of this machine's stack. */
final class TemporalOptions {
    @Option(
            names = "--temporal",
            paramLabel = "HOST:PORT",
            description = "Temporal's frontend; default: SKERRY_TEMPORAL_TARGET, else that of this machine's stack.")
    private @Nullable String target;

    @Option(names = "--namespace", paramLabel = "NAME", defaultValue = "default", description = "Default: default.")
    private String namespace = "default";

    TemporalSettings settings() {
        return new TemporalSettings(target(), namespace);
    }

    private String target() {
        return Optional.ofNullable(target)
                .or(() -> Optional.ofNullable(System.getenv("SKERRY_TEMPORAL_TARGET")))
                .filter(given -> !given.isBlank())
                .or(() -> StackFile.running(Home.of(System.getenv())).map(StackFile::temporal))
                .orElseThrow(() -> new Failure(
                        ExitCode.NO_STACK,
                        "No Temporal is named and no stack runs on this machine.",
                        "Pass --temporal HOST:PORT, or start a stack with `skerry up`."));
    }
}
