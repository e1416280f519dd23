package dev.skerry.controlplane.operator;

import dev.skerry.controlplane.audit.AuditTrail;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.store.KillSwitches;
import dev.skerry.store.KillSwitches.Engaged;
import dev.skerry.store.KillSwitches.Scope;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Stops a session, a tenant or everything, at once on every replica, and lets them go on. */
@RestController
class KillSwitchController {
    private static final String EVERYTHING = "all";
    private static final String STORED_EVERYTHING = "*";
    private static final int LONGEST_REASON = 500;

    private final KillSwitches switches;
    private final AuditTrail audit;
    private final TransactionTemplate transactions;

    KillSwitchController(KillSwitches switches, AuditTrail audit, TransactionTemplate transactions) {
        this.switches = switches;
        this.audit = audit;
        this.transactions = transactions;
    }

    record Why(@Nullable String reason) {}

    record Listing(List<Engaged> data) {}

    @GetMapping("/internal/v1/operator/kill-switches")
    Listing list() {
        return new Listing(switches.list());
    }

    @PutMapping("/internal/v1/operator/kill-switches/{scope}/{target}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void engage(@PathVariable String scope, @PathVariable String target, @RequestBody Why why) {
        String reason = why.reason();
        if (reason == null || reason.isBlank() || reason.length() > LONGEST_REASON) {
            throw RefusedException.invalid("reason must say why, in " + LONGEST_REASON + " characters at most.");
        }
        Scope of = scope(scope);
        if (!switches.known(of, target)) {
            throw new RefusedException(new Refusal.NotFound("There is no " + scope + " " + target + "."));
        }
        transactions.executeWithoutResult(ignored -> {
            switches.engage(of, target(of, target), reason);
            record(of, target, "kill_switch.engaged");
        });
    }

    @DeleteMapping("/internal/v1/operator/kill-switches/{scope}/{target}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void release(@PathVariable String scope, @PathVariable String target) {
        Scope of = scope(scope);
        transactions.executeWithoutResult(ignored -> {
            if (!switches.release(of, target(of, target))) {
                throw new RefusedException(new Refusal.NotFound("This kill switch is not engaged."));
            }
            record(of, target, "kill_switch.released");
        });
    }

    private void record(Scope scope, String target, String kind) {
        Map<String, Object> data = Map.of("scope", scope, "target", target);
        switch (scope) {
            case PLATFORM -> audit.platform(kind, data);
            case TENANT -> audit.tenant(target, kind, data);
            case SESSION -> audit.session(target, kind, data);
        }
    }

    private static Scope scope(String name) {
        return switch (name) {
            case "platform" -> Scope.PLATFORM;
            case "tenant" -> Scope.TENANT;
            case "session" -> Scope.SESSION;
            default -> throw new RefusedException(new Refusal.NotFound("A scope is platform, tenant or session."));
        };
    }

    private static String target(Scope scope, String target) {
        if (scope == Scope.PLATFORM && !target.equals(EVERYTHING)) {
            throw new RefusedException(new Refusal.NotFound("The target of the platform's kill switch is 'all'."));
        }
        return scope == Scope.PLATFORM ? STORED_EVERYTHING : target;
    }
}
