package dev.skerry.api.event;

import dev.skerry.api.ApiSettings;
import dev.skerry.api.Page;
import dev.skerry.api.PageLimit;
import dev.skerry.api.key.Tenant;
import dev.skerry.api.key.TenantSessions;
import dev.skerry.api.problem.ApiException;
import dev.skerry.store.Events;
import dev.skerry.store.SessionRow;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Clock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.json.JsonMapper;

/** A session's log, as pages or, when the client accepts nothing else but a stream, as server-sent events. */
@RestController
class EventController {
    private static final Logger log = LoggerFactory.getLogger(EventController.class);
    private static final int PAGE = 100;
    private static final int MAX_PAGE = 1000;

    private final TenantSessions owned;
    private final Events events;
    private final Subscriptions subscriptions;
    private final ApiSettings settings;
    private final JsonMapper json;
    private final Clock clock;

    EventController(
            TenantSessions owned,
            Events events,
            Subscriptions subscriptions,
            ApiSettings settings,
            JsonMapper json,
            Clock clock) {
        this.owned = owned;
        this.events = events;
        this.subscriptions = subscriptions;
        this.settings = settings;
        this.json = json;
        this.clock = clock;
    }

    @GetMapping("/v1/sessions/{id}/events")
    @ApiResponse(
            responseCode = "200",
            content = {
                @Content(mediaType = "application/json", schema = @Schema(implementation = EventPage.class)),
                @Content(mediaType = "text/event-stream", schema = @Schema(type = "string"))
            })
    @Nullable
    ResponseEntity<Page<EventView>> events(
            Tenant tenant,
            @PathVariable String id,
            @RequestParam(defaultValue = "0") long after,
            @RequestParam @Nullable Integer limit,
            @RequestHeader(name = "Accept", defaultValue = "*/*") String accept,
            @RequestHeader(name = "Last-Event-ID", required = false) @Nullable String lastEventId,
            HttpServletResponse response)
            throws IOException, InterruptedException {
        SessionRow session = owned.require(tenant, id);
        if (accept.contains(MediaType.TEXT_EVENT_STREAM_VALUE)) {
            stream(session, cursor(after, lastEventId), response);
            return null;
        }
        int size = PageLimit.of(limit, PAGE, MAX_PAGE);
        return ResponseEntity.ok(Page.of(
                events.list(session.id(), cursor(after, null), size + 1),
                size,
                EventView::of,
                row -> Long.toString(row.seq())));
    }

    private static long cursor(long after, @Nullable String lastEventId) {
        try {
            long cursor = lastEventId == null ? after : Long.parseLong(lastEventId.strip());
            if (cursor >= 0) {
                return cursor;
            }
        } catch (NumberFormatException e) {
            throw ApiException.invalid("Last-Event-ID", "Must be the id of an event.");
        }
        throw ApiException.invalid("after", "Must be the id of an event, or 0.");
    }

    private void stream(SessionRow session, long cursor, HttpServletResponse response)
            throws IOException, InterruptedException {
        if (session.ended() && events.list(session.id(), cursor, 1).isEmpty()) {
            response.setStatus(HttpServletResponse.SC_NO_CONTENT);
            return;
        }
        Subscription subscription = subscriptions.open(session.id());
        try {
            response.setContentType("text/event-stream;charset=UTF-8");
            response.setHeader("X-Accel-Buffering", "no");
            response.flushBuffer();
            new EventStream(events, json, clock, settings.heartbeat(), session.id(), cursor, response.getOutputStream())
                    .run(subscription);
        } catch (IOException e) {
            log.debug("a reader left its stream");
        } finally {
            subscriptions.close(session.id(), subscription);
        }
    }

    /** Names the page's type for the description of this API. */
    private record EventPage(
            java.util.List<EventView> data,
            boolean hasMore,
            @Nullable String nextCursor) {}
}
