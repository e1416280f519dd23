package dev.skerry.cli.command;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.unikraft.UnikraftSettings;
import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.cli.Json;
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
        description = {
            "Checks this machine and its stack, and says what to do.",
            "Metros that SKERRY_WORKER_METROS_0_CODE and its like name, or that are discovered by",
            "SKERRY_WORKER_DISCOVERY_TOKEN and its like, are tried out with a VM each."
        },
        mixinStandardHelpOptions = true)
public final class DoctorCommand implements Callable<Integer> {
    @Option(names = "--sandbox", description = "Boot a sandbox and try what it holds against whatever runs in it.")
    private boolean sandbox;

    @Option(names = "--json", description = "Print a line of JSON per check or probe, and nothing else.")
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
        checkMetros();
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

    private void checkMetros() {
        try {
            healthy &= MetroChecks.run(
                    metros(), (metro, step) -> tell(metro + " " + step.name(), step.ok(), step.millis(), step.text()));
        } catch (ProviderException e) {
            healthy = false;
            tell("metros", false, 0, String.valueOf(e.getMessage()));
        } catch (Failure e) {
            healthy = false;
            tell("metros", false, 0, e.sentence() + " " + e.advice());
        }
    }

    private List<UnikraftSettings> metros() throws ProviderException {
        if (!MetroChecks.discovers(System.getenv())) {
            return MetroChecks.configured(System.getenv());
        }
        long began = System.nanoTime();
        List<UnikraftSettings> found = MetroChecks.discovered(System.getenv());
        List<String> lines = found.stream()
                .map(metro -> metro.metro() + " at " + metro.url())
                .toList();
        tell("metros", true, (System.nanoTime() - began) / 1_000_000, "discovered " + String.join(", ", lines));
        return found;
    }

    private void check(String name, Supplier<String> look) {
        long began = System.nanoTime();
        boolean ok = true;
        String text;
        try {
            text = look.get();
        } catch (Failure e) {
            ok = false;
            healthy = false;
            text = e.sentence() + " " + e.advice();
        }
        tell(name, ok, (System.nanoTime() - began) / 1_000_000, text);
    }

    private void tell(String name, boolean ok, long millis, String text) {
        if (json) {
            System.out.println(Json.MAPPER
                    .createObjectNode()
                    .put("check", name)
                    .put("ok", ok)
                    .put("took_millis", millis)
                    .put("text", text));
        } else {
            System.out.printf("%-5s %-8s %s (%d ms)%n", ok ? "ok" : "FAIL", name, text, millis);
        }
    }
}
