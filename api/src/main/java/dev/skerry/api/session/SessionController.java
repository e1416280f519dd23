package dev.skerry.api.session;

import dev.skerry.api.Page;
import dev.skerry.api.PageLimit;
import dev.skerry.api.idempotency.Idempotency;
import dev.skerry.api.key.Tenant;
import dev.skerry.api.key.TenantSessions;
import dev.skerry.api.problem.ApiException;
import dev.skerry.session.Status;
import dev.skerry.store.Ledger;
import dev.skerry.store.SessionRow;
import dev.skerry.store.Sessions;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Creates, lists, shows and ends sessions. */
@RestController
class SessionController {
    private static final int PAGE = 50;
    private static final int MAX_PAGE = 200;

    private final TenantSessions owned;
    private final Sessions sessions;
    private final SessionValidation validation;
    private final SessionCreation creation;
    private final SessionChange change;
    private final SessionEnd end;
    private final SessionViews views;
    private final Idempotency idempotency;
    private final Ledger ledger;

    SessionController(
            TenantSessions owned,
            Sessions sessions,
            SessionValidation validation,
            SessionCreation creation,
            SessionChange change,
            SessionEnd end,
            SessionViews views,
            Idempotency idempotency,
            Ledger ledger) {
        this.owned = owned;
        this.sessions = sessions;
        this.validation = validation;
        this.creation = creation;
        this.change = change;
        this.end = end;
        this.views = views;
        this.idempotency = idempotency;
        this.ledger = ledger;
    }

    @PostMapping("/v1/sessions")
    @ApiResponse(responseCode = "201", content = @Content(schema = @Schema(implementation = SessionView.class)))
    ResponseEntity<String> create(Tenant tenant, HttpServletRequest http, @RequestBody CreateSession request) {
        return idempotency.once(
                tenant,
                http,
                request,
                HttpStatus.CREATED.value(),
                origin -> creation.create(tenant, validation.terms(request), origin));
    }

    @GetMapping("/v1/sessions")
    Page<SessionView> list(
            Tenant tenant,
            @RequestParam @Nullable String status,
            @RequestParam @Nullable Integer limit,
            @RequestParam @Nullable String cursor) {
        if (status != null
                && Arrays.stream(Status.values())
                        .noneMatch(known -> known.code().equals(status))) {
            throw ApiException.invalid(
                    "status",
                    "Must be one of: "
                            + Arrays.stream(Status.values()).map(Status::code).collect(Collectors.joining(", ")) + ".");
        }
        int size = PageLimit.of(limit, PAGE, MAX_PAGE);
        return Page.of(
                sessions.list(tenant.id(), status, SessionCursor.parse(cursor), size + 1),
                size,
                views::view,
                SessionCursor::of);
    }

    @GetMapping("/v1/sessions/{id}")
    SessionView get(Tenant tenant, @PathVariable String id) {
        return views.view(owned.require(tenant, id));
    }

    @PatchMapping("/v1/sessions/{id}")
    SessionView change(Tenant tenant, @PathVariable String id, @RequestBody ChangeSession request) {
        change.cap(owned.require(tenant, id), validation.cap(request));
        return views.view(owned.require(tenant, id));
    }

    @DeleteMapping("/v1/sessions/{id}")
    @ResponseStatus(HttpStatus.ACCEPTED)
    SessionView delete(Tenant tenant, @PathVariable String id) {
        SessionRow session = owned.require(tenant, id);
        end.delete(session);
        return views.view(owned.require(tenant, id));
    }

    @GetMapping("/v1/sessions/{id}/usage")
    SessionUsage usage(Tenant tenant, @PathVariable String id) {
        SessionRow session = owned.require(tenant, id);
        return SessionUsage.of(ledger.balance(session.id()), ledger.usage(session.id(), null));
    }
}
