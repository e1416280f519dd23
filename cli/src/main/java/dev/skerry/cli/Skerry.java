package dev.skerry.cli;

import dev.skerry.cli.command.AuditCommand;
import dev.skerry.cli.command.CredentialsCommand;
import dev.skerry.cli.command.DoctorCommand;
import dev.skerry.cli.command.DownCommand;
import dev.skerry.cli.command.ImageCommand;
import dev.skerry.cli.command.KillSwitchCommand;
import dev.skerry.cli.command.ReapCommand;
import dev.skerry.cli.command.ReplayCommand;
import dev.skerry.cli.command.RoleCommand;
import dev.skerry.cli.command.RunCommand;
import dev.skerry.cli.command.SessionCommand;
import dev.skerry.cli.command.UpCommand;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code skerry}: every role and every client command. */
@Command(
        name = "skerry",
        description = "Runs AI agents in disposable sandboxes that hold nothing worth stealing.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {
            RunCommand.class,
            UpCommand.class,
            DownCommand.class,
            SessionCommand.class,
            DoctorCommand.class,
            ImageCommand.class,
            ReplayCommand.class,
            ReapCommand.class,
            CredentialsCommand.class,
            KillSwitchCommand.class,
            AuditCommand.class,
            RoleCommand.Api.class,
            RoleCommand.Worker.class,
            RoleCommand.ControlPlane.class,
            RoleCommand.Metro.class,
            GenerateCompletion.class
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done; for run: the turn completed",
            "1:the turn failed or was cancelled by somebody else",
            "2:the command line is wrong",
            "3:the API or the stack cannot be reached or started",
            "4:the API refused: key, name or value",
            "5:a budget, a time limit or another limit was reached",
            "130:interrupted"
        })
public final class Skerry {
    private Skerry() {}

    public static void main(String[] arguments) {
        Logger.getLogger("").setLevel(Level.OFF);
        System.exit(run(arguments));
    }

    /** Runs one command and answers its exit code; prints one sentence and what to do next when it fails. */
    public static int run(String... arguments) {
        return new CommandLine(new Skerry())
                .setExecutionExceptionHandler((failure, _, _) -> report(failure))
                .setParameterExceptionHandler((failure, _) -> misused(failure))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(arguments);
    }

    private static int misused(ParameterException failure) {
        CommandLine command = failure.getCommandLine();
        String hint = "";
        String sentence = String.valueOf(failure.getMessage()).replaceAll("\\s*\\(java\\..*|[.\\s]+$", "");
        if (failure instanceof UnmatchedArgumentException unmatched) {
            sentence = unknown(unmatched) + " '" + unmatched.getUnmatched().getFirst() + "'";
            List<String> meant = unmatched.getSuggestions();
            hint = meant.isEmpty() ? "" : "Did you mean " + meant.getFirst() + "? ";
        } else if (!command.getSubcommands().isEmpty()) {
            command.usage(System.err);
            return ExitCode.USAGE.code();
        }
        System.err.println("skerry: " + sentence + ".");
        System.err.println("  " + hint + "See `" + command.getCommandSpec().qualifiedName() + " --help`.");
        return ExitCode.USAGE.code();
    }

    private static String unknown(UnmatchedArgumentException unmatched) {
        if (unmatched.isUnknownOption()) {
            return "Unknown option";
        }
        return unmatched.getCommandLine().getSubcommands().isEmpty() ? "Unexpected argument" : "Unknown command";
    }

    private static int report(Exception failure) {
        if (System.getenv("SKERRY_DEBUG") != null) {
            failure.printStackTrace(System.err);
        }
        if (failure instanceof Failure known) {
            System.err.println("skerry: " + known.sentence());
            if (!known.advice().isEmpty()) {
                System.err.println("  " + known.advice());
            }
            return known.exitCode().code();
        }
        System.err.println("skerry: a defect in Skerry: " + failure);
        System.err.println("  Run it again with SKERRY_DEBUG=1 to see where, and report that.");
        return ExitCode.INTERNAL.code();
    }
}
