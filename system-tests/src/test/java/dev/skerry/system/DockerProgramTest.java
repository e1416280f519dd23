package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.skerry.testing.Required;
import dev.skerry.testing.TestingDocker;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Another agent's program, as its author published it, does a session's work and is trusted with nothing. */
@Timeout(180)
class DockerProgramTest {
    private static final String IMAGE = "skerry/sandbox:with-llm";
    private static final String WORK = "skerry-test-with-llm";
    private static final String KEY = "sk-proj-TheInstallationsOwnKey0123456789";
    private static final String MODEL = "gpt-5-mini";
    private static final String ANSWER = """
            {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-5-mini",
             "output": [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
                         "content": [{"type": "output_text", "text": "Six times seven is forty-two.", "annotations": []}]}],
             "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
             "usage": {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 200,
                       "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 1200}}
            """;

    @TempDir
    private static Path directory;

    private static final List<String> asked = new CopyOnWriteArrayList<>();
    private static HttpServer provider;
    private static LocalStack stack;

    @BeforeAll
    static void start() throws Exception {
        String program = System.getenv().getOrDefault("SKERRY_TEST_LLM", "");
        Required.server(
                "llm",
                !program.isBlank() && Files.isDirectory(Path.of(program, "lib", "python3.11")),
                "SKERRY_TEST_LLM does not name where the program llm is, installed for the image's Python 3.11");
        String sound = TestingDocker.image();
        TestingDocker.docker("create", "--name", WORK, sound);
        assertThat(TestingDocker.docker("cp", program, WORK + ":/llm")).doesNotContainIgnoringCase("error");
        assertThat(TestingDocker.docker("commit", WORK, IMAGE)).startsWith("sha256:");
        TestingDocker.docker("rm", "-f", WORK);
        provider = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        provider.createContext("/v1/responses", exchange -> {
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            asked.add(exchange.getRequestHeaders().getFirst("Authorization") + " " + body);
            byte[] answer = ANSWER.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        provider.start();
        Map<String, String> environment = Map.of(
                "OPENAI_API_KEY",
                KEY,
                "OPENAI_BASE_URL",
                "http://127.0.0.1:" + provider.getAddress().getPort() + "/v1",
                "OPENAI_MODEL",
                MODEL);
        stack = LocalStack.up(directory, environment, "--driver", "docker", "--image", IMAGE);
    }

    @AfterAll
    static void stop() throws Exception {
        if (provider != null) {
            provider.stop(0);
        }
        if (stack != null) {
            stack.skerry("down");
            stack.awaitEnd();
        }
        if (provider != null) {
            TestingDocker.docker("rm", "-f", WORK);
            TestingDocker.docker("image", "rm", IMAGE);
        }
    }

    @Test
    void answersThroughTheLoopbackAndIsBookedAndSeesNoToken() throws Exception {
        String session = create("""
                id -u; tr '\\\\0' '\\\\n' </proc/self/environ; exec /llm/bin/python3 -m llm prompt --no-stream --no-log -m %s
                """.strip().formatted(MODEL));
        List<JsonNode> events = stack.awaitEvent(session, "turn.completed");

        String output = textOf(events, "tool.output");
        assertThat(output)
                .startsWith("10002\n")
                .contains("OPENAI_BASE_URL=http://127.0.0.1:", "HOME=/workspace")
                .endsWith("Six times seven is forty-two.\n")
                .doesNotContain("SESSION_TOKEN", "SESSION_ID", "CONTROL_PLANE_URL", KEY, "skb1.");
        assertThat(events.getLast().at("/data/result").asString()).isEqualTo(output.strip());
        assertThat(asked)
                .singleElement()
                .asString()
                .startsWith("Bearer " + KEY + " ")
                .contains("What is 6 x 7?");
        JsonNode usage = stack.ask("sessions/" + session + "/usage");
        assertThat(usage.path("calls").asInt()).isEqualTo(1);
        assertThat(usage.path("input_tokens").asInt()).isEqualTo(1000);
        assertThat(usage.path("output_tokens").asInt()).isEqualTo(200);
        assertThat(usage.path("cost_usd").decimalValue()).isEqualByComparingTo("0.00065");
        assertThat(usage.path("reserved_usd").decimalValue()).isZero();
    }

    @Test
    void itsExitIsTheOutcome() throws Exception {
        JsonNode failed =
                stack.awaitEvent(create("echo sorry; exit 3"), "turn.failed").getLast();
        assertThat(failed.at("/data/reason").asString()).isEqualTo("agent_failed");
        assertThat(failed.at("/data/result").asString()).isEqualTo("sh ended with exit code 3.\nsorry");
    }

    private static String create(String script) throws Exception {
        return stack.ask("sessions", """
                        {"message": "What is 6 x 7?", "agent": {"command": ["sh", "-c", "%s"]}}
                        """.formatted(script)).path("id").asString();
    }

    private static String textOf(List<JsonNode> events, String type) {
        return events.stream()
                .filter(event -> LocalStack.isOf(event, type))
                .map(event -> event.at("/data/text").asString())
                .collect(Collectors.joining());
    }
}
