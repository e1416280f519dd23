package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.cli.stack.Python;
import dev.skerry.cli.stack.StackFile;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;

/** Checks what a stack on this machine needs. */
@Command(
        name = "doctor",
        description = "Checks this machine and its stack, and says what to do.",
        mixinStandardHelpOptions = true)
public final class DoctorCommand implements Callable<Integer> {
    private boolean healthy = true;

    @Override
    public Integer call() {
        Home home = Home.of(System.getenv());
        check("Java", () -> "Java " + Runtime.version().feature());
        check("python3", () -> {
            Python python = Python.find();
            return python.version() + " at " + python.executable();
        });
        check("Home", () -> {
            home.create();
            home.demandSpace(300);
            return home.root() + ", " + home.freeMib() + " MB free";
        });
        check("Stack", () -> {
            Optional<StackFile> stack = StackFile.running(home);
            return stack.map(running -> "runs at " + running.apiUrl() + ", sandboxes " + running.isolation()
                            + (running.durable() ? "" : ", not durable"))
                    .orElse("none runs; `skerry up` starts one");
        });
        check(
                "API",
                () -> new Connection()
                        .find()
                        .map(api -> "answers at " + api.base())
                        .orElse("no stack runs"));
        return healthy ? ExitCode.OK.code() : ExitCode.NO_STACK.code();
    }

    private void check(String name, Supplier<String> look) {
        try {
            System.out.printf("ok    %-8s %s%n", name, look.get());
        } catch (Failure e) {
            healthy = false;
            System.out.printf("FAIL  %-8s %s %s%n", name, e.sentence(), e.advice());
        }
    }
}
