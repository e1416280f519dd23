package dev.skerry.api;

import java.util.ArrayList;
import java.util.List;

/** A session as a crash leaves it: recorded, and nobody was told. */
public final class Abandoned {
    private final TestingApi api;
    private final String id;
    private final List<String> turns = new ArrayList<>();

    private Abandoned(TestingApi api) {
        this.api = api;
        this.id = Rows.session(api, "ten_default");
    }

    public static Abandoned in(TestingApi api, int turns) {
        Abandoned session = new Abandoned(api);
        for (int i = 0; i < turns; i++) {
            session.leaveTurn();
        }
        return session;
    }

    public String id() {
        return id;
    }

    public void leaveTurn() {
        turns.add(Rows.turn(api, id));
    }

    /** Its workflow does not answer any more. */
    public void stall() {
        RecordingWorkflow.stall(id);
    }

    /** What its workflow was asked so far. */
    public List<String> asked() {
        return RecordingWorkflow.asked(id);
    }

    /** What its workflow has to be asked. */
    public List<String> submissions() {
        return turns.stream().map(turn -> "submit " + turn).toList();
    }
}
