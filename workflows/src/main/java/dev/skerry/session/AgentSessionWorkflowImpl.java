package dev.skerry.session;

import dev.skerry.session.ControlActivities.MetroView;
import dev.skerry.session.Placement.Choice;
import dev.skerry.session.SandboxActivities.Sighting;
import io.temporal.api.enums.v1.TimeoutType;
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
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One loop: wait for something to do, do it, until the end was asked for; then take everything down. */
public final class AgentSessionWorkflowImpl implements AgentSessionWorkflow {
    private static final int MOST_BOOTS_IN_A_ROW = 3;
    private static final int MOST_SUPERSEDED_IN_A_ROW = 1_000;
    private static final Duration CANCEL_GRACE = Duration.ofSeconds(10);
    private static final Duration ROOM_IS_AWAITED = Duration.ofMinutes(10);
    private static final Duration ASK_FOR_ROOM_AFTER = Duration.ofSeconds(5);
    private static final Duration ASK_FOR_ROOM_AT_LEAST_EVERY = Duration.ofMinutes(1);
    private static final String BUDGET_REACHED = "budget_reached";
    private static final String SANDBOX_SILENT = "sandbox_silent";
    private static final Reason OPERATOR = new Reason("cancelled_by_operator", "Cancelled in Temporal.");
    private static final Reason DELETED = new Reason(DELETED_BY_OWNER, "Deleted by its owner.");

    private final SessionId session;
    private final String tenant;
    private final String installation;
    private final Timeouts timeouts;
    private final Instant createdAt;
    private final @Nullable Integer turnsPerRun;
    private final int mostReplacements;
    private final Calls calls;
    private final Alarm alarm = new Alarm();
    private final TurnQueue queue;
    private final Standing standing;
    private final Set<Box> leftBehind;

    private int incarnation;
    private @Nullable Box box;
    private boolean frozen;
    private boolean awake;
    private boolean born;
    private @Nullable Instant quietSince;
    private @Nullable TurnId turn;
    private int turnsInThisRun;
    private boolean suspendAsked;
    private boolean resumeAsked;
    private boolean budgetReached;
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
        turnsPerRun = state.turnsPerRun();
        mostReplacements = Objects.requireNonNullElse(state.mostReplacements(), SessionState.USUAL_REPLACEMENTS);
        calls = new Calls(tenant);
        queue = new TurnQueue(state);
        standing = new Standing(state);
        incarnation = state.incarnation();
        box = state.box();
        frozen = state.frozen();
        awake = box != null && !frozen;
        born = state.born();
        quietSince = state.quietSince();
        suspendAsked = state.suspendAsked();
        resumeAsked = state.resumeAsked();
        budgetReached = Boolean.TRUE.equals(state.budgetReached());
        lostIncarnation = state.lostIncarnation();
        leftBehind = new LinkedHashSet<>(Objects.requireNonNullElse(state.leftBehind(), List.of()));
    }

    @Override
    public void run(SessionState state) {
        describe();
        Workflow.newDetachedCancellationScope(this::endWhenLifetimeIsOver).run();
        List.copyOf(leftBehind).forEach(this::destroyBeside);
        living = Workflow.newCancellationScope(this::live);
        try {
            living.run();
        } catch (CanceledFailure e) {
            cancelled();
        } catch (ActivityFailure e) {
            if (e.getCause() instanceof CanceledFailure) {
                cancelled();
            } else {
                endBecause(endingAfter(e));
            }
        }
        Ending end = ending;
        if (end == null) {
            Workflow.continueAsNew(snapshot());
        } else {
            Workflow.newDetachedCancellationScope(() -> {
                        takeDown(end);
                        Workflow.await(Workflow::isEveryHandlerFinished);
                    })
                    .run();
        }
    }

    /** Returns when the end was asked for, or when it is time to continue as new and nobody is in the middle of anything. */
    private void live() {
        if (incarnation == 0) {
            boot(null);
        }
        while (ending == null) {
            if (!queue.isEmpty()) {
                work(queue.next());
            } else if (awake) {
                idle();
            } else {
                rest();
            }
            if (ending == null && runIsLongEnough()) {
                Workflow.await(() -> ending != null || Workflow.isEveryHandlerFinished());
                return;
            }
        }
    }

    private boolean runIsLongEnough() {
        return Workflow.getInfo().isContinueAsNewSuggested() || (turnsPerRun != null && turnsInThisRun >= turnsPerRun);
    }

    /**
     * Waits for the condition until the deadline, if there is one; answers whether it came true in time, or this run is long enough: a
     * server takes so many updates of one run and then no more, also when none of them gave it anything to do.
     */
    private boolean awaitHere(@Nullable Instant deadline, String summary, Supplier<Boolean> condition) {
        boolean awoken = awaitAtMost(deadline, summary, () -> condition.get() || runIsLongEnough());
        if (!awoken || condition.get() || isNew("waits-end-with-the-run")) {
            return awoken;
        }
        return awaitAtMost(deadline, summary, condition);
    }

    private boolean awaitAtMost(@Nullable Instant deadline, String summary, Supplier<Boolean> condition) {
        if (deadline == null) {
            Workflow.await(condition);
            return true;
        }
        return alarm.await(deadline, summary, condition);
    }

    /** Whether this run does what runs of older versions did not do. */
    private static boolean isNew(String change) {
        return Workflow.getVersion(change, Workflow.DEFAULT_VERSION, 1) >= 1;
    }

    private void cancelled() {
        String asked = CancellationScope.current().getCancellationReason();
        endBecause(new Ending(Status.TERMINATED, DELETED_BY_OWNER.equals(asked) ? DELETED : OPERATOR));
    }

    private static Ending endingAfter(ActivityFailure failure) {
        Reason why = obstacle(failure);
        boolean overAlready = why.code().equals(FailureTypes.SESSION_ENDED);
        return new Ending(overAlready ? Status.TERMINATED : Status.FAILED, why);
    }

    private void work(TurnId next) {
        turn = next;
        turnsInThisRun++;
        describe();
        int lost = 0;
        while (ending == null && turn != null) {
            if (queue.takeCancel(turn)) {
                over(turn, TurnStatus.CANCELLED, new Reason("cancelled", "Cancelled while no sandbox worked on it."));
            } else if (!awake) {
                ready();
            } else {
                Optional<String> loss = attempt(turn);
                if (loss.isEmpty()) {
                    turn = null;
                } else if (++lost > mostReplacements) {
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
        Workflow.await(() -> outcome.isCompleted() || queue.cancelAsked(current) || sandboxIsLost());
        boolean cancels = !outcome.isCompleted() && queue.takeCancel(current);
        if (cancels) {
            calls.brief("Cancel " + current).cancelTurn(session, current);
            boolean obeyed = Workflow.await(CANCEL_GRACE, outcome::isCompleted);
            if (!obeyed) {
                scope.cancel();
                cancelWithoutSandbox(current);
                return Optional.empty();
            }
        }
        if (!outcome.isCompleted()) {
            scope.cancel();
            return Optional.of(Reason.SANDBOX_DIED);
        }
        try {
            budgetReached = BUDGET_REACHED.equals(outcome.get().reason());
            return Optional.empty();
        } catch (ActivityFailure e) {
            Optional<String> loss = loss(e);
            if (loss.isPresent() && cancels && isNew("cancels-what-is-lost")) {
                cancelWithoutSandbox(current);
                return Optional.empty();
            }
            if (tookTooLong(e) && isNew("ends-the-longest-turn")) {
                discard();
                over(current, TurnStatus.FAILED, new Reason("turn_too_long", "It took longer than a turn may."));
                return Optional.empty();
            }
            return loss;
        }
    }

    private void cancelWithoutSandbox(TurnId cancelled) {
        discard();
        over(
                cancelled,
                TurnStatus.CANCELLED,
                new Reason("cancelled", "Cancelled; its sandbox did not obey and was destroyed."));
    }

    private static boolean tookTooLong(ActivityFailure failure) {
        return failure.getCause() instanceof TimeoutFailure late
                && late.getTimeoutType() == TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE;
    }

    /** Why there was no outcome; nothing when nobody knows the turn. */
    private static Optional<String> loss(ActivityFailure failure) {
        throwIfCancelled(failure);
        if (failure.getCause() instanceof TimeoutFailure) {
            return Optional.of(SANDBOX_SILENT);
        }
        Reason obstacle = obstacle(failure);
        return switch (obstacle.code()) {
            case FailureTypes.NOT_FOUND -> Optional.empty();
            case FailureTypes.SESSION_ENDED -> throw failure;
            default -> Optional.of(SANDBOX_SILENT.equals(obstacle.message()) ? SANDBOX_SILENT : "sandbox_lost");
        };
    }

    private boolean sandboxIsLost() {
        return lostIncarnation == incarnation;
    }

    private void replace(String why) {
        discard();
        boot(new Reason(why, "The sandbox " + lastLoss + "; the turn goes on in a new one."));
    }

    private void idle() {
        resumeAsked = false;
        if (standing.status() != Status.IDLE) {
            show(Status.IDLE, null);
        }
        if (quietSince == null) {
            quietSince = Alarm.now();
        }
        describe();
        Instant deadline = quietSince.plus(timeouts.idle());
        boolean called = awaitHere(
                deadline, "Idle timeout", () -> !queue.isEmpty() || suspendAsked || ending != null || sandboxIsLost());
        boolean suspendsLater = suspendAsked && !queue.isEmpty() && isNew("suspends-after-a-message");
        if (sandboxIsLost()) {
            discard();
            report(
                    Status.SUSPENDED,
                    new Reason(
                            Reason.SANDBOX_DIED, "The sandbox " + lastLoss + "; the next message starts a new one."));
        } else if (!called) {
            suspend(new Reason("idle_timeout", "No message for " + words(timeouts.idle()) + "."));
        } else if (suspendAsked && queue.isEmpty() && ending == null) {
            suspend(new Reason("asked", "Suspended on request."));
        }
        suspendAsked = suspendsLater;
    }

    private void suspend(Reason why) {
        awake = false;
        frozen = true;
        resumeAsked = false;
        Transition suspended = show(Status.SUSPENDED, why);
        try {
            Box vm = suspended.vm();
            calls.managing(vm.metro(), "Store files, suspend " + vm.name()).suspend(suspended);
        } catch (ActivityFailure e) {
            throwIfCancelled(e);
            throwIfOver(e);
            discard();
            report(Status.SUSPENDED, why);
        }
        quietSince = Alarm.now();
    }

    private void rest() {
        suspendAsked = false;
        if (standing.status() != Status.SUSPENDED) {
            report(
                    Status.SUSPENDED,
                    new Reason("sandbox_lost", "The sandbox is gone; the next message starts a new one."));
        }
        if (quietSince == null) {
            quietSince = Alarm.now();
        }
        describe();
        boolean called = awaitHere(
                box == null ? null : quietSince.plus(timeouts.suspended()), "Suspended for long enough", this::called);
        if (!called) {
            discard();
            report(
                    Status.SUSPENDED,
                    new Reason(
                            "suspended_ttl",
                            "Suspended for " + words(timeouts.suspended()) + "; its VM was destroyed."));
            if (resumeAsked && isNew("resumes-after-the-vm-is-gone")) {
                return;
            }
        } else if (ending == null && resumeAsked && queue.isEmpty()) {
            ready();
            quietSince = Alarm.now();
        }
        resumeAsked = false;
    }

    private boolean called() {
        return !queue.isEmpty() || resumeAsked || ending != null;
    }

    /** Wakes the frozen VM, or boots a new one. */
    private void ready() {
        if (box == null || !frozen) {
            boot(new Reason("cold_resume", "Its VM is gone; a new one takes over."));
        } else if (!wake()) {
            boot(new Reason("resume_failed", "The suspended VM did not wake; a new one takes over."));
        }
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
            throwIfOver(e);
            discard();
            return false;
        }
        frozen = false;
        awake = true;
        return true;
    }

    /** Boots the next incarnation, in another metro or once more where that can help, or finds that none can be booted. */
    private void boot(@Nullable Reason why) {
        Instant patience = Alarm.now().plus(ROOM_IS_AWAITED);
        Duration pause = ASK_FOR_ROOM_AFTER;
        Set<String> tried = new HashSet<>();
        Set<String> rejecting = new HashSet<>();
        Reason cause = why;
        int boots = 0;
        int superseded = 0;
        while (isWanted() && boots < MOST_BOOTS_IN_A_ROW && superseded < MOST_SUPERSEDED_IN_A_ROW) {
            List<MetroView> metros = calls.brief("Look at the metros").metros();
            Optional<Choice> choice =
                    Placement.choose(metros, tried, session.value().hashCode() + incarnation);
            if (choice.isEmpty()) {
                boolean hopeless = metros.stream().map(MetroView::code).allMatch(rejecting::contains);
                if (hopeless || Alarm.now().isAfter(patience)) {
                    cannotBoot(hopeless && cause != null ? cause : noCapacity(cause));
                    return;
                }
                awaitRoom(pause, cause);
                pause = shorter(pause.multipliedBy(2), ASK_FOR_ROOM_AT_LEAST_EVERY);
                tried.retainAll(rejecting);
                continue;
            }
            incarnation++;
            MetroView metro = choice.get().metro();
            box = new Box(SandboxName.of(installation, session, incarnation), metro.code(), metro.provider());
            Optional<Reason> obstacle = start(cause, choice.get().why());
            if (obstacle.isEmpty()) {
                return;
            }
            cause = obstacle.get();
            discard();
            switch (cause.code()) {
                case FailureTypes.METRO_UNAVAILABLE -> tried.add(metro.code());
                case FailureTypes.SUPERSEDED -> superseded++;
                case FailureTypes.PROBE_FAILED -> endBecause(new Ending(Status.FAILED, cause));
                case FailureTypes.PROVIDER_REJECTED -> {
                    tried.add(metro.code());
                    rejecting.add(metro.code());
                }
                default -> boots++;
            }
        }
        if (isWanted()) {
            String last = cause == null ? "" : " The last one: " + cause.message();
            cannotBoot(new Reason("boot_failed", "No sandbox came up in " + boots + " attempts." + last));
        }
    }

    /** Whether a sandbox is still of use: not when the session ends, nor when the turn that it is for was cancelled. */
    private boolean isWanted() {
        return ending == null && !(turnIsCancelled() && isNew("cancels-while-booting"));
    }

    private boolean turnIsCancelled() {
        return turn != null && queue.cancelAsked(turn);
    }

    private void awaitRoom(Duration pause, @Nullable Reason cause) {
        Reason waits = noCapacity(cause);
        if (!waits.equals(standing.reason())) {
            report(Status.PROVISIONING, waits);
        }
        Instant deadline = Alarm.now().plus(pause);
        Alarm next = new Alarm();
        next.await(deadline, "Wait for room", () -> ending != null || turnIsCancelled());
        if (isWanted()) {
            next.await(deadline, "Wait for room", () -> ending != null);
        }
        next.disarm();
    }

    private static Reason noCapacity(@Nullable Reason cause) {
        return new Reason("no_capacity", cause == null ? "No metro has room." : cause.message());
    }

    /** A session without a past fails; one with a past loses the turn and stays resumable. */
    private void cannotBoot(Reason why) {
        if (!born) {
            endBecause(new Ending(Status.FAILED, why));
            return;
        }
        if (turn != null) {
            over(turn, TurnStatus.FAILED, why);
        }
        report(Status.SUSPENDED, why);
    }

    /** Creates the VM and waits for its hello; answers what was in the way. */
    private Optional<Reason> start(@Nullable Reason cause, String choice) {
        Transition provisioning = show(Status.PROVISIONING, cause);
        standing.passes(provisioning.then(Status.HARDENING));
        try {
            Box vm = provisioning.vm();
            calls.provisioning(vm.metro(), "Create " + vm.name() + " (" + choice + ")")
                    .provision(provisioning);
        } catch (ActivityFailure e) {
            throwIfCancelled(e);
            throwIfOver(e);
            return Optional.of(obstacle(e));
        }
        if (lostIncarnation == incarnation && livesAfterAll(provisioning.vm())) {
            lostIncarnation = 0;
        }
        frozen = false;
        awake = true;
        born = true;
        return Optional.empty();
    }

    /** News of its loss that came before word of its hello may be older than that or newer: its provider knows. */
    private boolean livesAfterAll(Box vm) {
        return switch (Workflow.getVersion("believes-the-hello", Workflow.DEFAULT_VERSION, 2)) {
            case Workflow.DEFAULT_VERSION -> false;
            case 1 -> true;
            default -> runs(vm);
        };
    }

    /** Where its provider does not say, it is believed to. */
    private boolean runs(Box vm) {
        try {
            return calls.abandoning(vm.metro(), "Look for " + vm.name()).inspect(vm) == Sighting.RUNNING;
        } catch (ActivityFailure e) {
            throwIfCancelled(e);
            return true;
        }
    }

    private static Reason obstacle(ActivityFailure failure) {
        if (failure.getCause() instanceof ApplicationFailure told) {
            return new Reason(told.getType(), told.getOriginalMessage());
        }
        if (failure.getCause() instanceof TimeoutFailure late
                && late.getTimeoutType() == TimeoutType.TIMEOUT_TYPE_SCHEDULE_TO_START) {
            return new Reason(FailureTypes.METRO_UNAVAILABLE, "No worker serves the metro.");
        }
        return new Reason(FailureTypes.NO_HELLO, "The sandbox did not come up in time.");
    }

    /** Revokes what the sandbox holds, then destroys it, whatever happens. */
    private void discard() {
        awake = false;
        frozen = false;
        if (box != null) {
            Box gone = box;
            Workflow.newDetachedCancellationScope(() -> {
                        whateverItSays(() -> calls.brief("Revoke incarnation " + incarnation)
                                .closeIncarnation(session, incarnation));
                        destroySoon(gone);
                    })
                    .run();
            box = null;
        }
    }

    private void destroySoon(Box gone) {
        try {
            calls.abandoning(gone.metro(), "Destroy " + gone.name()).destroy(gone);
        } catch (ActivityFailure e) {
            throwIfCancelled(e);
            if (isNew("destroys-beside")) {
                leftBehind.add(gone);
                destroyBeside(gone);
            }
        }
    }

    /** The session goes on meanwhile; when it continues as new, its next run tries on, and when it ends, the reaper does. */
    private void destroyBeside(Box gone) {
        Workflow.newDetachedCancellationScope(() -> Async.procedure(
                                calls.destroying(gone.metro(), "Destroy " + gone.name() + ", left behind")::destroy,
                                gone)
                        .thenApply(ignored -> leftBehind.remove(gone)))
                .run();
    }

    private void takeDown(Ending end) {
        Instant began = Alarm.now();
        boolean failed = end.status() == Status.FAILED;
        Reason why =
                failed ? end.reason() : new Reason("session_ended", end.reason().message());
        Transition terminating = show(Status.TERMINATING, end.reason());
        whateverItSays(() -> calls.brief("Revoke every token, end every turn")
                .stop(terminating, failed ? TurnStatus.FAILED : TurnStatus.CANCELLED, why));
        turn = null;
        queue.clear();
        if (box != null) {
            Box gone = box;
            whateverItSays(() ->
                    calls.destroying(gone.metro(), "Destroy " + gone.name()).destroy(gone));
            box = null;
        }
        Transition ended = show(end.status(), end.reason());
        whateverItSays(() -> calls.brief("Close the books")
                .settle(ended.took(Duration.between(began, Alarm.now()).toMillis())));
    }

    /** For what is retried until it is done: a refusal for good must not keep the next step from happening. */
    private static void whateverItSays(Runnable step) {
        try {
            step.run();
        } catch (ActivityFailure e) {
            throwIfCancelled(e);
            Workflow.getLogger(AgentSessionWorkflowImpl.class)
                    .warn("a step was refused and is left out: {}", obstacle(e).message());
        }
    }

    private void over(TurnId ended, TurnStatus how, Reason why) {
        whateverItSays(() -> calls.brief("End " + ended).endTurn(session, ended, how, why));
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
        Transition transition = standing.become(now, why, incarnation, box);
        describe();
        return transition;
    }

    private void describe() {
        standing.describe(status());
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

    private void endBecause(Ending how) {
        if (ending == null) {
            ending = how;
        }
    }

    private static void throwIfCancelled(ActivityFailure failure) {
        if (failure.getCause() instanceof CanceledFailure) {
            throw failure;
        }
    }

    private static void throwIfOver(ActivityFailure failure) {
        if (obstacle(failure).code().equals(FailureTypes.SESSION_ENDED)) {
            throw failure;
        }
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
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
                standing.status(),
                standing.reason(),
                incarnation,
                box,
                frozen,
                standing.transitions(),
                queue.waiting(),
                queue.accepted(),
                queue.cancelled(),
                quietSince,
                born,
                suspendAsked,
                resumeAsked,
                lostIncarnation,
                turnsPerRun,
                budgetReached,
                List.copyOf(leftBehind),
                mostReplacements);
    }

    @Override
    public SessionStatus submitTurn(TurnId submitted) {
        queue.accept(submitted);
        return status();
    }

    @Override
    public void validateSubmitTurn(TurnId submitted) {
        queue.validate(submitted, over());
    }

    private boolean over() {
        return ending != null || standing.status().ending();
    }

    @Override
    public SessionStatus cancelTurn() {
        if (turn != null) {
            queue.cancel(turn);
        } else {
            queue.cancelNext();
        }
        return status();
    }

    @Override
    public SessionStatus suspend() {
        suspendAsked = standing.status() != Status.SUSPENDED;
        resumeAsked = false;
        return status();
    }

    @Override
    public SessionStatus resume() {
        resumeAsked = !awake;
        suspendAsked = false;
        return status();
    }

    @Override
    public SessionStatus raiseBudget(Money cap) {
        calls.promptly("Raise the budget to " + cap).raiseBudget(session, cap);
        if (budgetReached && standing.status() == Status.SUSPENDED) {
            resumeAsked = true;
        }
        budgetReached = false;
        return status();
    }

    @Override
    public void validateRaiseBudget(@Nullable Money cap) {
        if (cap == null || cap.nanoUsd() <= 0) {
            throw ApplicationFailure.newNonRetryableFailure(
                    "Name the new cap in nano-dollars, above zero.", FailureTypes.INVALID);
        }
        if (over()) {
            throw ApplicationFailure.newNonRetryableFailure("The session is ending.", FailureTypes.SESSION_ENDED);
        }
    }

    @Override
    public SessionStatus terminate(@Nullable Reason why) {
        end(Status.TERMINATED, why == null || why.code() == null || why.message() == null ? OPERATOR : why);
        return status();
    }

    @Override
    public void sandboxLost(@Nullable SandboxLost lost) {
        if (lost == null) {
            return;
        }
        boolean isOurs = box != null && box.name().equals(lost.vm());
        if (isOurs && lost.how() != null) {
            lastLoss = lost.how();
        }
        if (isOurs || lost.incarnation() == incarnation) {
            lostIncarnation = incarnation;
        }
    }

    @Override
    public SessionStatus status() {
        return new SessionStatus(
                standing.status(),
                standing.reason(),
                incarnation,
                box,
                turn,
                queue.size(),
                standing.status() == Status.IDLE ? quietFor(timeouts.idle()) : null,
                createdAt.plus(timeouts.lifetime()),
                standing.status() == Status.SUSPENDED && box != null ? quietFor(timeouts.suspended()) : null);
    }

    private @Nullable Instant quietFor(Duration patience) {
        return quietSince == null ? null : quietSince.plus(patience);
    }
}
