package dev.skerry.cli.command;

import dev.skerry.cli.Home;
import dev.skerry.cli.client.SessionEvent;
import dev.skerry.cli.terminal.Durations;
import dev.skerry.cli.terminal.Terminal;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** Shows a session as it goes: a line for each step, the model's text as it comes, a line for each tool call. */
final class RunView {
    private static final int WIDTH = 100;
    private static final int LONGEST_REASON = 500;
    private static final Set<String> TURN_ENDS =
            Set.of("turn.completed", "turn.failed", "turn.cancelled", "turn.limit");

    private final Terminal terminal;
    private final Home home;
    private final Instant began = Instant.now();
    private final String id;
    private boolean streamed;
    private String title = "";

    RunView(Terminal terminal, Home home, String id) {
        this.terminal = terminal;
        this.home = home;
        this.id = id;
    }

    static boolean ends(SessionEvent event, String turn) {
        return TURN_ENDS.contains(event.type())
                && (turn.isEmpty() || event.turn().equals(turn));
    }

    void created(JsonNode session) {
        String model = session.path("model").asString("");
        terminal.line(terminal.bold("Session " + id) + terminal.dim("  model " + model));
        if (session.path("model_is_rehearsal").asBoolean(false)) {
            terminal.line(terminal.yellow(
                    "Rehearsal model: scripted, no key. Set ANTHROPIC_API_KEY or OPENAI_API_KEY for a real one."));
        }
        String ui = session.path("links").path("temporal").asString("");
        if (!ui.isEmpty()) {
            terminal.line(terminal.dim("Temporal UI: " + ui));
        }
    }

    void show(SessionEvent event) {
        switch (event.type()) {
            case "session.provisioning" -> step("Provisioning in metro " + event.text("metro"), event);
            case "session.hardening" -> step("Sandbox created", event);
            case "session.ready" ->
                step("Sandbox ready (" + event.text("driver") + ", " + probes(event.data()) + ")", event);
            case "session.suspended" -> step("Suspended: " + event.text("reason"), event);
            case "session.resuming" -> step("Resuming", event);
            case "session.resumed" -> step("Resumed", event);
            case "session.terminating" -> step("Taking everything down", event);
            case "session.terminated" -> step("Sandbox destroyed, tokens revoked, books closed", event);
            case "session.failed" -> terminal.line(terminal.red("Session failed: " + oneLine(event.text("message"))));
            case "sandbox.lost" ->
                terminal.line(terminal.yellow("Sandbox lost (" + event.text("reason") + "); a new one takes over"));
            case "turn.started" -> terminal.status("Working ...");
            case "model.delta" -> delta(event.text("text"));
            case "model.response" -> response(event);
            case "tool.started" -> {
                title = event.text("title");
                terminal.status("… " + event.text("name") + " " + oneLine(title));
            }
            case "tool.finished" -> tool(event);
            case "policy.denied" -> terminal.line(terminal.yellow("Denied: " + oneLine(event.text("detail"))));
            case "budget.warning" -> terminal.line(terminal.yellow("Three quarters of the budget are spent"));
            case "budget.reached" -> terminal.line(terminal.yellow("The budget is reached"));
            case "turn.completed", "turn.failed", "turn.cancelled", "turn.limit" -> end(event);
            default -> {}
        }
    }

    private void step(String text, SessionEvent event) {
        JsonNode took = event.data().path("duration_ms");
        String duration = took.isNumber() ? "  " + Durations.text(Duration.ofMillis(took.asLong())) : "";
        terminal.line(terminal.cyan("● ") + oneLine(text) + terminal.dim(duration));
    }

    private static String probes(JsonNode data) {
        JsonNode probes = data.path("probes");
        return probes.path("pass").asInt(0) + " probes passed, "
                + probes.path("fail").asInt(0) + " failed, "
                + probes.path("unsupported").asInt(0) + " unsupported here";
    }

    private void delta(String text) {
        streamed = true;
        terminal.text(text);
    }

    private void response(SessionEvent event) {
        if (!streamed && !event.text("text").isBlank()) {
            terminal.text(event.text("text"));
        }
        if (streamed || !event.text("text").isBlank()) {
            terminal.text("\n");
        }
        streamed = false;
    }

    private void tool(SessionEvent event) {
        boolean failed = event.data().path("is_error").asBoolean(false);
        String mark = failed ? terminal.red("✗ ") : terminal.green("✓ ");
        String duration = Durations.text(
                Duration.ofMillis(event.data().path("duration_ms").asLong(0)));
        String said = title.isEmpty() ? event.text("summary") : title;
        terminal.line("  " + mark + event.text("name") + " " + oneLine(said) + terminal.dim("  " + duration));
        title = "";
    }

    private void end(SessionEvent event) {
        terminal.status("");
        String result = event.text("result");
        switch (event.type()) {
            case "turn.completed" -> terminal.line(terminal.green("Done"));
            case "turn.cancelled" -> terminal.line(terminal.yellow("Turn cancelled"));
            case "turn.limit" -> terminal.line(terminal.yellow("Stopped at a limit: " + why(event)));
            default -> terminal.line(terminal.red("Turn failed: " + why(event)));
        }
        if (event.type().equals("turn.completed") && !result.isBlank()) {
            terminal.line("");
            terminal.line(Terminal.clean(result).stripTrailing());
            terminal.line("");
        }
        for (JsonNode file : event.data().path("files")) {
            terminal.line("File  " + oneLine(file.asString(""))
                    + terminal.dim("  skerry session files pull " + id + " " + oneLine(file.asString(""))));
        }
    }

    private static String why(SessionEvent event) {
        return Stream.of("message", "result", "reason")
                .map(event::text)
                .filter(text -> !text.isBlank())
                .findFirst()
                .map(text -> Terminal.oneLine(text, LONGEST_REASON))
                .orElse("no reason given");
    }

    void kept() {
        terminal.line("The session is kept. Go on with: skerry session send " + id + " \"...\"");
    }

    void summary(JsonNode session, JsonNode usage) {
        terminal.line(terminal.dim(usage.path("input_tokens").asLong(0) + " tokens in, "
                + usage.path("output_tokens").asLong(0) + " out, "
                + usage.path("calls").asLong(0) + " model calls, cost "
                + usage.path("cost_usd").asString("0") + " USD of "
                + session.path("budget").path("max_cost_usd").asString("?") + ", "
                + Durations.text(Duration.between(began, Instant.now()))));
        terminal.line(terminal.dim(
                "Files and log stay readable: skerry session files list " + id + "   (state in " + home.root() + ")"));
    }

    private static String oneLine(String text) {
        return Terminal.oneLine(text, WIDTH);
    }
}
