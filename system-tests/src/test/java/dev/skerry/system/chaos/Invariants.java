package dev.skerry.system.chaos;

import dev.skerry.system.Installation;
import dev.skerry.system.chaos.Accepted.Message;
import io.temporal.api.enums.v1.WorkflowExecutionStatus;
import io.temporal.client.WorkflowClient;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What holds in an installation at rest, asked of the records and of everybody who knows better than they. */
final class Invariants {
    static final String LEAKED = "leaked VMs";
    static final List<String> ALL = List.of(
            LEAKED,
            Records.LOST,
            Records.CANCELLED,
            Records.FAILED,
            Records.CHARGED,
            Records.UNPAIRED,
            Records.STUCK,
            Records.FENCED,
            Records.FORGOTTEN,
            Records.GAPS);

    private static final Pattern VM = Pattern.compile("\"name\":\"(skerry-systest-[0-9a-z]{26}-\\d+)\"");

    private final Installation installation;
    private final ScriptedModel model;
    private final Records records;

    Invariants(Installation installation, ScriptedModel model) {
        this.installation = installation;
        this.model = model;
        this.records = new Records(installation::query);
    }

    /** What is not over yet; empty in an installation at rest. */
    List<String> restless() throws SQLException {
        return records.restless();
    }

    List<Violation> broken(Accepted accepted) throws Exception {
        List<Violation> broken = new ArrayList<>(records.broken());
        broken.addAll(forgotten(accepted));
        broken.addAll(records.cancelledByNobody(accepted.cancelled()));
        broken.addAll(chargesThatDisagree());
        model.objections()
                .forEach(objection -> broken.add(new Violation(Records.UNPAIRED, "the model objects: " + objection)));
        broken.addAll(workflowsThatDisagree());
        broken.addAll(vmsOfNobody());
        return broken;
    }

    /** What the API accepted, against what is recorded and was not refused: the same turns in the same order, with the same words. */
    private List<Violation> forgotten(Accepted accepted) throws SQLException {
        List<Violation> forgotten = new ArrayList<>();
        for (Map.Entry<String, List<Message>> session : accepted.bySession().entrySet()) {
            String turns = session.getValue().stream().map(Message::turn).collect(Collectors.joining(","));
            List<String> recorded = installation.query("""
                    select t.id || ' ' || (m.content->0->>'text') from turns t
                    join messages m on m.turn_id = t.id and m.role = 'user'
                    where t.session_id = '%s' and not (%s and t.id <> all ('{%s}'))
                    order by t.ordinal""".formatted(session.getKey(), Records.REFUSED, turns));
            List<String> promised = session.getValue().stream()
                    .map(message -> message.turn() + " " + message.text())
                    .toList();
            if (!recorded.equals(promised)) {
                forgotten.add(new Violation(
                        Records.LOST, session.getKey() + " accepted " + promised + " and recorded " + recorded));
            }
        }
        return forgotten;
    }

    /** The ledger, call by call, against the provider's own count: each of its calls is charged, and none of them twice. */
    private List<Violation> chargesThatDisagree() throws SQLException {
        List<Violation> disagreeing = new ArrayList<>();
        Map<String, Set<Long>> made = model.calls();
        Map<String, Integer> charged = new HashMap<>();
        Set<Long> known = new HashSet<>();
        for (String row : installation.query("""
                select (m.content->0->>'text') || '|' || coalesce(c.outcome, c.state) || '|' || c.input_tokens from model_calls c
                join messages m on m.turn_id = c.turn_id and m.role = 'user'""")) {
            String[] call = row.split("\\|", -1);
            String task = ScriptedModel.task(call[0]);
            charged.merge(task, 1, Integer::sum);
            if (call[1].equals("completed")) {
                long number = Long.parseLong(call[2]);
                if (!made.getOrDefault(task, Set.of()).contains(number)) {
                    disagreeing.add(
                            new Violation(Records.CHARGED, task + " was charged for a call that was never made"));
                }
                if (!known.add(number)) {
                    disagreeing.add(new Violation(Records.CHARGED, task + " was charged twice for call " + number));
                }
            }
        }
        made.forEach((task, calls) -> {
            if (calls.size() > charged.getOrDefault(task, 0)) {
                disagreeing.add(new Violation(
                        Records.CHARGED, task + " made " + calls.size() + " calls and paid for " + charged.get(task)));
            }
        });
        return disagreeing;
    }

    private List<Violation> workflowsThatDisagree() throws SQLException {
        List<Violation> disagreeing = new ArrayList<>();
        WorkflowClient temporal = installation.temporalClient();
        try {
            for (String row : installation.query("select id || ' ' || status from sessions")) {
                String session = row.substring(0, row.indexOf(' '));
                boolean over = row.endsWith(" terminated") || row.endsWith(" failed");
                WorkflowExecutionStatus status =
                        temporal.newUntypedWorkflowStub(session).describe().getStatus();
                boolean open = status == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING;
                boolean closed = status == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED
                        || status == WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED;
                if (over ? !closed : !open) {
                    disagreeing.add(new Violation(Records.STUCK, row + ", its workflow is " + status));
                }
            }
        } finally {
            temporal.getWorkflowServiceStubs().shutdown();
        }
        return disagreeing;
    }

    /** VMs that no open session counts as its own, and processes that belong to no VM. */
    List<Violation> vmsOfNobody() throws Exception {
        List<String> open =
                installation.query("select lower(substr(id, 5)) from sessions where ended_at is null").stream()
                        .map(tail -> "skerry-systest-" + tail + "-")
                        .toList();
        List<Violation> leaked = new ArrayList<>();
        List<String> vms = new ArrayList<>();
        Matcher vm = VM.matcher(installation.metroInstances());
        while (vm.find()) {
            vms.add(vm.group(1));
            if (open.stream().noneMatch(vm.group(1)::startsWith)) {
                leaked.add(new Violation(LEAKED, vm.group(1) + " belongs to no open session"));
            }
        }
        for (String prefix : open) {
            if (vms.stream().filter(name -> name.startsWith(prefix)).count() > 1) {
                leaked.add(new Violation(LEAKED, prefix + " has several VMs: " + vms));
            }
        }
        if (vms.isEmpty()) {
            installation
                    .sandboxProcesses()
                    .forEach(process -> leaked.add(new Violation(
                            LEAKED,
                            "process " + process.replace('\0', ' ').strip().toLowerCase(Locale.ROOT))));
        }
        return List.copyOf(leaked);
    }
}
