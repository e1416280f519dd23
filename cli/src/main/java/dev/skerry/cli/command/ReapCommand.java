package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Json;
import dev.skerry.reaper.ReapOrder;
import dev.skerry.reaper.ReapOrphansWorkflow;
import dev.skerry.reaper.ReapReport;
import dev.skerry.reaper.ReapReport.MetroReport;
import dev.skerry.reaper.ReapReport.SessionsReport;
import dev.skerry.session.TaskQueues;
import dev.skerry.temporal.TemporalSettings;
import io.grpc.StatusRuntimeException;
import io.temporal.client.WorkflowException;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowStub;
import io.temporal.serviceclient.WorkflowServiceStubs;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/** Has the workers look for VMs that no living session owns, now instead of at the next scheduled sweep. */
@Command(
        name = "reap",
        description =
                "Finds VMs that no living session owns and rows of sessions whose workflow is gone, and ends them.",
        mixinStandardHelpOptions = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:every metro was judged and every orphan ended",
            "1:something could not be judged or ended",
            "3:Temporal or its workers do not answer"
        })
public final class ReapCommand implements Callable<Integer> {
    private static final int MOST = 50;

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private TemporalOptions temporal = new TemporalOptions();

    @Option(
            names = "--metro",
            paramLabel = "CODE",
            description = "Look at this metro only; may be repeated. Without it, at all of them.")
    private List<String> metros = List.of();

    @Option(names = "--json", description = "Print the result as one line of JSON, and nothing else.")
    private boolean json;

    @Option(names = "--dry-run", description = "Only say what would be done.")
    private boolean dryRun;

    @Option(
            names = "--grace",
            paramLabel = "DURATION",
            defaultValue = "PT10M",
            description = "Leave younger VMs alone, as ISO 8601; default PT10M.")
    private Duration grace = Duration.ofMinutes(10);

    @Option(
            names = "--wait",
            paramLabel = "DURATION",
            defaultValue = "PT5M",
            description = "How long to wait for the result, as ISO 8601; default PT5M.")
    private Duration patience = Duration.ofMinutes(5);

    @Override
    public Integer call() {
        TemporalSettings settings = temporal.settings();
        WorkflowServiceStubs stubs = settings.stubs();
        try {
            WorkflowStub sweep = settings.client(stubs)
                    .newUntypedWorkflowStub(
                            ReapOrphansWorkflow.class.getSimpleName(),
                            WorkflowOptions.newBuilder()
                                    .setWorkflowId("skerry-reap-" + UUID.randomUUID())
                                    .setTaskQueue(TaskQueues.SESSIONS)
                                    .setWorkflowExecutionTimeout(patience.plusMinutes(1))
                                    .setStaticSummary(dryRun ? "Report orphans" : "Destroy orphans on request")
                                    .build());
            sweep.start(new ReapOrder(metros, dryRun, grace, Duration.ofSeconds(10), MOST));
            return tell(sweep.getResult(patience.toMillis(), TimeUnit.MILLISECONDS, ReapReport.class));
        } catch (StatusRuntimeException | WorkflowException | TimeoutException e) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "No sweep came to an end at Temporal " + settings.target() + ".",
                    "Check --temporal, and that a worker runs.",
                    e);
        } finally {
            stubs.shutdownNow();
        }
    }

    private int tell(ReapReport report) {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        if (json) {
            out.println(asJson(report));
        } else {
            print(report, out);
        }
        return report.complete() ? ExitCode.OK.code() : ExitCode.TURN_FAILED.code();
    }

    private static void print(ReapReport report, PrintWriter out) {
        SessionsReport sessions = report.sessions();
        out.printf(
                "sessions: %d checked, %d without a workflow, %d closed, %d failed%s%n",
                sessions.seen(),
                sessions.abandoned().size(),
                sessions.closed(),
                sessions.failed(),
                why(sessions.failure()));
        sessions.abandoned().forEach(session -> out.println("  " + session));
        sessions.refused().forEach(refusal -> out.println("  FAILED " + refusal));
        for (MetroReport metro : report.metros()) {
            out.printf(
                    "%s: %d seen, %d kept, %d orphans, %d destroyed, %d failed%s%n",
                    metro.metro(),
                    metro.seen(),
                    metro.kept(),
                    metro.orphans().size(),
                    metro.reclaimed(),
                    metro.failed(),
                    why(metro.failure()));
            metro.orphans().forEach(orphan -> out.println("  " + orphan));
            metro.refused().forEach(refusal -> out.println("  FAILED " + refusal));
        }
    }

    private static String why(String failure) {
        return failure.isEmpty() ? "" : ", NOTHING DONE: " + failure;
    }

    private static String asJson(ReapReport report) {
        ObjectNode told = Json.MAPPER.valueToTree(report);
        told.withObject("sessions").put("failed", report.sessions().failed());
        for (int i = 0; i < report.metros().size(); i++) {
            ((ObjectNode) told.path("metros").path(i))
                    .put("failed", report.metros().get(i).failed());
        }
        return told.toString();
    }
}
