package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.cli.stack.StackFile;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;

/** Stops the stack of this machine. */
@Command(name = "down", description = "Stops the stack of this machine.", mixinStandardHelpOptions = true)
public final class DownCommand implements Callable<Integer> {
    private static final long PATIENCE_SECONDS = 60;

    @Override
    public Integer call() throws InterruptedException {
        Home home = Home.of(System.getenv());
        Optional<ProcessHandle> process =
                StackFile.read(home).flatMap(stack -> stack.process().find());
        if (process.isEmpty()) {
            System.out.println("No stack runs on this machine.");
            return ExitCode.OK.code();
        }
        process.get().destroy();
        try {
            process.get().onExit().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "The stack (process " + process.get().pid() + ") does not stop.",
                    "Look at " + home.log() + "; kill it if you must: the next start clears up after it.",
                    e);
        }
        System.out.println("Everything is stopped.");
        return ExitCode.OK.code();
    }
}
