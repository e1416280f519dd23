package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.reaper.ReapOrphansWorkflowImpl;
import dev.skerry.session.AgentSessionWorkflowImpl;
import dev.skerry.session.TaskQueues;
import dev.skerry.temporal.TemporalSettings;
import io.grpc.StatusRuntimeException;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.client.WorkflowExecutionMetadata;
import io.temporal.client.WorkflowServiceException;
import io.temporal.common.WorkflowExecutionHistory;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.testing.TestEnvironmentOptions;
import io.temporal.testing.TestWorkflowEnvironment;
import io.temporal.testing.WorkflowReplayer;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerOptions;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Proves before a deployment that this build can go on with the workflows that run. */
@Command(
        name = "replay",
        description = "Replays workflow histories against this build: of a live server, or from files.",
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:every history replays",
            "1:at least one does not, or there was none",
            "3:Temporal cannot be reached"
        })
public final class ReplayCommand implements Callable<Integer> {
    private static final String OPEN = "(WorkflowType = 'AgentSessionWorkflow' OR WorkflowType = 'ReapOrphansWorkflow')"
            + " AND ExecutionStatus = 'Running'";
    private static final int LONGEST_REASON = 400;

    /** The first history loads every class, which on a busy machine takes longer than a live worker lets a workflow think. */
    private static final long COLD_CLASSES_TAKE_MILLIS = 60_000;

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private TemporalOptions temporal = new TemporalOptions();

    @Option(
            names = "--query",
            paramLabel = "QUERY",
            description = "Which workflows, in Temporal's list filter; default: every one that runs.")
    private String query = OPEN;

    @Option(names = "--limit", paramLabel = "N", description = "At most so many of them; default: all.")
    private @Nullable Integer limit;

    @Parameters(paramLabel = "FILE", arity = "0..*", description = "Histories as JSON files, instead of a server.")
    private List<Path> files = List.of();

    private int good;
    private int bad;
    private boolean stopped;

    @Override
    public Integer call() {
        if (limit != null && limit < 1) {
            throw new ParameterException(command(), "--limit must be 1 or more.");
        }
        try (TestWorkflowEnvironment environment = environment()) {
            Worker worker = environment.newWorker(
                    TaskQueues.SESSIONS,
                    WorkerOptions.newBuilder()
                            .setDefaultDeadlockDetectionTimeout(COLD_CLASSES_TAKE_MILLIS)
                            .build());
            worker.registerWorkflowImplementationTypes(AgentSessionWorkflowImpl.class, ReapOrphansWorkflowImpl.class);
            if (files.isEmpty()) {
                replayServer(worker);
            } else {
                files.forEach(file -> replay(worker, file.toString(), read(file)));
            }
        }
        out().println(good + " replayed, " + bad + " failed");
        if (stopped) {
            out().println("Stopped at --limit " + limit + ": there are more.");
        }
        return bad == 0 && good > 0 ? ExitCode.OK.code() : ExitCode.TURN_FAILED.code();
    }

    private static TestWorkflowEnvironment environment() {
        return TestWorkflowEnvironment.newInstance(TestEnvironmentOptions.newBuilder()
                .setWorkflowClientOptions(WorkflowClientOptions.newBuilder()
                        .setDataConverter(TemporalSettings.dataConverter())
                        .build())
                .build());
    }

    private void replayServer(Worker worker) {
        TemporalSettings settings = temporal.settings();
        WorkflowServiceStubs stubs = settings.stubs();
        try {
            WorkflowClient client = settings.client(stubs);
            try (Stream<WorkflowExecutionMetadata> found = client.listExecutions(query)) {
                Iterator<WorkflowExecutionMetadata> executions = found.iterator();
                while (executions.hasNext() && !stopped) {
                    if (limit != null && good + bad == limit) {
                        stopped = true;
                    } else {
                        replay(worker, client, executions.next().getExecution());
                    }
                }
            }
        } catch (StatusRuntimeException | WorkflowServiceException e) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "Temporal at " + settings.target() + " did not answer: " + rootOf(e) + ".",
                    "Check --temporal and --query; the server inside `skerry up --temporal embedded` cannot list workflows.",
                    e);
        } finally {
            stubs.shutdownNow();
        }
    }

    private void replay(Worker worker, WorkflowClient client, WorkflowExecution id) {
        replay(
                worker,
                id.getWorkflowId() + " " + id.getRunId(),
                client.fetchHistory(id.getWorkflowId(), id.getRunId()));
    }

    private static WorkflowExecutionHistory read(Path file) {
        try {
            return WorkflowExecutionHistory.fromJson(Files.readString(file));
        } catch (IOException e) {
            throw new Failure(
                    ExitCode.USAGE, file + " cannot be read.", "Name a file that exists and is yours to read.", e);
        } catch (RuntimeException e) {
            throw new Failure(
                    ExitCode.USAGE,
                    file + " is not a history: " + rootOf(e) + ".",
                    "Save one with `temporal workflow show --output json --workflow-id ID`.",
                    e);
        }
    }

    private void replay(Worker worker, String name, WorkflowExecutionHistory history) {
        try {
            WorkflowReplayer.replayWorkflowExecution(history, worker);
            good++;
            out().println("ok    " + name);
        } catch (Exception e) {
            bad++;
            out().println("FAIL  " + name + " " + rootOf(e).replaceFirst("^query failure .*?error=", ""));
        }
    }

    private static String rootOf(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        String said = String.valueOf(root.getMessage()).replaceAll("\\s+", " ").strip();
        return said.substring(0, Math.min(said.length(), LONGEST_REASON));
    }

    private PrintWriter out() {
        return command().getOut();
    }

    private CommandLine command() {
        return Objects.requireNonNull(spec).commandLine();
    }
}
