package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.terminal.Terminal;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Stops sessions without asking them. */
@Command(
        name = "kill-switch",
        description = "Stops a session, a tenant or everything at once, and lets it go on.",
        mixinStandardHelpOptions = true)
public final class KillSwitchCommand {
    KillSwitchCommand() {}

    /** How much is stopped. */
    enum Scope {
        SESSION,
        TENANT,
        PLATFORM
    }

    @Command(
            description = "From now on no call of these sandboxes is answered, and calls in progress are broken off.",
            mixinStandardHelpOptions = true)
    int engage(
            @Parameters(index = "0", paramLabel = "SCOPE", description = "session, tenant or platform") Scope scope,
            @Parameters(index = "1", arity = "0..1", paramLabel = "ID") @Nullable String id,
            @Option(names = "--reason", required = true) String reason) {
        new Connection().operator().put(path(scope, id), Map.of("reason", reason));
        System.out.println("engaged");
        return ExitCode.OK.code();
    }

    @Command(description = "Lets them go on.", mixinStandardHelpOptions = true)
    int release(
            @Parameters(index = "0", paramLabel = "SCOPE", description = "session, tenant or platform") Scope scope,
            @Parameters(index = "1", arity = "0..1", paramLabel = "ID") @Nullable String id) {
        new Connection().operator().delete(path(scope, id));
        System.out.println("released");
        return ExitCode.OK.code();
    }

    @Command(description = "Lists what is stopped.", mixinStandardHelpOptions = true)
    int list() {
        JsonNode engaged = new Connection().operator().get("kill-switches").path("data");
        if (engaged.isEmpty()) {
            System.out.println("Nothing is stopped.");
        }
        for (JsonNode each : engaged) {
            System.out.printf(
                    "%-8s  %s  %s%n",
                    each.path("scope").asString(""),
                    each.path("target").asString(""),
                    Terminal.oneLine(each.path("reason").asString(""), 500));
        }
        return ExitCode.OK.code();
    }

    private static String path(Scope scope, @Nullable String id) {
        if ((scope == Scope.PLATFORM) != (id == null)) {
            throw new Failure(
                    ExitCode.USAGE,
                    "A session or a tenant needs an id, the platform has none.",
                    "Write: skerry kill-switch engage session ses_... --reason \"...\"");
        }
        return OperatorPath.of(
                "kill-switches", scope.name().toLowerCase(java.util.Locale.ROOT), id == null ? "all" : id);
    }
}
