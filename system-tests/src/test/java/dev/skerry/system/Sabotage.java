package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Base64;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** What somebody did to an image, and the one probe that has to notice. */
enum Sabotage {
    A_TOKEN_IN_A_FILE("S05", "echo 'key = AKIA''Q3EGZ7XKPLW2MNB5' >etc/app.conf"),
    A_SETUID_PROGRAM("P05", "cp usr/bin/id usr/bin/whose && chmod 4755 usr/bin/whose"),
    A_READABLE_RUNTIME("S07", "chmod -R a+rX usr/lib/skerry/skerry_runtime"),
    A_KEPT_CAPABILITY("P02", source("confine.py", "def agent(", Sabotage::keepingACapability));

    private static final String RUNTIME = "usr/lib/skerry/skerry_runtime/";

    private final String probe;
    private final String script;

    Sabotage(String probe, String script) {
        this.probe = probe;
        this.script = script;
    }

    /** For a shell in the image's top folder. */
    String script() {
        return script;
    }

    /** Boots a session on the sabotaged image and demands that it never gets to work, for this reason alone. */
    void demandNoTurn(LocalStack stack) throws Exception {
        demandNoTurn(stack, create(stack), probe);
    }

    static String create(LocalStack stack) throws Exception {
        JsonNode created = stack.ask("sessions", "{\"message\": \"rehearse:run=id\"}");
        return created.path("id").asString();
    }

    static void demandNoTurn(LocalStack stack, String session, String probe) throws Exception {
        List<JsonNode> events = stack.awaitEvent(session, "session.failed");
        assertThat(events.stream()
                        .filter(event -> LocalStack.isOf(event, "sandbox.probe"))
                        .map(event -> event.at("/data/id").asString()))
                .as("%s", events)
                .containsExactly(probe);
        assertThat(events.stream().map(event -> event.path("type").asString()))
                .contains("turn.queued")
                .doesNotContain("session.ready", "turn.started", "tool.started", "model.response");
        assertThat(events.getLast().at("/data/code").asString()).isEqualTo("probe_failed");
        assertThat(events.getLast().at("/data/message").asString())
                .endsWith("a probe that is required: " + probe + ".");
        assertThat(stack.ask("sessions/" + session).path("status").asString()).isEqualTo("failed");
        assertThat(stack.ask("sessions/" + session + "/messages").path("data").valueStream())
                .singleElement()
                .satisfies(
                        message -> assertThat(message.path("role").asString()).isEqualTo("user"));
        assertThat(stack.ask("sessions/" + session + "/usage").path("calls").asInt())
                .isZero();
    }

    private interface Change {
        String to(String source);
    }

    /** A module of the runtime changed after a mark; Python takes a source before the bytecode beside it. */
    private static String source(String module, String after, Change change) {
        try {
            String original =
                    Files.readString(Distribution.root().resolve("sandbox-image/runtime/skerry_runtime/" + module));
            int mark = original.indexOf(after);
            String changed = original.substring(0, mark) + change.to(original.substring(mark));
            return "echo "
                    + Base64.getEncoder().encodeToString(changed.getBytes(StandardCharsets.UTF_8)) + " | base64 -d >"
                    + RUNTIME + module;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static String keepingACapability(String agent) {
        String become = "identity.become()";
        String drop = "linux.keep_capabilities()";
        assertThat(agent).contains(become, drop);
        int keepAcrossSetuid = 8;
        return agent.replaceFirst(Pattern.quote(become), "linux.prctl(" + keepAcrossSetuid + ", 1), " + become)
                .replaceFirst(Pattern.quote(drop), "linux.keep_capabilities(1 << linux.CAP_SETPCAP)");
    }
}
