package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.ControlPlaneSettings;
import dev.skerry.controlplane.llm.ModelCatalogue.Offer;
import dev.skerry.controlplane.llm.ModelInfo;
import dev.skerry.controlplane.llm.ModelRequest;
import dev.skerry.controlplane.llm.ModelRequest.ToolChoice;
import dev.skerry.controlplane.llm.ToolSpec;
import dev.skerry.controlplane.problem.RefusedException;
import dev.skerry.controlplane.profile.Profile;
import dev.skerry.store.TurnRow;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Makes what a provider is sent: the pinned system prompt and tools, and the history that the store has. */
@Component
class Prompts {
    private static final double USABLE = 0.8;

    private final View view;
    private final Condensing condensing;
    private final JsonMapper json;
    private final Duration deadline;

    Prompts(View view, Condensing condensing, JsonMapper json, ControlPlaneSettings settings) {
        this.view = view;
        this.condensing = condensing;
        this.json = json;
        this.deadline = settings.limits().modelCall();
    }

    /** Throws {@link RefusedException} when the request names what the profile does not have. */
    ModelRequest of(OngoingCall call, TurnRow turn, Profile profile, Offer offer, LlmRequest request) {
        ModelInfo model = offer.model();
        List<ToolSpec> tools = tools(profile, request.tools());
        ToolChoice choice = choice(request.toolChoice());
        long room = Math.max(
                0,
                (long) (model.contextTokens() * USABLE)
                        - model.maxOutputTokens()
                        - (profile.systemPrompt().length() + json.writeValueAsBytes(tools).length) / 3);
        View.Source source = condensing.source(call, offer, turn, forgetting(profile), room);
        return new ModelRequest(
                model.id(),
                profile.systemPrompt(),
                view.of(source, room),
                tools,
                tools.isEmpty() ? ToolChoice.NONE : choice,
                model.maxOutputTokens(),
                deadline);
    }

    private static View.Forgetting forgetting(Profile profile) {
        Map<String, Integer> newest = new HashMap<>();
        for (Profile.Tool tool : profile.tools()) {
            Integer ephemeral = tool.ephemeral();
            if (ephemeral != null && ephemeral > 0) {
                newest.put(tool.name(), ephemeral);
            }
        }
        return new View.Forgetting(newest);
    }

    static ModelRequest shorter(ModelRequest request, int maxOutputTokens) {
        return new ModelRequest(
                request.model(),
                request.system(),
                request.messages(),
                request.tools(),
                request.toolChoice(),
                maxOutputTokens,
                request.deadline());
    }

    private List<ToolSpec> tools(Profile profile, @Nullable List<@Nullable String> names) {
        if (names != null) {
            for (String name : names) {
                if (name == null || profile.tool(name).isEmpty()) {
                    throw RefusedException.invalid("tools may name tools of the session's profile only.");
                }
            }
        }
        return profile.tools().stream()
                .filter(tool -> names == null || names.contains(tool.name()))
                .map(tool -> new ToolSpec(tool.name(), tool.description(), json.valueToTree(tool.inputSchema())))
                .toList();
    }

    private static ToolChoice choice(@Nullable String choice) {
        return switch (choice) {
            case null -> ToolChoice.AUTO;
            case "auto" -> ToolChoice.AUTO;
            case "required" -> ToolChoice.REQUIRED;
            case "none" -> ToolChoice.NONE;
            default -> throw RefusedException.invalid("tool_choice must be auto, required or none.");
        };
    }
}
