package dev.skerry.controlplane.broker;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.credential.Credential;
import dev.skerry.controlplane.credential.Rule;
import dev.skerry.controlplane.credential.Vault;
import dev.skerry.controlplane.problem.Refusal;
import dev.skerry.controlplane.problem.RefusedException;
import java.util.List;
import java.util.Optional;
import okhttp3.HttpUrl;
import org.springframework.stereotype.Component;

/** Decides whether a request may be made, and with what: denied unless a rule allows it. */
@Component
class Policy {
    private final Vault vault;
    private final List<Rule> operatorRules;

    Policy(Vault vault, ControlPlaneSettings settings) {
        this.vault = vault;
        this.operatorRules = settings.http().allow().stream().map(Rule::of).toList();
    }

    /** The credential to use, empty for none; throws {@link RefusedException} when no rule allows the request. */
    Optional<Credential> permit(String tenant, Outgoing outgoing) {
        if (outgoing.credential() == null) {
            demand(operatorRules, outgoing, "without a credential");
            return Optional.empty();
        }
        String name = outgoing.credential();
        List<Rule> rules = vault.rules(tenant, name).orElseThrow(() -> unknown(name));
        demand(rules, outgoing, "with the credential " + name);
        return Optional.of(vault.open(tenant, name).orElseThrow(() -> unknown(name)));
    }

    private static void demand(List<Rule> rules, Outgoing outgoing, String with) {
        if (rules.stream().noneMatch(rule -> rule.allows(outgoing.method(), outgoing.url()))) {
            throw new RefusedException(new Refusal.Denied("No rule allows " + outgoing.method() + " "
                    + origin(outgoing.url()) + outgoing.url().encodedPath() + " " + with + "."
                    + (rules.isEmpty()
                            ? ""
                            : " Allowed is: "
                                    + String.join(
                                            "; ",
                                            rules.stream().map(Rule::toString).toList()) + ".")));
        }
    }

    private static String origin(HttpUrl url) {
        return url.scheme() + "://" + url.host()
                + (url.port() == HttpUrl.defaultPort(url.scheme()) ? "" : ":" + url.port());
    }

    private static RefusedException unknown(String name) {
        return new RefusedException(new Refusal.Denied("There is no credential " + name + "."));
    }
}
