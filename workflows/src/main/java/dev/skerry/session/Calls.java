package dev.skerry.session;

import io.temporal.activity.ActivityCancellationType;
import io.temporal.activity.ActivityOptions;
import io.temporal.activity.LocalActivityOptions;
import io.temporal.common.Priority;
import io.temporal.common.RetryOptions;
import io.temporal.workflow.Workflow;
import java.time.Duration;

/**
 * The activity stubs of one session, each with its deadline and its retries.
 *
 * <p>Provider calls wait for their own end when cancelled: going on while a create may still land would leak a VM.
 */
final class Calls {
    private static final Duration PROVISION = Duration.ofMinutes(3);
    private static final Duration PROVISION_IN_ALL = Duration.ofMinutes(10);
    private static final Duration PROVIDER_CALL = Duration.ofSeconds(75);
    private static final Duration ABANDON_IN_ALL = Duration.ofSeconds(30);
    private static final Duration SUSPEND_IN_ALL = Duration.ofMinutes(5);
    private static final Duration ALIVE = Duration.ofSeconds(15);
    private static final Duration DEAD_SANDBOX = Duration.ofSeconds(30);
    private static final Duration LONGEST_TURN = Duration.ofHours(24);
    private static final Duration CONTROL = Duration.ofSeconds(8);
    private static final Duration SOMEBODY_SERVES_IT = Duration.ofMinutes(2);
    private static final Duration SOMEBODY_WAITS = Duration.ofSeconds(20);

    private static final int LONGEST_SUMMARY = 380;

    private static final RetryOptions WHATEVER_IT_SAYS = RetryOptions.newBuilder()
            .setInitialInterval(Duration.ofMillis(500))
            .setMaximumInterval(Duration.ofSeconds(20))
            .build();
    private static final RetryOptions STEADILY = RetryOptions.newBuilder(WHATEVER_IT_SAYS)
            .setDoNotRetry(
                    FailureTypes.METRO_UNAVAILABLE,
                    FailureTypes.PROVIDER_REJECTED,
                    FailureTypes.PROBE_FAILED,
                    FailureTypes.NO_HELLO,
                    FailureTypes.SUPERSEDED,
                    FailureTypes.SESSION_ENDED,
                    FailureTypes.NOT_FOUND)
            .build();
    /** The SDK takes a local activity without a limit of time or attempts for one without a policy, and never repeats it. */
    private static final RetryOptions WITHOUT_END = RetryOptions.newBuilder(STEADILY)
            .setMaximumAttempts(Integer.MAX_VALUE)
            .build();

    /** The second one asks what became of the first. */
    private static final RetryOptions TWICE = RetryOptions.newBuilder()
            .setMaximumAttempts(2)
            .setInitialInterval(Duration.ofMillis(100))
            .build();

    private final Priority fairness;

    Calls(String tenant) {
        this.fairness = Priority.newBuilder().setFairnessKey(tenant).build();
    }

    SandboxActivities provisioning(String metro, String summary) {
        return Workflow.newActivityStub(
                SandboxActivities.class,
                provider(metro, summary)
                        .setScheduleToStartTimeout(SOMEBODY_SERVES_IT)
                        .setStartToCloseTimeout(PROVISION)
                        .setScheduleToCloseTimeout(PROVISION_IN_ALL)
                        .build());
    }

    /** For suspend, resume and inspect, which give up so that the session can replace the VM. */
    SandboxActivities managing(String metro, String summary) {
        return Workflow.newActivityStub(
                SandboxActivities.class,
                provider(metro, summary)
                        .setStartToCloseTimeout(PROVIDER_CALL)
                        .setScheduleToCloseTimeout(SUSPEND_IN_ALL)
                        .build());
    }

    /** Gives up on a metro that is away, so that the session goes on elsewhere. */
    SandboxActivities abandoning(String metro, String summary) {
        return Workflow.newActivityStub(
                SandboxActivities.class,
                provider(metro, summary)
                        .setStartToCloseTimeout(PROVIDER_CALL)
                        .setScheduleToCloseTimeout(ABANDON_IN_ALL)
                        .build());
    }

    /** Never gives up: a refusal, such as of a token that was replaced, may end some day, and the VM costs until then. */
    SandboxActivities destroying(String metro, String summary) {
        return Workflow.newActivityStub(
                SandboxActivities.class,
                provider(metro, summary)
                        .setStartToCloseTimeout(PROVIDER_CALL)
                        .setRetryOptions(WHATEVER_IT_SAYS)
                        .build());
    }

    /** A server refuses a summary of more than 400 bytes, and with it the workflow's whole step. */
    private static String shortened(String summary) {
        return summary.length() <= LONGEST_SUMMARY ? summary : summary.substring(0, LONGEST_SUMMARY - 1) + "…";
    }

    private ActivityOptions.Builder provider(String metro, String summary) {
        return ActivityOptions.newBuilder()
                .setTaskQueue(TaskQueues.metro(metro))
                .setHeartbeatTimeout(ALIVE)
                .setCancellationType(ActivityCancellationType.WAIT_CANCELLATION_COMPLETED)
                .setRetryOptions(STEADILY)
                .setPriority(fairness)
                .setSummary(shortened(summary));
    }

    /**
     * Silence for 30 s means that the sandbox is dead, unless the control plane knows better: a second attempt asks it. On the workflow's
     * own queue, so that the server hands the task to the worker that schedules it with the answer to its request (eager execution): a
     * person waits for it.
     */
    ControlActivities turn(String summary) {
        return Workflow.newActivityStub(
                ControlActivities.class,
                ActivityOptions.newBuilder()
                        .setTaskQueue(TaskQueues.SESSIONS)
                        .setPriority(fairness)
                        .setSummary(shortened(summary))
                        .setStartToCloseTimeout(LONGEST_TURN)
                        .setHeartbeatTimeout(DEAD_SANDBOX)
                        .setCancellationType(ActivityCancellationType.TRY_CANCEL)
                        .setRetryOptions(TWICE)
                        .build());
    }

    /** The same for a caller who waits for the answer: gives up soon. */
    ControlActivities promptly(String summary) {
        return Workflow.newLocalActivityStub(
                ControlActivities.class,
                LocalActivityOptions.newBuilder()
                        .setStartToCloseTimeout(CONTROL)
                        .setScheduleToCloseTimeout(SOMEBODY_WAITS)
                        .setRetryOptions(STEADILY)
                        .setSummary(shortened(summary))
                        .build());
    }

    /** Short calls to the control plane, as local activities: one history event each; they never give up. */
    ControlActivities brief(String summary) {
        return Workflow.newLocalActivityStub(
                ControlActivities.class,
                LocalActivityOptions.newBuilder()
                        .setStartToCloseTimeout(CONTROL)
                        .setRetryOptions(WITHOUT_END)
                        .setSummary(shortened(summary))
                        .build());
    }
}
