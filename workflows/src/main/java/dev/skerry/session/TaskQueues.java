package dev.skerry.session;

/** The names of Temporal's task queues. */
public final class TaskQueues {
    /** Workflow code, and the turns that it gives out. */
    public static final String SESSIONS = "skerry-sessions";

    /** Questions about every session at once, which must not hold up one. */
    public static final String CONTROL = "skerry-control";

    private TaskQueues() {}

    /** Calls to one metro's provider. */
    public static String metro(String code) {
        return "skerry-metro-" + code;
    }
}
