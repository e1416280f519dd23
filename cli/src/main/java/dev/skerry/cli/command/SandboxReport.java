package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Json;
import dev.skerry.cli.client.ApiClient;
import dev.skerry.cli.client.EventStream;
import dev.skerry.cli.client.SessionEvent;
import dev.skerry.cli.terminal.Terminal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** What every probe says in a sandbox of this stack, run by a tool as any hijacked model could run it. */
record SandboxReport(List<Answer> answers) {
    private static final String TASK = "rehearse:run=skerry-probe";
    private static final String MODEL = "rehearsal";

    /** One probe's answer. */
    record Answer(String id, String result, String detail) {
        static Answer of(JsonNode line) {
            return new Answer(
                    line.path("id").asString(""),
                    line.path("result").asString(""),
                    line.path("detail").asString(""));
        }
    }

    /** Boots a sandbox, runs the probes in it and takes it down again. */
    static SandboxReport take(ApiClient api) {
        JsonNode created = api.post("sessions", Map.of("message", TASK, "model", MODEL));
        String session = created.path("id").asString("");
        String turn = created.path("turn").path("id").asString("");
        try {
            return parse(result(api, session, turn));
        } finally {
            api.delete("sessions/" + session);
        }
    }

    private static String result(ApiClient api, String session, String turn) {
        try (EventStream events = api.events(session, 0)) {
            for (Optional<SessionEvent> next = events.next(); next.isPresent(); next = events.next()) {
                SessionEvent event = next.get();
                if (RunView.ends(event, turn)) {
                    return event.text("result");
                }
                if (event.isLast()) {
                    break;
                }
            }
        }
        throw new Failure(
                ExitCode.TURN_FAILED,
                "The sandbox never ran the probes: the session ended before.",
                "See why with `skerry session events " + session
                        + "`; a required probe that fails at boot keeps every turn away.");
    }

    private static SandboxReport parse(String printed) {
        List<Answer> answers = new ArrayList<>();
        for (String line : printed.lines().filter(each -> each.startsWith("{")).toList()) {
            try {
                answers.add(Answer.of(Json.MAPPER.readTree(line)));
            } catch (JacksonException e) {
                throw new Failure(
                        ExitCode.TURN_FAILED, "A probe printed what is no JSON: " + Terminal.clean(line), "", e);
            }
        }
        if (answers.isEmpty()) {
            throw new Failure(
                    ExitCode.TURN_FAILED,
                    "The sandbox has no probes: " + Terminal.clean(printed).strip(),
                    "Use an image that holds `skerry-probe`.");
        }
        return new SandboxReport(List.copyOf(answers));
    }

    boolean holds() {
        return answers.stream().noneMatch(answer -> answer.result().equals("fail"));
    }

    /** A table for people. */
    void print(Terminal terminal) {
        for (Answer answer : answers) {
            String mark = switch (answer.result()) {
                case "pass" -> terminal.green("pass       ");
                case "fail" -> terminal.red("FAIL       ");
                default -> terminal.yellow("unsupported");
            };
            terminal.line(answer.id() + "  " + mark + "  " + Terminal.clean(answer.detail()));
        }
    }

    /** A line of JSON per probe. */
    void printJson() {
        answers.forEach(answer -> System.out.println(Json.MAPPER.writeValueAsString(answer)));
        System.out.flush();
    }
}
