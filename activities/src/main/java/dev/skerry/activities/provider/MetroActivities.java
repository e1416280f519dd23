package dev.skerry.activities.provider;

import dev.skerry.activities.control.ControlPlane;
import dev.skerry.activities.provider.ProviderException.BootFailed;
import dev.skerry.activities.provider.ProviderException.Full;
import dev.skerry.activities.provider.ProviderException.Rejected;
import dev.skerry.activities.provider.ProviderException.Throttled;
import dev.skerry.activities.provider.ProviderException.Unknown;
import dev.skerry.session.Box;
import dev.skerry.session.FailureTypes;
import dev.skerry.session.Provisioned;
import dev.skerry.session.SandboxActivities;
import dev.skerry.session.Status;
import dev.skerry.session.Transition;
import io.temporal.activity.Activity;
import io.temporal.failure.ApplicationFailure;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** A session's provider calls in one metro. */
public final class MetroActivities implements SandboxActivities {
    private static final int ATTEMPTS_BEFORE_ANOTHER_METRO = 5;
    private static final Duration BOOT = Duration.ofSeconds(60);
    private static final Duration WAKE = Duration.ofSeconds(20);
    private static final Duration HELLO_SLICE = Duration.ofSeconds(1);
    private static final Duration FLUSH = Duration.ofSeconds(15);
    private static final Duration FLUSH_SLICE = Duration.ofSeconds(5);

    private final Metro metro;
    private final ControlPlane controlPlane;
    private final String installation;
    private final Clock clock;

    public MetroActivities(Metro metro, ControlPlane controlPlane, String installation, Clock clock) {
        this.metro = metro;
        this.controlPlane = controlPlane;
        this.installation = installation;
        this.clock = clock;
    }

    @Override
    public Provisioned provision(Transition provisioning) {
        Instant began = clock.instant();
        controlPlane.report(provisioning);
        ControlPlane.Boot boot = controlPlane.openBoot(provisioning.session(), provisioning.incarnation());
        SandboxProvider.Spec spec = new SandboxProvider.Spec(
                provisioning.vm().name(),
                Map.of(
                        "SESSION_TOKEN", boot.bootToken(),
                        "CONTROL_PLANE_URL", boot.controlPlaneUrl(),
                        "SESSION_ID", provisioning.session().value()),
                List.of(
                        "skerry",
                        "installation=" + installation,
                        "session=" + provisioning.session(),
                        "incarnation=" + provisioning.incarnation()));
        Provisioned made = boot(provisioning, spec, boot.bootToken());
        controlPlane.report(provisioning.then(Status.HARDENING).took(since(began)), made);
        try {
            awaitHello(provisioning, BOOT);
        } catch (ApplicationFailure failure) {
            if (made.start() == Provisioned.Start.WARM && failure.getType().equals(FailureTypes.NO_HELLO)) {
                metro.provider().saidNoHello(provisioning.vm().name());
            }
            throw failure;
        }
        return made;
    }

    /** What a sandbox said last before it failed to boot goes into its session's log, without its token. */
    private Provisioned boot(Transition provisioning, SandboxProvider.Spec spec, String token) {
        Provisioned[] made = new Provisioned[1];
        call(() -> {
            try {
                made[0] = metro.provider().create(spec, MetroActivities::alive);
            } catch (BootFailed failed) {
                if (!failed.lastWords().isEmpty()) {
                    controlPlane.console(
                            provisioning.session(),
                            provisioning.incarnation(),
                            failed.lastWords().replace(token, "[token]"));
                }
                throw failed;
            }
        });
        return made[0];
    }

    @Override
    public void suspend(Transition suspended) {
        Instant began = clock.instant();
        flush(suspended);
        controlPlane.freeze(suspended.session(), suspended.incarnation());
        call(() -> metro.provider().suspend(suspended.vm().name(), MetroActivities::alive));
        controlPlane.report(suspended.took(since(began)));
    }

    /** A sandbox that does not answer is frozen all the same: what it stored before is what it resumes from. */
    private void flush(Transition suspended) {
        Instant deadline = clock.instant().plus(FLUSH);
        boolean flushed = false;
        while (!flushed && clock.instant().isBefore(deadline)) {
            alive();
            flushed = controlPlane.flush(suspended.session(), suspended.incarnation(), FLUSH_SLICE);
        }
    }

    @Override
    public void resume(Transition resuming, int frozen) {
        controlPlane.report(resuming);
        controlPlane.openResume(resuming.session(), resuming.incarnation(), frozen);
        call(() -> metro.provider().resume(resuming.vm().name(), MetroActivities::alive));
        awaitHello(resuming, WAKE);
    }

    private void awaitHello(Transition coming, Duration patience) {
        Instant deadline = clock.instant().plus(patience);
        do {
            alive();
            if (controlPlane.awaitHello(coming.session(), coming.incarnation(), HELLO_SLICE)) {
                return;
            }
        } while (clock.instant().isBefore(deadline));
        throw ApplicationFailure.newNonRetryableFailure(
                "The sandbox said no hello within " + patience.toSeconds() + " s.", FailureTypes.NO_HELLO);
    }

    private long since(Instant began) {
        return Duration.between(began, clock.instant()).toMillis();
    }

    @Override
    public void destroy(Box box) {
        call(() -> metro.provider().destroy(box.name(), MetroActivities::alive));
    }

    @Override
    public Sighting inspect(Box box) {
        Sighting[] sighting = new Sighting[1];
        call(() -> sighting[0] = metro.provider().inspect(box.name()));
        return sighting[0];
    }

    private static void alive() {
        Activity.getExecutionContext().heartbeat(null);
    }

    private interface ProviderCall {
        void run() throws ProviderException;
    }

    private void call(ProviderCall call) {
        try {
            call.run();
            metro.succeeded();
        } catch (ProviderException failure) {
            throw translate(failure);
        }
    }

    /** Whether a type is worth another attempt is for the workflow to say, which never gives up on destroying. */
    private RuntimeException translate(ProviderException failure) {
        return switch (failure) {
            case Rejected rejected ->
                ApplicationFailure.newFailure(rejected.getMessage(), FailureTypes.PROVIDER_REJECTED);
            case BootFailed failed -> unknown(failed);
            case Full full -> ApplicationFailure.newFailure(full.getMessage(), FailureTypes.METRO_UNAVAILABLE);
            case Throttled throttled ->
                ApplicationFailure.newBuilder()
                        .setMessage(throttled.getMessage())
                        .setType("throttled")
                        .setNextRetryDelay(throttled.retryAfter())
                        .build();
            case Unknown unknown -> unknown(unknown);
        };
    }

    private RuntimeException unknown(ProviderException failure) {
        metro.failed();
        return tooOften()
                ? ApplicationFailure.newNonRetryableFailure(failure.getMessage(), FailureTypes.METRO_UNAVAILABLE)
                : ApplicationFailure.newFailure(failure.getMessage(), "provider_unknown");
    }

    private static boolean tooOften() {
        var info = Activity.getExecutionContext().getInfo();
        return info.getActivityType().equals("Provision") && info.getAttempt() >= ATTEMPTS_BEFORE_ANOTHER_METRO;
    }
}
