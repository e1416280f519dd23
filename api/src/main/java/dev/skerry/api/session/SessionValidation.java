package dev.skerry.api.session;

import dev.skerry.api.ApiSettings;
import dev.skerry.api.TimeoutBounds;
import dev.skerry.api.problem.ApiException;
import dev.skerry.api.problem.ProblemCode;
import dev.skerry.api.problem.Violations;
import dev.skerry.api.turn.MessageText;
import dev.skerry.session.Money;
import dev.skerry.session.SessionId;
import dev.skerry.session.Timeouts;
import dev.skerry.store.Models;
import dev.skerry.store.Models.ModelRow;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Turns what a person asks for into terms, or says everything that is wrong with it. */
@Component
class SessionValidation {
    private static final int MAX_LABELS = 32;
    private static final int MAX_LABEL_VALUE = 256;
    private static final int MAX_COMMAND = 64;
    private static final int MAX_COMMAND_PART = 4096;
    private static final int MAX_DECIMALS = 9;
    private static final BigDecimal LEAST_BUDGET = new BigDecimal("0.000000001");
    private static final Pattern LABEL = Pattern.compile("[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,62}[A-Za-z0-9])?");

    private final ApiSettings settings;
    private final Models models;

    SessionValidation(ApiSettings settings, Models models) {
        this.settings = settings;
        this.models = models;
    }

    SessionTerms terms(CreateSession request) {
        List<ModelRow> offered = models.list();
        if (offered.isEmpty()) {
            throw new ApiException(
                    ProblemCode.UNAVAILABLE,
                    "No model is published yet: the control plane has not come up. Start it, then try again.");
        }
        Violations violations = new Violations();
        Optional<SessionId> id = id(request.id(), violations);
        ModelRow model = model(request.model(), offered, violations);
        Money cap = cap(request.budget(), violations);
        Timeouts timeouts = timeouts(request.timeouts(), violations);
        List<String> agentCommand = agentCommand(request.agent(), violations);
        SortedMap<String, String> labels = labels(request.labels(), violations);
        violations.check();
        Optional<MessageText> message = request.message() == null
                ? Optional.empty()
                : Optional.of(MessageText.of("message", request.message()));
        return new SessionTerms(id, message, model, request.model() != null, cap, timeouts, agentCommand, labels);
    }

    /** The cap that a person asks for instead of the present one. */
    Money cap(ChangeSession request) {
        Violations violations = new Violations();
        if (request.budget() == null || request.budget().maxCostUsd() == null) {
            violations.add("budget.max_cost_usd", "Say what the session may spend, in US dollars.");
        }
        Money cap = cap(request.budget(), violations);
        violations.check();
        return cap;
    }

    private static Optional<SessionId> id(@Nullable String id, Violations violations) {
        if (id == null) {
            return Optional.empty();
        }
        if (!SessionId.valid(id)) {
            violations.add("id", "Must be 'ses_' and a ULID: 26 characters of Crockford's base 32, in upper case.");
            return Optional.empty();
        }
        return Optional.of(new SessionId(id));
    }

    private static ModelRow model(@Nullable String asked, List<ModelRow> offered, Violations violations) {
        if (asked == null) {
            return offered.getFirst();
        }
        return offered.stream()
                .filter(model -> model.id().equals(asked))
                .findFirst()
                .orElseGet(() -> {
                    violations.add(
                            "model",
                            "There is no such model. Choose one of: "
                                    + offered.stream().map(ModelRow::id).collect(Collectors.joining(", ")) + ".");
                    return offered.getFirst();
                });
    }

    private Money cap(CreateSession.@Nullable Budget budget, Violations violations) {
        BigDecimal asked = budget == null ? null : budget.maxCostUsd();
        if (asked == null) {
            return Money.ofUsd(settings.defaultBudgetUsd());
        }
        if (asked.compareTo(LEAST_BUDGET) < 0 || asked.compareTo(settings.maximumBudgetUsd()) > 0) {
            violations.add(
                    "budget.max_cost_usd",
                    "Must be above 0 and at most " + settings.maximumBudgetUsd().toPlainString() + ".");
            return Money.ZERO;
        }
        if (asked.stripTrailingZeros().scale() > MAX_DECIMALS) {
            violations.add("budget.max_cost_usd", "Must have at most nine decimal places.");
            return Money.ZERO;
        }
        return Money.ofUsd(asked);
    }

    private Timeouts timeouts(CreateSession.@Nullable RequestedTimeouts asked, Violations violations) {
        Timeouts defaults = settings.defaultTimeouts().timeouts();
        if (asked == null) {
            return defaults;
        }
        return new Timeouts(
                timeout("timeouts.idle", asked.idle(), defaults.idle(), TimeoutBounds.IDLE, violations),
                timeout(
                        "timeouts.suspended",
                        asked.suspended(),
                        defaults.suspended(),
                        TimeoutBounds.SUSPENDED,
                        violations),
                timeout(
                        "timeouts.lifetime",
                        asked.lifetime(),
                        defaults.lifetime(),
                        TimeoutBounds.LIFETIME,
                        violations));
    }

    private static Duration timeout(
            String field, @Nullable String asked, Duration byDefault, TimeoutBounds bounds, Violations violations) {
        if (asked == null) {
            return byDefault;
        }
        try {
            Duration timeout = Duration.parse(asked);
            if (!bounds.contain(timeout)) {
                violations.add(field, bounds.sentence());
            }
            return timeout;
        } catch (DateTimeParseException e) {
            violations.add(field, "Must be an ISO 8601 duration such as PT5M or P7D.");
            return byDefault;
        }
    }

    private static List<String> agentCommand(CreateSession.@Nullable Agent agent, Violations violations) {
        if (agent == null) {
            return List.of();
        }
        List<@Nullable String> asked = agent.command() == null ? List.of() : agent.command();
        List<String> command = new ArrayList<>();
        for (String part : asked) {
            if (part != null && part.length() <= MAX_COMMAND_PART && MessageText.storable(part)) {
                command.add(part);
            }
        }
        if (command.isEmpty()
                || command.size() != asked.size()
                || command.size() > MAX_COMMAND
                || command.getFirst().isBlank()) {
            violations.add(
                    "agent.command",
                    "Must be the program and its arguments: 1 to " + MAX_COMMAND + " texts of at most "
                            + MAX_COMMAND_PART + " characters without NUL.");
        }
        return command;
    }

    private static SortedMap<String, String> labels(
            @Nullable Map<String, @Nullable String> asked, Violations violations) {
        SortedMap<String, String> labels = new TreeMap<>();
        if (asked == null) {
            return labels;
        }
        if (asked.size() > MAX_LABELS) {
            violations.add("labels", "At most " + MAX_LABELS + " labels.");
            return labels;
        }
        asked.forEach((name, value) -> {
            if (!LABEL.matcher(name).matches()) {
                violations.add(
                        "labels",
                        "A label's name has 1 to 64 letters, digits, '.', '_', '/' or '-', and begins and ends with a letter or digit.");
            } else if (value == null || value.length() > MAX_LABEL_VALUE || !MessageText.storable(value)) {
                violations.add(
                        "labels." + name, "Must be a text of at most " + MAX_LABEL_VALUE + " characters without NUL.");
            } else {
                labels.put(name, value);
            }
        });
        return labels;
    }
}
