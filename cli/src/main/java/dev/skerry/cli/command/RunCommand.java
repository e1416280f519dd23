package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Json;
import dev.skerry.cli.client.ApiClient;
import dev.skerry.cli.client.EventStream;
import dev.skerry.cli.client.SessionEvent;
import dev.skerry.cli.stack.AttachedStack;
import dev.skerry.cli.stack.StackFile;
import dev.skerry.cli.stack.StackUse;
import dev.skerry.cli.terminal.Durations;
import dev.skerry.cli.terminal.Interrupts;
import dev.skerry.cli.terminal.Terminal;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Takes one task from nothing to its end, showing every step. */
@Command(
        name = "run",
        description = "Runs a task in a new sandbox to its end and takes everything down again.",
        mixinStandardHelpOptions = true)
public final class RunCommand implements Callable<Integer> {
    private static final Duration LONGEST_TEARDOWN = Duration.ofSeconds(60);
    private static final Duration LONGEST_START = Duration.ofMinutes(2);
    private static final Duration LOOK = Duration.ofMillis(200);

    @Parameters(paramLabel = "TASK", description = "What the agent is to do.")
    private String task = "";

    @Option(names = "--keep", description = "Keep the session (and a stack started for it) for `skerry session send`.")
    private boolean keep;

    @Option(names = "--model", description = "Which model to use; by default that of the installation.")
    private @Nullable String model;

    @Option(names = "--max-cost", paramLabel = "USD", description = "Budget of the session in US dollars.")
    private @Nullable BigDecimal maxCost;

    @Option(
            names = "--idle-timeout",
            paramLabel = "DURATION",
            converter = Durations.class,
            description = "Suspend a kept session after this long without a message, such as 20s or 5m.")
    private @Nullable Duration idleTimeout;

    @Option(
            names = "--timeout",
            paramLabel = "DURATION",
            converter = Durations.class,
            description = "Cancel the turn after this long; exit code 5.")
    private @Nullable Duration timeout;

    @Option(names = "--json", description = "Print every event as a line of JSON, and nothing else.")
    private boolean json;

    @Mixin
    private StackOptions stackOptions = new StackOptions();

    private final AtomicInteger interrupts = new AtomicInteger();
    private volatile boolean timedOut;
    private volatile @Nullable ApiClient api;
    private volatile @Nullable String session;

    @Override
    public Integer call() {
        if (task.isBlank()) {
            throw new Failure(ExitCode.USAGE, "The task is empty.", "Say what to do: skerry run \"Write ...\"");
        }
        Interrupts.handle(_ -> interrupted());
        Terminal terminal = json
                ? Terminal.plain(new java.io.PrintStream(java.io.OutputStream.nullOutputStream()))
                : Terminal.standard(System.out, System.getenv());
        Connection connection = new Connection();
        if (connection.explicitUrl().isPresent()) {
            return run(connection.demand(), terminal, connection);
        }
        try (StackUse use = StackUse.begin(connection.home(), line -> terminal.line(terminal.dim(line)))) {
            Optional<ApiClient> running = awaitOthers(terminal, connection);
            if (interrupts.get() > 0) {
                return ExitCode.INTERRUPTED.code();
            }
            return running.isPresent()
                    ? runInOthers(running.get(), terminal, connection)
                    : runInOwnStack(terminal, connection, use);
        }
    }

    private int runInOthers(ApiClient client, Terminal terminal, Connection connection) {
        StackFile.running(connection.home()).ifPresent(stackOptions::demandDriverOf);
        return run(client, terminal, connection);
    }

    private int runInOwnStack(Terminal terminal, Connection connection, StackUse use) {
        terminal.line(terminal.dim(
                "No stack runs; starting one in " + connection.home().root()));
        List<String> arguments = new ArrayList<>(stackOptions.arguments());
        arguments.add("--attached");
        AttachedStack stack;
        try {
            stack = AttachedStack.start(arguments, UpCommand.READY, line -> terminal.line(terminal.dim("  " + line)));
        } catch (Failure e) {
            // Somebody else may have been faster.
            return runInOthers(awaitOthers(terminal, connection).orElseThrow(() -> e), terminal, connection);
        }
        try (stack) {
            if (interrupts.get() > 0) {
                return ExitCode.INTERRUPTED.code();
            }
            int code = run(connection.demand(), terminal, connection);
            if (keep && interrupts.get() == 0) {
                stack.keep(UpCommand.KEEP);
                terminal.line(terminal.dim("The stack goes on running; `skerry down` stops it."));
            } else if (!use.becomeLast()) {
                stack.keep(UpCommand.KEEP);
                terminal.line("Somebody else uses the stack: it goes on running; `skerry down` stops it.");
            } else {
                terminal.line(terminal.dim("Stopping the stack ..."));
            }
            return code;
        }
    }

    /** The stack of somebody who is just starting it; empty when nobody is, or when it is gone again. */
    private Optional<ApiClient> awaitOthers(Terminal terminal, Connection connection) {
        Optional<ApiClient> found = connection.find();
        if (found.isEmpty() && StackFile.holder(connection.home()).isPresent()) {
            terminal.line(terminal.dim("A stack is starting or stopping already; waiting for it"));
        }
        Instant deadline = Instant.now().plus(LONGEST_START);
        while (found.isEmpty()
                && StackFile.holder(connection.home()).isPresent()
                && interrupts.get() == 0
                && Instant.now().isBefore(deadline)) {
            LockSupport.parkNanos(LOOK.toNanos());
            found = connection.find();
        }
        return found;
    }

    private int run(ApiClient client, Terminal terminal, Connection connection) {
        api = client;
        JsonNode created = client.post("sessions", order());
        String id = created.path("id").asString("");
        String turn = created.path("turn").path("id").asString("");
        session = id;
        RunView view = new RunView(terminal, connection.home(), id);
        view.created(created);
        watchTheClock();
        if (interrupts.get() > 0) {
            stopTurn();
        }
        int code = ExitCode.TURN_FAILED.code();
        try (EventStream events = client.events(id, 0)) {
            boolean over = false;
            while (!over) {
                Optional<SessionEvent> event = events.next();
                if (event.isEmpty()) {
                    break;
                }
                show(view, event.get());
                over = RunView.ends(event.get(), turn) || event.get().isLast();
                if (over) {
                    code = exitCode(event.get());
                }
            }
            if (!keep || interrupts.get() > 0) {
                tearDown(client, id, events, view);
            } else {
                view.kept();
            }
        }
        view.summary(client.get("sessions/" + id), client.get("sessions/" + id + "/usage"));
        if (interrupts.get() > 0) {
            terminal.line("Interrupted: the turn was cancelled, the sandbox destroyed.");
            return ExitCode.INTERRUPTED.code();
        }
        return timedOut ? ExitCode.LIMIT.code() : code;
    }

    private Map<String, Object> order() {
        Map<String, Object> order = new HashMap<>();
        order.put("message", task);
        if (model != null) {
            order.put("model", model);
        }
        if (maxCost != null) {
            order.put("budget", Map.of("max_cost_usd", maxCost));
        }
        if (idleTimeout != null) {
            order.put("timeouts", Map.of("idle", idleTimeout.toString()));
        }
        return order;
    }

    private void show(RunView view, SessionEvent event) {
        if (json) {
            System.out.println(Json.MAPPER.writeValueAsString(event.json()));
            System.out.flush();
        } else {
            view.show(event);
        }
    }

    private void tearDown(ApiClient client, String id, EventStream events, RunView view) {
        client.delete("sessions/" + id);
        Thread watchdog = Thread.ofVirtual().start(() -> {
            try {
                Thread.sleep(LONGEST_TEARDOWN);
                events.close();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        boolean ended = false;
        while (!ended) {
            Optional<SessionEvent> event = events.next();
            if (event.isEmpty()) {
                break;
            }
            show(view, event.get());
            ended = event.get().isLast();
        }
        watchdog.interrupt();
        String status = client.get("sessions/" + id).path("status").asString("");
        if (!status.equals("terminated") && !status.equals("failed")) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "The session " + id + " is still " + status + ".",
                    "It goes on by itself; watch it with `skerry session get " + id + "`.");
        }
    }

    private static int exitCode(SessionEvent event) {
        ExitCode code = switch (event.type()) {
            case "turn.completed" -> ExitCode.OK;
            case "turn.limit" -> ExitCode.LIMIT;
            default -> ExitCode.TURN_FAILED;
        };
        return code.code();
    }

    private void watchTheClock() {
        Duration limit = timeout;
        if (limit != null) {
            Thread.ofVirtual().start(() -> {
                try {
                    Thread.sleep(limit);
                    timedOut = true;
                    stopTurn();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        }
    }

    private void interrupted() {
        if (interrupts.incrementAndGet() > 1) {
            System.err.println("skerry: stopped at once; the session is ended by its own timeouts.");
            Runtime.getRuntime().halt(ExitCode.INTERRUPTED.code());
        }
        stopTurn();
    }

    private void stopTurn() {
        ApiClient client = api;
        String id = session;
        if (client != null && id != null) {
            try {
                client.post("sessions/" + id + "/cancel", Map.of());
            } catch (Failure e) {
                System.err.println("skerry: " + e.sentence());
            }
        }
    }
}
