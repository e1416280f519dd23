package dev.skerry.session;

import dev.skerry.session.ModelFaults.Verb;
import io.temporal.failure.ApplicationFailure;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A provider in memory that counts the live sandboxes of each session. */
final class ModelCloud implements SandboxActivities {
    final List<SessionId> created = new CopyOnWriteArrayList<>();

    private final Map<SandboxName, Vm> machines = new ConcurrentHashMap<>();
    private final ModelFaults faults;
    private final ModelRecord record;

    record Vm(SessionId session, Sighting state) {}

    ModelCloud(ModelFaults faults, ModelRecord record) {
        this.faults = faults;
        this.record = record;
    }

    List<Vm> of(SessionId session) {
        return machines.values().stream()
                .filter(vm -> vm.session().equals(session))
                .toList();
    }

    boolean runs(SandboxName name) {
        Vm vm = machines.get(name);
        return vm != null && vm.state() == Sighting.RUNNING;
    }

    /** As a kernel panic would. */
    void kill(SandboxName name) {
        machines.remove(name);
    }

    @Override
    public Provisioned provision(Transition provisioning) {
        SessionId session = provisioning.session();
        record.project(provisioning);
        record.boots(session, provisioning.incarnation());
        ModelFaults.takeTime(session, Verb.PROVISION, provisioning.incarnation());
        faults.perform(session, Verb.PROVISION, () -> run(session, provisioning));
        record.project(provisioning.then(Status.HARDENING));
        return Provisioned.cold("the model has no templates");
    }

    private synchronized void run(SessionId session, Transition coming) {
        machines.put(coming.vm().name(), new Vm(session, Sighting.RUNNING));
        created.add(session);
        long alive = of(session).stream()
                .filter(vm -> vm.state() == Sighting.RUNNING)
                .count();
        record.demand(alive == 1, session, alive + " live sandboxes at once");
    }

    @Override
    public void suspend(Transition suspended) {
        SessionId session = suspended.session();
        ModelFaults.takeTime(session, Verb.SUSPEND, suspended.incarnation());
        faults.perform(session, Verb.SUSPEND, () -> become(suspended, Sighting.FROZEN));
        record.project(suspended);
    }

    private synchronized void become(Transition transition, Sighting state) {
        Vm before =
                machines.computeIfPresent(transition.vm().name(), (name, vm) -> new Vm(transition.session(), state));
        if (before == null) {
            throw ApplicationFailure.newNonRetryableFailure("no such VM", FailureTypes.PROVIDER_REJECTED);
        }
    }

    @Override
    public void resume(Transition resuming, int frozen) {
        SessionId session = resuming.session();
        record.project(resuming);
        record.revoke(session, frozen);
        record.boots(session, resuming.incarnation());
        ModelFaults.takeTime(session, Verb.RESUME, resuming.incarnation());
        faults.perform(session, Verb.RESUME, () -> become(resuming, Sighting.RUNNING));
    }

    @Override
    public void destroy(Box box) {
        Vm vm = machines.get(box.name());
        if (vm != null) {
            ModelFaults.takeTime(vm.session(), Verb.DESTROY, 0);
            faults.perform(vm.session(), Verb.DESTROY, () -> machines.remove(box.name()));
        }
    }

    @Override
    public Sighting inspect(Box box) {
        Vm vm = machines.get(box.name());
        return vm == null ? Sighting.GONE : vm.state();
    }
}
