package dev.skerry.api.session;

import dev.skerry.api.ApiSettings;
import dev.skerry.api.turn.TurnView;
import dev.skerry.api.turn.UsageView;
import dev.skerry.api.workflow.TemporalProperties;
import dev.skerry.session.Reason;
import dev.skerry.store.SessionRow;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Shows rows to people. */
@Component
class SessionViews {
    private final @Nullable String workflows;

    SessionViews(ApiSettings settings, TemporalProperties temporal) {
        String ui = settings.temporalUi();
        this.workflows = ui == null || ui.isBlank()
                ? null
                : ui.replaceAll("/+$", "") + "/namespaces/" + temporal.namespace() + "/workflows/";
    }

    SessionView view(SessionRow row) {
        return view(row, null);
    }

    SessionView view(SessionRow row, @Nullable TurnView turn) {
        String code = row.reasonCode();
        String message = row.reasonMessage();
        return new SessionView(
                row.id(),
                row.status(),
                code == null ? null : new Reason(code, message == null ? code : message),
                row.model(),
                row.rehearsal(),
                row.incarnation(),
                row.provider(),
                row.metro(),
                row.driver(),
                new SessionView.BudgetView(UsageView.usd(row.capNanoUsd())),
                UsageView.usd(row.spentNanoUsd()),
                new SessionView.TimeoutsView(
                        iso(row.idleTimeoutMs()), iso(row.suspendedTtlMs()), iso(row.lifetimeMs())),
                row.labels(),
                row.createdAt(),
                row.updatedAt(),
                row.endedAt(),
                row.stopReason(),
                new SessionView.LinksView(workflows == null ? null : workflows + row.id()),
                turn);
    }

    private static String iso(long millis) {
        Duration duration = Duration.ofMillis(millis);
        boolean wholeDays = duration.equals(Duration.ofDays(duration.toDays())) && duration.isPositive();
        return wholeDays ? "P" + duration.toDays() + "D" : duration.toString();
    }
}
