package dev.skerry.reaper;

import dev.skerry.session.ControlActivities;
import dev.skerry.session.ControlActivities.MetroView;
import dev.skerry.session.TaskQueues;
import io.temporal.activity.ActivityOptions;
import io.temporal.activity.LocalActivityOptions;
import io.temporal.common.RetryOptions;
import io.temporal.failure.ActivityFailure;
import io.temporal.failure.CanceledFailure;
import io.temporal.failure.TemporalFailure;
import io.temporal.workflow.Workflow;
import java.time.Duration;
import java.util.List;

/** What a sweep asks of others, and how long it waits for it. */
final class ReaperCalls {
    private static final Duration LOOK = Duration.ofMinutes(10);
    private static final Duration IN_ALL = Duration.ofMinutes(15);
    private static final Duration ALIVE = Duration.ofSeconds(30);
    private static final Duration ASK = Duration.ofSeconds(5);
    private static final int ATTEMPTS = 3;

    private ReaperCalls() {}

    static List<String> metros(ReapOrder order) {
        return order.metros().isEmpty() ? everyMetro() : order.metros();
    }

    private static List<String> everyMetro() {
        return Workflow.newLocalActivityStub(
                        ControlActivities.class,
                        LocalActivityOptions.newBuilder()
                                .setStartToCloseTimeout(ASK)
                                .setSummary("Look at the metros")
                                .build())
                .metros()
                .stream()
                .map(MetroView::code)
                .toList();
    }

    static AbandonedActivities records() {
        return Workflow.newActivityStub(
                AbandonedActivities.class, options(TaskQueues.CONTROL, "Look for sessions without a workflow"));
    }

    static AbandonedActivities closing(String session) {
        return Workflow.newActivityStub(
                AbandonedActivities.class, options(TaskQueues.CONTROL, "Close the record of " + session));
    }

    static ReaperActivities metro(String code) {
        return Workflow.newActivityStub(
                ReaperActivities.class, options(TaskQueues.metro(code), "Look for orphans in " + code));
    }

    static ReaperActivities destroying(String code, String name) {
        return Workflow.newActivityStub(
                ReaperActivities.class, options(TaskQueues.metro(code), "Destroy " + name + " in " + code));
    }

    /** Why there was no answer; a sweep that is cancelled ends with the failure itself. */
    static String reason(ActivityFailure failure) {
        if (failure.getCause() instanceof CanceledFailure) {
            throw failure;
        }
        return failure.getCause() instanceof TemporalFailure cause
                ? cause.getOriginalMessage()
                : "There was no answer.";
    }

    private static ActivityOptions options(String queue, String summary) {
        return ActivityOptions.newBuilder()
                .setTaskQueue(queue)
                .setStartToCloseTimeout(LOOK)
                .setScheduleToCloseTimeout(IN_ALL)
                .setHeartbeatTimeout(ALIVE)
                .setRetryOptions(
                        RetryOptions.newBuilder().setMaximumAttempts(ATTEMPTS).build())
                .setSummary(summary)
                .build();
    }
}
