package dev.skerry.session;

import dev.skerry.session.ControlActivities.MetroView;
import dev.skerry.temporal.SearchAttributes;
import io.temporal.failure.ActivityFailure;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.CanceledFailure;
import io.temporal.failure.TimeoutFailure;
import io.temporal.workflow.Async;
import io.temporal.workflow.CancellationScope;
import io.temporal.workflow.Promise;
import io.temporal.workflow.TimerOptions;
import io.temporal.workflow.Workflow;
import io.temporal.workflow.WorkflowInit;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One loop: wait for something to do, do it, until the end was asked for; then take everything down. */
public final class AgentSessionWorkflowImpl implements AgentSessionWorkflow {
    private static final int MOST_WAITING = 1_000;
    private static final int REMEMBERED_TURNS = 2_000;
    private static final int MOST_BOOTS_IN_A_ROW = 3;
    private static final int MOST_REPLACEMENTS = 3;
    private static final Duration CANCEL_GRACE = Duration.ofSeconds(10);

    private final SessionId session;
    private final String tenant;
    private final String installation;
    private final Timeouts timeouts;
    private final Instant createdAt;
    private final Calls calls;
    private final Alarm alarm = new Alarm();
    private final Deque<TurnId> waiting;
    private final Set<TurnId> accepted;
    private final Set<TurnId> cancelled = new HashSet<>();

    private Status status;
    private @Nullable Reason reason;
    private int incarnation;
    private int transitions;
    private @Nullable Box box;
    private boolean frozen;
    private boolean awake;
    private @Nullable Instant quietSince;
    private @Nullable TurnId turn;
    private boolean suspendAsked;
    private boolean resumeAsked;
    private int lostIncarnation;
    private String lastLoss = "was lost";
    private @Nullable Ending ending;
    private @Nullable CancellationScope living;

    private record Ending(Status status, Reason reason) {}

    @WorkflowInit
    public AgentSessionWorkflowImpl(SessionState state) {
        session = state.session();
        tenant = state.tenant();
        installation = state.installation();
        timeouts = state.timeouts();
        createdAt = state.createdAt();
        calls = new Calls(tenant);
        waiting = new ArrayDeque<>(state.waiting());
        accepted = new LinkedHashSet<>(state.accepted());
        status = state.status();
        reason = state.reason();
        incarnation = state.incarnation();
        transitions = state.transitions();
        box = state.box();
        frozen = state.frozen();
        awake = box != null && !frozen;
        quietSince = state.quietSince();
    }

    @Override
    public void run(SessionState state) {
        describe();
        Workflow.newDetachedCancellationScope(this::endWhenLifetimeIsOver).run();
        living = Workflow.newCancellationScope(this::live);
        try {
            living.run();
        } catch (CanceledFailure e) {
            endBecause(Status.TERMINATED, "cancelled_by_operator", "Cancelled in Temporal.");
        } catch (ActivityFailure e) {
            if (!(e.getCause() instanceof CanceledFailure)) {
                throw e;
            }
            endBecause(Status.TERMINATED, "cancelled_by_operator", "Cancelled in Temporal.");
        }
        if (ending == null) {
            Workflow.await(Workflow::isEveryHandlerFinished);
            Workflow.continueAsNew(snapshot());
        } else {
            Ending end = ending;
            Workflow.newDetachedCancellationScope(() -> {
                        takeDown(end);
                        Workflow.await(Workflow::isEveryHandlerFinished);
                    })
                    .run();
        }
    }

    private void live() {
        if (incarnation == 0) {
            boot(null);
        }
        while (ending == null) {
            if (!waiting.isEmpty()) {
                work(waiting.remove());
            } else if (awake) {
                idle();
            } else {
                rest();
            }
            if (ending == null && waiting.isEmpty() && Workflow.getInfo().isContinueAsNewSuggested()) {
                return;
            }
        }
    }

    private void work(TurnId next) {
        turn = next;
        describe();
        int lost = 0;
        while (ending == null && turn != null) {
            if (cancelled.remove(turn)) {
                over(turn, TurnStatus.CANCELLED, new Reason("cancelled", "Cancelled before it began."));
            } else if (!awake) {
                ready();
            } else {
                Optional<String> loss = attempt(turn);
                if (loss.isEmpty()) {
                    turn = null;
                } else if (++lost > MOST_REPLACEMENTS) {
                    discard();
                    over(
                            turn,
                            TurnStatus.FAILED,
                            new Reason(
                                    "sandbox_lost",
                                    "Its sandbox was lost " + lost + " times; the last one " + lastLoss + "."));
                } else {
                    replace(loss.get());
                }
            }
        }
        quietSince = Alarm.now();
    }

    /** Gives the turn to the sandbox and answers why the sandbox was lost, or nothing when the turn is over. */
    private Optional<String> attempt(TurnId current) {
        Transition running = show(Status.RUNNING, null);
        List<Promise<TurnOutcome>> started = new ArrayList<>();
        CancellationScope scope = Workflow.newCancellationScope(
                () -> started.add(Async.function(calls.turn("Run " + current)::runTurn, running, current)));
        scope.run();
        Promise<TurnOutcome> outcome = started.getFirst();
        Workflow.await(() -> outcome.isCompleted() || cancelled.contains(current) || lostIncarnation >= incarnation);
        if (!outcome.isCompleted() && cancelled.remove(current)) {
            calls.brief("Cancel " + current).cancelTurn(session, current);
            boolean obeyed = Workflow.await(CANCEL_GRACE, outcome::isCompleted);
            if (!obeyed) {
                scope.cancel();
                discard();
                over(
                        current,
                        TurnStatus.CANCELLED,
                        new Reason("cancelled", "Cancelled; its sandbox did not obey and was destroyed."));
                return Optional.empty();
            }
        }
        if (!outcome.isCompleted()) {
            scope.cancel();
            return Optional.of("sandbox_died");
        }
        try {
            outcome.get();
            return Optional.empty();
        } catch (ActivityFailure e) {
            if (e.getCause() instanceof CanceledFailure) {
                throw e;
            }
            return Optional.of(e.getCause() instanceof TimeoutFailure ? "sandbox_silent" : "sandbox_lost");
        }
    }

    private void replace(String why) {
        discard();
        boot(new Reason(why, "The sandbox " + lastLoss + "; the turn goes on in a new one."));
    }

    private void idle() {
        if (status != Status.IDLE) {
            show(Status.IDLE, null);
        }
        if (quietSince == null) {
            quietSince = Alarm.now();
        }
        Instant deadline = quietSince.plus(timeouts.idle());
        boolean called = alarm.await(
                deadline,
                "Idle timeout",
                () -> !waiting.isEmpty() || suspendAsked || ending != null || lostIncarnation >= incarnation);
        if (lostIncarnation >= incarnation) {
            discard();
            report(
                    Status.SUSPENDED,
                    new Reason("sandbox_died", "The sandbox " + lastLoss + "; the next message starts a new one."));
        } else if (!called) {
            suspend(new Reason("idle_timeout", "No message for " + words(timeouts.idle()) + "."));
        } else if (suspendAsked && waiting.isEmpty() && ending == null) {
            suspend(new Reason("asked", "Suspended on request."));
        }
        suspendAsked = false;
    }

    private void suspend(Reason why) {
        awake = false;
        frozen = true;
        Transition suspended = show(Status.SUSPENDED, why);
        try {
            Box vm = suspended.vm();
            calls.managing(vm.metro(), "Store files, suspend " + vm.name()).suspend(suspended);
        } catch (ActivityFailure e) {
            throwIfCancelled(e);
            discard();
            report(Status.SUSPENDED, why);
        }
        quietSince = Alarm.now();
    }

    private void rest() {
        if (status != Status.SUSPENDED) {
            report(
                    Status.SUSPENDED,
                    new Reason("sandbox_lost", "The sandbox is gone; the next message starts a new one."));
        }
        if (quietSince == null) {
            quietSince = Alarm.now();
        }
        boolean called = box == null
                ? awaitCall()
                : alarm.await(quietSince.plus(timeouts.suspended()), "Suspended for long enough", this::called);
        if (!called) {
            discard();
            report(
                    Status.SUSPENDED,
                    new Reason(
                            "suspended_ttl",
                            "Suspended for " + words(timeouts.suspended()) + "; its VM was destroyed."));
        } else if (ending == null && resumeAsked && waiting.isEmpty()) {
            ready();
            quietSince = Alarm.now();
        }
        resumeAsked = false;
    }

    private boolean awaitCall() {
        Workflow.await(this::called);
        return true;
    }

    private boolean called() {
        return !waiting.isEmpty() || resumeAsked || ending != null;
    }

    /** Wakes the frozen VM, or boots a new one; answers whether a sandbox is ready. */
    private boolean ready() {
        if (box != null && frozen) {
            return wake() || boot(new Reason("resume_failed", "The suspended VM did not wake; a new one takes over."));
        }
        return boot(new Reason("cold_resume", "Its VM is gone; a new one takes over."));
    }

    private boolean wake() {
        int before = incarnation++;
        Transition resuming = show(Status.RESUMING, null);
        try {
            Box vm = resuming.vm();
            calls.managing(vm.metro(), "Resume " + vm.name() + " as incarnation " + incarnation)
                    .resume(resuming, before);
        } catch (ActivityFailure e) {
            throwIfCancelled(e);
            discard();
            return false;
        }
        frozen = false;
        awake = true;
        return true;
    }

    /** Boots the next incarnation, in another metro or once more where that can help; answers whether a sandbox is ready. */
    private boolean boot(@Nullable Reason why) {
        Set<String> tried = new HashSet<>();
        Reason cause = why;
        for (int boots = 0; boots < MOST_BOOTS_IN_A_ROW && ending == null; ) {
            List<MetroView> metros = calls.brief("Look at the metros").metros();
            Optional<MetroView> metro =
                    Placement.choose(metros, tried, session.value().hashCode() + incarnation);
            if (metro.isEmpty()) {
                endBecause(Status.FAILED, "no_capacity", cause == null ? "No metro has room." : cause.message());
                return false;
            }
            incarnation++;
            box = new Box(
                    SandboxName.of(installation, session, incarnation),
                    metro.get().code(),
                    metro.get().provider());
            Optional<Reason> obstacle = start(cause);
            if (obstacle.isEmpty()) {
                return true;
            }
            cause = obstacle.get();
            discard();
            if (cause.code().equals(FailureTypes.METRO_UNAVAILABLE)) {
                tried.add(metro.get().code());
            } else {
                boots++;
            }
            if (cause.code().equals(FailureTypes.PROBE_FAILED) || cause.code().equals(FailureTypes.PROVIDER_REJECTED)) {
                endBecause(Status.FAILED, cause.code(), cause.message());
            }
        }
        if (ending == null) {
            endBecause(Status.FAILED, "boot_failed", "No sandbox came up in " + MOST_BOOTS_IN_A_ROW + " attempts.");
        }
        return false;
    }

    /** Creates the VM and waits for its hello; answers what was in the way. */
    private Optional<Reason> start(@Nullable Reason cause) {
        Transition provisioning = show(Status.PROVISIONING, cause);
        transitions = provisioning.then(Status.HARDENING).number();
        try {
            Box vm = provisioning.vm();
            calls.provisioning(vm.metro(), "Create " + vm.name() + " in " + vm.metro())
                    .provision(provisioning);
        } catch (ActivityFailure e) {
            throwIfCancelled(e);
            return Optional.of(obstacle(e));
        }
        frozen = false;
        awake = true;
        return Optional.empty();
    }

    private static Reason obstacle(ActivityFailure failure) {
        if (failure.getCause() instanceof ApplicationFailure told) {
            return new Reason(told.getType(), told.getOriginalMessage());
        }
        return new Reason("boot_timeout", "The sandbox did not come up in time.");
    }

    /** Revokes what the sandbox holds, then destroys it, whatever happens. */
    private void discard() {
        awake = false;
        frozen = false;
        if (box != null) {
            Box gone = box;
            Workflow.newDetachedCancellationScope(() -> {
                        calls.brief("Revoke incarnation " + incarnation).closeIncarnation(session, incarnation);
                        calls.destroying(gone.metro(), "Destroy " + gone.name()).destroy(gone);
                    })
                    .run();
            box = null;
        }
    }

    private void takeDown(Ending end) {
        Instant began = Alarm.now();
        boolean failed = end.status() == Status.FAILED;
        Reason why =
                failed ? end.reason() : new Reason("session_ended", end.reason().message());
        calls.brief("Revoke every token, end every turn")
                .stop(show(Status.TERMINATING, end.reason()), failed ? TurnStatus.FAILED : TurnStatus.CANCELLED, why);
        turn = null;
        waiting.clear();
        if (box != null) {
            calls.destroying(box.metro(), "Destroy " + box.name()).destroy(box);
            box = null;
        }
        Transition ended = show(end.status(), end.reason());
        calls.brief("Close the books")
                .settle(ended.took(Duration.between(began, Alarm.now()).toMillis()));
    }

    private void over(TurnId ended, TurnStatus how, Reason why) {
        calls.brief("End " + ended).endTurn(session, ended, how, why);
        if (ended.equals(turn)) {
            turn = null;
        }
    }

    /** Makes a state that no activity brings about known to everybody. */
    private void report(Status now, Reason why) {
        calls.brief("Report " + now.code()).report(show(now, why));
    }

    /** Takes a state and shows it in Temporal; whoever brings it about reports it to the control plane. */
    private Transition show(Status now, @Nullable Reason why) {
        status = now;
        reason = why;
        transitions++;
        boolean lasting = now != Status.RESUMING && (now != Status.PROVISIONING || incarnation > 1);
        if (lasting) {
            Workflow.upsertTypedSearchAttributes(
                    SearchAttributes.STATUS.valueSet(status.code()),
                    SearchAttributes.INCARNATION.valueSet((long) incarnation),
                    box == null ? SearchAttributes.METRO.valueUnset() : SearchAttributes.METRO.valueSet(box.metro()),
                    box == null
                            ? SearchAttributes.PROVIDER.valueUnset()
                            : SearchAttributes.PROVIDER.valueSet(box.provider()));
        }
        describe();
        return new Transition(session, transitions, status, reason, incarnation, box, null);
    }

    private void describe() {
        StringBuilder text = new StringBuilder("**").append(status.code()).append("**");
        if (reason != null) {
            text.append(": ")
                    .append(reason.message())
                    .append(" (`")
                    .append(reason.code())
                    .append("`)");
        }
        text.append("\n\n- incarnation ").append(incarnation);
        if (box != null) {
            text.append("\n- VM `")
                    .append(box.name())
                    .append("` in metro `")
                    .append(box.metro())
                    .append('`');
        }
        if (turn != null) {
            text.append("\n- turn `").append(turn).append('`');
        }
        text.append("\n- ").append(waiting.size()).append(" turns waiting");
        text.append("\n- ends at the latest ").append(createdAt.plus(timeouts.lifetime()));
        Workflow.setCurrentDetails(text.toString());
    }

    private void endWhenLifetimeIsOver() {
        Duration rest = Duration.between(Alarm.now(), createdAt.plus(timeouts.lifetime()));
        Promise<Void> over = Workflow.newTimer(
                rest.isNegative() ? Duration.ZERO : rest,
                TimerOptions.newBuilder().setSummary("Lifetime").build());
        over.thenApply(ignored -> {
            end(Status.TERMINATED, new Reason("lifetime_over", "It lived for " + words(timeouts.lifetime()) + "."));
            return null;
        });
    }

    private void end(Status how, Reason why) {
        if (ending == null) {
            ending = new Ending(how, why);
            if (living != null) {
                living.cancel(why.code());
            }
        }
    }

    private void endBecause(Status how, String code, String message) {
        if (ending == null) {
            ending = new Ending(how, new Reason(code, message));
        }
    }

    private static void throwIfCancelled(ActivityFailure failure) {
        if (failure.getCause() instanceof CanceledFailure) {
            throw failure;
        }
    }

    private static String words(Duration duration) {
        return duration.toString().substring("PT".length()).toLowerCase(Locale.ROOT);
    }

    private SessionState snapshot() {
        return new SessionState(
                session,
                tenant,
                installation,
                timeouts,
                createdAt,
                status,
                reason,
                incarnation,
                box,
                frozen,
                transitions,
                List.copyOf(waiting),
                List.copyOf(accepted),
                quietSince);
    }

    @Override
    public SessionStatus submitTurn(TurnId submitted) {
        if (accepted.add(submitted)) {
            waiting.add(submitted);
            if (accepted.size() > REMEMBERED_TURNS) {
                accepted.remove(accepted.iterator().next());
            }
        }
        return status();
    }

    @Override
    public void validateSubmitTurn(TurnId submitted) {
        if (accepted.contains(submitted)) {
            return;
        }
        if (ending != null || status.ending()) {
            throw new IllegalStateException("The session is ending.");
        }
        if (waiting.size() >= MOST_WAITING) {
            throw new IllegalStateException("Too many turns wait: at most " + MOST_WAITING + ".");
        }
    }

    @Override
    public SessionStatus cancelTurn() {
        if (turn != null) {
            cancelled.add(turn);
        } else if (!waiting.isEmpty()) {
            cancelled.add(waiting.getFirst());
        }
        return status();
    }

    @Override
    public SessionStatus suspend() {
        suspendAsked = awake;
        return status();
    }

    @Override
    public SessionStatus resume() {
        resumeAsked = !awake;
        return status();
    }

    @Override
    public SessionStatus terminate(Reason why) {
        end(Status.TERMINATED, why);
        return status();
    }

    @Override
    public void sandboxLost(SandboxLost lost) {
        boolean isOurs = box != null && box.name().equals(lost.vm());
        if (isOurs && lost.how() != null) {
            lastLoss = lost.how();
        }
        lostIncarnation = Math.max(lostIncarnation, isOurs ? incarnation : lost.incarnation());
    }

    @Override
    public SessionStatus status() {
        Instant suspendsAt = status == Status.IDLE && quietSince != null ? quietSince.plus(timeouts.idle()) : null;
        return new SessionStatus(
                status,
                reason,
                incarnation,
                box,
                turn,
                waiting.size(),
                suspendsAt,
                createdAt.plus(timeouts.lifetime()));
    }
}
