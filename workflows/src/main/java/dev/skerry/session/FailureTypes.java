package dev.skerry.session;

/** Types of application failures that cross between activities and workflows. */
public final class FailureTypes {
    /** The metro is full or down: try another one. */
    public static final String METRO_UNAVAILABLE = "metro_unavailable";

    /** The request can never succeed: quota, bad image, refused token. */
    public static final String PROVIDER_REJECTED = "provider_rejected";

    /** A required probe failed: no turn is ever delivered. */
    public static final String PROBE_FAILED = "probe_failed";

    /** The VM was created or woken and said no hello in time. */
    public static final String NO_HELLO = "boot_timeout";

    /** The sandbox does not answer any more. */
    public static final String SANDBOX_LOST = "sandbox_lost";

    /** A newer incarnation exists. */
    public static final String SUPERSEDED = "superseded";

    /** The record says that the session is over. */
    public static final String SESSION_ENDED = "session_ended";

    /** The control plane has no such session or turn. */
    public static final String NOT_FOUND = "not_found";

    /** More turns wait than a session may queue. */
    public static final String TOO_MANY_WAITING = "too_many_waiting";

    /** What was sent makes no sense. */
    public static final String INVALID = "invalid";

    private FailureTypes() {}
}
