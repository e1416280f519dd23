package dev.skerry.activities.provider;

import dev.skerry.activities.control.ControlPlane;
import dev.skerry.activities.provider.ProviderException.Full;
import dev.skerry.activities.provider.ProviderException.Rejected;
import dev.skerry.activities.provider.ProviderException.Throttled;
import dev.skerry.activities.provider.ProviderException.Unknown;
import dev.skerry.session.Box;
import dev.skerry.session.FailureTypes;
import dev.skerry.session.SandboxActivities;
import io.temporal.activity.Activity;
import io.temporal.failure.ApplicationFailure;
import java.util.List;
import java.util.Map;

/** A session's provider calls in one metro. */
public final class MetroActivities implements SandboxActivities {
    private static final int ATTEMPTS_BEFORE_ANOTHER_METRO = 5;

    private final Metro metro;
    private final ControlPlane controlPlane;
    private final String installation;

    public MetroActivities(Metro metro, ControlPlane controlPlane, String installation) {
        this.metro = metro;
        this.controlPlane = controlPlane;
        this.installation = installation;
    }

    @Override
    public Box provision(Provision request) {
        ControlPlane.Boot boot = controlPlane.openBoot(request.session(), request.incarnation());
        SandboxProvider.Spec spec = new SandboxProvider.Spec(
                request.name(),
                Map.of(
                        "SESSION_TOKEN", boot.bootToken(),
                        "CONTROL_PLANE_URL", boot.controlPlaneUrl(),
                        "SESSION_ID", request.session().value()),
                List.of(
                        "skerry",
                        "installation=" + installation,
                        "session=" + request.session(),
                        "incarnation=" + request.incarnation()));
        call(() -> metro.provider().create(spec, MetroActivities::alive));
        return new Box(request.name(), metro.code(), metro.provider().name());
    }

    @Override
    public void suspend(Box box) {
        call(() -> metro.provider().suspend(box.name(), MetroActivities::alive));
    }

    @Override
    public void resume(Box box) {
        call(() -> metro.provider().resume(box.name(), MetroActivities::alive));
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

    private RuntimeException translate(ProviderException failure) {
        return switch (failure) {
            case Rejected rejected ->
                ApplicationFailure.newNonRetryableFailure(rejected.getMessage(), FailureTypes.PROVIDER_REJECTED);
            case Full full ->
                ApplicationFailure.newNonRetryableFailure(full.getMessage(), FailureTypes.METRO_UNAVAILABLE);
            case Throttled throttled ->
                ApplicationFailure.newBuilder()
                        .setMessage(throttled.getMessage())
                        .setType("throttled")
                        .setNextRetryDelay(throttled.retryAfter())
                        .build();
            case Unknown unknown -> {
                metro.failed();
                yield tooOften()
                        ? ApplicationFailure.newNonRetryableFailure(
                                unknown.getMessage(), FailureTypes.METRO_UNAVAILABLE)
                        : ApplicationFailure.newFailure(unknown.getMessage(), "provider_unknown");
            }
        };
    }

    private static boolean tooOften() {
        var info = Activity.getExecutionContext().getInfo();
        return info.getActivityType().equals("Provision") && info.getAttempt() >= ATTEMPTS_BEFORE_ANOTHER_METRO;
    }
}
