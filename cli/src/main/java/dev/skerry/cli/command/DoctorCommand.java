package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.cli.client.ApiClient;
import dev.skerry.cli.stack.AttachedStack;
import dev.skerry.cli.stack.Python;
import dev.skerry.cli.stack.StackFile;
import dev.skerry.cli.terminal.Terminal;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Checks what a stack on this machine needs, and what its sandboxes hold. */
@Command(
        name = "doctor",
        description = "Checks this machine and its stack, and says what to do.",
        mixinStandardHelpOptions = true)
public final class DoctorCommand implements Callable<Integer> {
    @Option(names = "--sandbox", description = "Boot a sandbox and try what it holds against whatever runs in it.")
    private boolean sandbox;

    @Option(names = "--json", description = "With --sandbox: print a line of JSON per probe, and nothing else.")
    private boolean json;

    @Mixin
    private StackOptions stackOptions = new StackOptions();

    private boolean healthy = true;

    @Override
    public Integer call() {
        if (sandbox) {
            return trySandbox();
        }
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

    private int trySandbox() {
        Terminal terminal = json
                ? Terminal.plain(new PrintStream(OutputStream.nullOutputStream()))
                : Terminal.standard(System.out, System.getenv());
        Connection connection = new Connection();
        Optional<ApiClient> running = connection.find();
        if (running.isPresent()) {
            return report(running.get(), terminal);
        }
        terminal.line(terminal.dim(
                "No stack runs; starting one in " + connection.home().root()));
        List<String> arguments = new ArrayList<>(stackOptions.arguments());
        arguments.add("--attached");
        try (AttachedStack _ =
                AttachedStack.start(arguments, UpCommand.READY, line -> terminal.line(terminal.dim("  " + line)))) {
            return report(connection.demand(), terminal);
        }
    }

    private int report(ApiClient api, Terminal terminal) {
        SandboxReport report = SandboxReport.take(api);
        if (json) {
            report.printJson();
        } else {
            report.print(terminal);
        }
        return report.holds() ? ExitCode.OK.code() : ExitCode.TURN_FAILED.code();
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
