package dev.skerry.api.message;

import dev.skerry.api.Page;
import dev.skerry.api.PageLimit;
import dev.skerry.api.idempotency.Idempotency;
import dev.skerry.api.key.Tenant;
import dev.skerry.api.key.TenantSessions;
import dev.skerry.api.problem.ApiException;
import dev.skerry.api.turn.MessageText;
import dev.skerry.store.Messages;
import dev.skerry.store.SessionRow;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import jakarta.servlet.http.HttpServletRequest;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** What was said, and saying more. */
@RestController
class MessageController {
    private static final int PAGE = 100;
    private static final int MAX_PAGE = 500;

    private final TenantSessions owned;
    private final Messages messages;
    private final Conversation conversation;
    private final Idempotency idempotency;

    MessageController(TenantSessions owned, Messages messages, Conversation conversation, Idempotency idempotency) {
        this.owned = owned;
        this.messages = messages;
        this.conversation = conversation;
        this.idempotency = idempotency;
    }

    @PostMapping("/v1/sessions/{id}/messages")
    @ApiResponse(responseCode = "202", content = @Content(schema = @Schema(implementation = AcceptedMessage.class)))
    ResponseEntity<String> send(
            Tenant tenant, HttpServletRequest http, @PathVariable String id, @RequestBody SendMessage request) {
        SessionRow session = owned.require(tenant, id);
        MessageText text = MessageText.of("text", request.text());
        return idempotency.once(
                tenant,
                http,
                request,
                HttpStatus.ACCEPTED.value(),
                origin -> new AcceptedMessage(conversation.send(session, text, origin)));
    }

    @GetMapping("/v1/sessions/{id}/messages")
    Page<MessageView> list(
            Tenant tenant,
            @PathVariable String id,
            @RequestParam @Nullable Integer limit,
            @RequestParam(defaultValue = "0") long cursor) {
        SessionRow session = owned.require(tenant, id);
        if (cursor < 0) {
            throw ApiException.invalid("cursor", "Use next_cursor of the page before, as it is.");
        }
        int size = PageLimit.of(limit, PAGE, MAX_PAGE);
        return Page.of(
                messages.list(session.id(), cursor, size + 1),
                size,
                MessageView::of,
                row -> Long.toString(row.position()));
    }
}
