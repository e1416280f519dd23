package dev.skerry.session;

import dev.skerry.session.ModelFaults.Fault;
import dev.skerry.session.ModelFaults.Verb;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowException;
import io.temporal.client.WorkflowNotFoundException;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowServiceException;
import io.temporal.client.WorkflowStub;
import io.temporal.client.WorkflowUpdateException;
import io.temporal.failure.ApplicationFailure;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** One user with one session at a time, who does what chance says and remembers what was promised. */
final class ModelSlot {
    private static final Timeouts PATIENT =
            new Timeouts(Duration.ofMinutes(5), Duration.ofDays(7), Duration.ofDays(30));
    private static final Timeouts HASTY =
            new Timeouts(Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofDays(30));
    /** Every wait is over while its user still acts. */
    private static final Timeouts FLEETING =
            new Timeouts(Duration.ofMillis(40), Duration.ofMillis(60), Duration.ofDays(30));

    private static final Timeouts MORTAL =
            new Timeouts(Duration.ofMillis(80), Duration.ofMillis(80), Duration.ofMillis(900));
    private static final List<Timeouts> TEMPERS = List.of(PATIENT, HASTY, FLEETING, MORTAL);
    private static final int ATTEMPTS = 5;
    private static final String ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private static final Reason DELETED = new Reason("deleted", "Deleted by its owner.");
    private static final List<Fault> FAULTS = List.of(
            new Fault(Verb.PROVISION, false, null),
            new Fault(Verb.PROVISION, true, null),
            new Fault(Verb.PROVISION, false, FailureTypes.METRO_UNAVAILABLE),
            new Fault(Verb.PROVISION, true, FailureTypes.METRO_UNAVAILABLE),
            new Fault(Verb.PROVISION, true, FailureTypes.NO_HELLO),
            new Fault(Verb.SUSPEND, false, null),
            new Fault(Verb.SUSPEND, true, null),
            new Fault(Verb.SUSPEND, true, FailureTypes.PROVIDER_REJECTED),
            new Fault(Verb.RESUME, true, null),
            new Fault(Verb.RESUME, false, FailureTypes.PROVIDER_REJECTED),
            new Fault(Verb.RESUME, true, FailureTypes.NO_HELLO),
            new Fault(Verb.DESTROY, false, null),
            new Fault(Verb.DESTROY, true, null),
            new Fault(Verb.RUN_TURN, false, FailureTypes.SANDBOX_LOST),
            new Fault(Verb.RUN_TURN, true, FailureTypes.SANDBOX_LOST),
            new Fault(Verb.END_TURN, true, null),
            new Fault(Verb.CLOSE, false, null),
            new Fault(Verb.CLOSE, true, null),
            new Fault(Verb.REPORT, true, null),
            new Fault(Verb.STOP, true, null),
            new Fault(Verb.SETTLE, false, null));

    private final ModelWorld world;
    private final Random random;
    private final int kind;
    private final List<SessionId> all = new ArrayList<>();
    private final List<TurnId> accepted = new ArrayList<>();
    private final List<String> log = new ArrayList<>();
    private SessionId id;
    private AgentSessionWorkflow workflow;
    private Instant createdAt;
    private boolean deleted;
    private long cap;
    private volatile String doing = "nothing";

    ModelSlot(ModelWorld world, long seed) {
        this.world = world;
        this.random = new Random(seed);
        this.kind = (int) (seed % (2 * TEMPERS.size()));
        begin();
    }

    private void begin() {
        id = new SessionId("ses_" + ulid());
        all.add(id);
        accepted.clear();
        deleted = false;
        cap = 0;
        AgentSessionWorkflow fresh = world.client.newWorkflowStub(
                AgentSessionWorkflow.class,
                WorkflowOptions.newBuilder()
                        .setWorkflowId(id.value())
                        .setTaskQueue(TaskQueues.SESSIONS)
                        .build());
        createdAt = Instant.now();
        world.record.livesUntil(id, createdAt.plus(temper().lifetime()));
        SessionState created = SessionState.created(id, "ten_model", "inst", temper(), createdAt);
        WorkflowClient.start(fresh::run, kind % 2 == 0 ? created.withTurnsPerRun(2 + random.nextInt(5)) : created);
        workflow = world.client.newWorkflowStub(AgentSessionWorkflow.class, id.value());
    }

    private String ulid() {
        StringBuilder text = new StringBuilder("01");
        while (text.length() < 26) {
            text.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
        }
        return text.toString();
    }

    void act(int commands) {
        for (int i = 0; i < commands; i++) {
            if (ended()) {
                begin();
            }
            command();
        }
    }

    private boolean ended() {
        return deleted || (world.record.settled(id) && mayEndByItself());
    }

    /** It never brought a sandbox up, or its lifetime is over. */
    private boolean mayEndByItself() {
        return !world.record.born(id) || !Instant.now().isBefore(createdAt.plus(temper().lifetime()));
    }

    private Timeouts temper() {
        return TEMPERS.get(kind / 2);
    }

    private void command() {
        switch (random.nextInt(20)) {
            case 0, 1, 2, 3 -> send(random.nextInt(6) == 0);
            case 4 -> burst();
            case 5 -> again();
            case 6, 7 -> steer("cancel", () -> workflow.cancelTurn());
            case 8, 9 -> steer("suspend", () -> workflow.suspend());
            case 10 -> steer("resume", () -> workflow.resume());
            case 11 -> raise();
            case 12 -> die(true);
            case 13 -> die(false);
            case 14 -> steer("stale news", () -> workflow.sandboxLost(new SandboxLost(0, "stale", null, null)));
            case 15, 16, 17 -> fault(FAULTS.get(random.nextInt(FAULTS.size())));
            case 18 -> pause(random.nextInt(60));
            default -> {
                if (random.nextInt(3) == 0) {
                    delete();
                }
            }
        }
    }

    private void send(boolean slow) {
        say(slow ? "send a slow one" : "send");
        TurnId turn = new TurnId("trn_" + ulid());
        world.record.queue(id, turn, slow);
        try {
            insist(() -> workflow.submitTurn(turn));
            accepted.add(turn);
            world.record.accepted(id, turn);
        } catch (WorkflowException e) {
            world.record.refused(id, turn);
            world.record.demand(isOver(e), id, turn + " was refused by a session that goes on: " + e);
        }
    }

    private void burst() {
        for (int i = 0; i < 4; i++) {
            send(false);
        }
    }

    private void again() {
        if (!accepted.isEmpty()) {
            TurnId turn = accepted.get(random.nextInt(accepted.size()));
            steer("send again", () -> workflow.submitTurn(turn));
        }
    }

    private void raise() {
        long next = cap + 1 + random.nextInt(1_000);
        steer("raise", () -> {
            workflow.raiseBudget(new Money(next));
            cap = next;
        });
    }

    /** Every wish may be repeated; on a busy machine an answer may come too late. */
    static void insist(Runnable wish) {
        for (int attempt = 1; ; attempt++) {
            try {
                wish.run();
                return;
            } catch (WorkflowServiceException e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    void steer(String what, Runnable wish) {
        say(what);
        try {
            insist(wish);
        } catch (WorkflowException e) {
            world.record.demand(isOver(e), id, what + " failed though the session goes on: " + e);
        }
    }

    /** A workflow may have ended in the meantime, but only for a reason. */
    private boolean isOver(WorkflowException failure) {
        boolean saysSo = failure instanceof WorkflowNotFoundException
                || (failure instanceof WorkflowUpdateException
                        && failure.getCause() instanceof ApplicationFailure said
                        && said.getType().equals(FailureTypes.SESSION_ENDED));
        return saysSo && (deleted || mayEndByItself());
    }

    private void die(boolean truly) {
        steer(truly ? "die" : "false news of death", () -> {
            SessionStatus now = workflow.status();
            Box box = now.box();
            if (box != null) {
                if (truly) {
                    world.cloud.kill(box.name());
                }
                workflow.sandboxLost(new SandboxLost(now.incarnation(), "died", null, null));
            }
        });
    }

    private void fault(Fault fault) {
        say(fault.toString());
        world.faults.plan(id, fault);
    }

    private void pause(int millis) {
        say("wait");
        ModelFaults.last(millis);
    }

    private void delete() {
        if (random.nextBoolean()) {
            steer("delete", () -> workflow.terminate(DELETED));
        } else {
            steer("cancel the workflow", () -> WorkflowStub.fromTyped(workflow).cancel());
        }
        deleted = true;
    }

    private void say(String what) {
        log.add(what);
        doing = what;
    }

    String doing() {
        return id + ": " + doing + " after " + log;
    }

    SessionId id() {
        return id;
    }

    AgentSessionWorkflow workflow() {
        return workflow;
    }

    /** Whether its session is suspended and loses its VM within seconds. */
    boolean hasty() {
        return temper() != PATIENT;
    }

    boolean mortal() {
        return temper() == MORTAL;
    }

    boolean restsWithoutVm() {
        SessionStatus now = quietStatus();
        return now != null && now.status() == Status.SUSPENDED && now.box() == null;
    }

    boolean goesOn() {
        return !ended();
    }

    long cap() {
        return cap;
    }

    List<SessionId> all() {
        return all;
    }

    @Nullable
    SessionStatus quietStatus() {
        SessionStatus now = workflow.status();
        boolean quiet = now.waiting() == 0
                && now.turn() == null
                && (now.status() == Status.IDLE || now.status() == Status.SUSPENDED);
        return quiet ? now : null;
    }

    void end() {
        if (goesOn()) {
            say("end");
            workflow.terminate(DELETED);
            deleted = true;
        }
    }
}
