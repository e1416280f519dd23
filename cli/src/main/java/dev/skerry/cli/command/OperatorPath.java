package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.terminal.Terminal;
import java.util.regex.Pattern;

/** A path of operators' calls, of names that cannot be more than names. */
final class OperatorPath {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    private OperatorPath() {}

    static String of(String... names) {
        for (String name : names) {
            if (!NAME.matcher(name).matches()) {
                throw new Failure(
                        ExitCode.USAGE,
                        "'" + Terminal.oneLine(name, 100) + "' is no name and no id.",
                        "Names and ids have letters, digits, - and _, 64 at most.");
            }
        }
        return String.join("/", names);
    }
}
