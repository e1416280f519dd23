package dev.skerry.session;

import dev.skerry.temporal.SearchAttributes;
import io.temporal.workflow.Workflow;
import org.jspecify.annotations.Nullable;

/** A session's state and how Temporal shows it; numbers every change. */
final class Standing {
    private static final int LONGEST_DETAILS = 4_000;

    private final SessionId session;
    private Status status;
    private @Nullable Reason reason;
    private long transitions;
    private String lastIndexed;

    Standing(SessionState state) {
        session = state.session();
        status = state.status();
        reason = state.reason();
        transitions = state.transitions();
        lastIndexed = indexed(status) + " " + state.incarnation() + " " + state.box();
    }

    Status status() {
        return status;
    }

    @Nullable
    Reason reason() {
        return reason;
    }

    long transitions() {
        return transitions;
    }

    /** Takes a state; whoever brings it about reports it to the control plane. */
    Transition become(Status now, @Nullable Reason why, int incarnation, @Nullable Box box) {
        status = now;
        reason = why;
        transitions = Math.max(transitions + 1, Workflow.currentTimeMillis());
        if (lasting(now, incarnation)) {
            index(incarnation, box);
        }
        return new Transition(session, transitions, status, reason, incarnation, box, null);
    }

    /** The activity goes through this state on its way. */
    void passes(Transition on) {
        transitions = on.number();
    }

    /** A search attribute costs an event: what lasts seconds is not worth one, nor is every turn. */
    private static boolean lasting(Status now, int incarnation) {
        return now != Status.RESUMING && (now != Status.PROVISIONING || incarnation > 1);
    }

    private static String indexed(Status status) {
        return status == Status.IDLE || status == Status.RUNNING ? SearchAttributes.AWAKE : status.code();
    }

    private void index(int incarnation, @Nullable Box box) {
        String now = indexed(status) + " " + incarnation + " " + box;
        if (now.equals(lastIndexed)) {
            return;
        }
        lastIndexed = now;
        Workflow.upsertTypedSearchAttributes(
                SearchAttributes.STATUS.valueSet(indexed(status)),
                SearchAttributes.INCARNATION.valueSet((long) incarnation),
                box == null ? SearchAttributes.METRO.valueUnset() : SearchAttributes.METRO.valueSet(box.metro()),
                box == null
                        ? SearchAttributes.PROVIDER.valueUnset()
                        : SearchAttributes.PROVIDER.valueSet(box.provider()));
    }

    /** Tells a person at Temporal's Web UI what the session is and waits for; costs no event. */
    void describe(SessionStatus now) {
        StringBuilder text = new StringBuilder("**").append(status.code()).append("**");
        if (reason != null) {
            text.append(": ")
                    .append(reason.message())
                    .append(" (`")
                    .append(reason.code())
                    .append("`)");
        }
        text.append("\n\n- incarnation ").append(now.incarnation());
        if (now.box() != null) {
            text.append("\n- VM `")
                    .append(now.box().name())
                    .append("` in metro `")
                    .append(now.box().metro())
                    .append('`');
        }
        if (now.turn() != null) {
            text.append("\n- turn `").append(now.turn()).append('`');
        }
        text.append("\n- ").append(now.waiting()).append(" turns waiting");
        if (now.suspendsAt() != null) {
            text.append("\n- is suspended without a message until ").append(now.suspendsAt());
        }
        if (now.vmEndsAt() != null) {
            text.append("\n- keeps its VM until ").append(now.vmEndsAt());
        }
        text.append("\n- ends at the latest ").append(now.endsAt());
        Workflow.setCurrentDetails(text.substring(0, Math.min(text.length(), LONGEST_DETAILS)));
    }
}
