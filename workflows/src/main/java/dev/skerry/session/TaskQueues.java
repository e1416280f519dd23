package dev.skerry.session;

/** The names of Temporal's task queues. */
public final class TaskQueues {
    /** Workflow code. */
    public static final String SESSIONS = "skerry-sessions";

    /** Calls to the control plane. */
    public static final String CONTROL = "skerry-control";

    private TaskQueues() {}

    /** Calls to one metro's provider. */
    public static String metro(String code) {
        return "skerry-metro-" + code;
    }
}
