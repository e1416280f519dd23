package dev.skerry.controlplane.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.skerry.controlplane.ControlPlaneTest;
import dev.skerry.controlplane.Http;
import dev.skerry.controlplane.RawSocket;
import dev.skerry.controlplane.Sandbox;
import dev.skerry.controlplane.World;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;

/** What a sandbox can say on its one door with a socket of its own. */
@ControlPlaneTest
class HostileHttpTest {
    private static final String END = "\r\n\r\n";

    @Autowired
    World world;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /actuator/health HTTP/1.1\r\nHost: localhost:7073",
                "GET /internal/v1/sessions/ses_1/settle HTTP/1.1\r\nHost: internal:7072",
                "GET http://127.0.0.1:7072/internal/v1/sessions/ses_1/settle HTTP/1.1\r\nHost: 127.0.0.1:7072",
                "GET http://127.0.0.1:7073/actuator/prometheus HTTP/1.1\r\nHost: 127.0.0.1:7073",
                "GET /internal/v1/sessions/x HTTP/1.1\r\nHost: a\r\nX-Forwarded-Port: 7072\r\nX-Forwarded-Host: internal\r\nForwarded: host=internal",
                "GET /sandbox/v1/..%2f..%2finternal/v1/sessions HTTP/1.1\r\nHost: a",
                "GET /sandbox/v1/%2e%2e/%2e%2e/actuator/health HTTP/1.1\r\nHost: a",
                "GET /sandbox/v1/objects/../../../internal/v1/sessions/x HTTP/1.1\r\nHost: a",
                "GET //internal/v1/sessions/x HTTP/1.1\r\nHost: a",
                "CONNECT 127.0.0.1:7072 HTTP/1.1\r\nHost: 127.0.0.1:7072",
                "TRACE /sandbox/v1/state HTTP/1.1\r\nHost: a",
            })
    void noNameLeadsToAnotherListener(String head) throws IOException {
        assertThat(answer(sandboxPort(), head + "\r\nConnection: close" + END))
                .matches("(?s)HTTP/1\\.1 (4..|501) .*")
                .doesNotContain("UP")
                .doesNotContain("Tomcat")
                .doesNotContain("jvm_");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /sandbox/v1/state HTTP/1.1\r\n",
                "GET /sandbox/v1/state HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
                "GET /sandbox/v1/state HTTP/1.1\r\nHost: a\r\n folded: b\r\n",
                "GET /sandbox/v1/state HTTP/1.1\r\nHost : a\r\n",
                "GET /sandbox/v1/state HTTP/1.1\r\nHost: a\r\nX\u0000: b\r\n",
                "GET /sandbox/v1/state HTTP/3.0\r\nHost: a\r\n",
                "POST /sandbox/v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n",
                "POST /sandbox/v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
                "POST /sandbox/v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 0x10\r\n",
                "POST /sandbox/v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n",
                "POST /sandbox/v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n",
            })
    void aMalformedHeadIsRefusedAndTheConnectionClosed(String head) throws IOException {
        String answer = answer(sandboxPort(), head + "\r\n");

        assertThat(answer).matches("(?s)HTTP/1\\.1 (400|501|505) .*");
    }

    @Test
    void aRequestWithTwoLengthsDoesNotSmuggleAnother() throws IOException {
        String smuggled = "GET /sandbox/v1/state HTTP/1.1\r\nHost: a" + END;
        String answer = answer(
                sandboxPort(),
                "POST /sandbox/v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: " + (5 + smuggled.length())
                        + "\r\nTransfer-Encoding: chunked" + END + "0" + END + smuggled);

        assertThat(answer).startsWith("HTTP/1.1 401").contains("Connection: close");
        assertThat(answer.split("HTTP/1.1 ", -1)).hasSize(2);
    }

    @Test
    void whatFollowsARefusedBodyIsNotTakenForARequest() throws IOException {
        String answer = answer(
                sandboxPort(),
                "POST /sandbox/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer nobody\r\nContent-Length: 60"
                        + END
                        + "GET /sandbox/v1/state HTTP/1.1\r\nHost: a\r\n\r\n"
                        + "x".repeat(60));

        assertThat(answer).startsWith("HTTP/1.1 401");
        assertThat(answer.split("HTTP/1.1 ", -1)).hasSize(2);
    }

    @Test
    void hugeHeadersAreRefused() throws IOException {
        String answer =
                answer(sandboxPort(), "GET /sandbox/v1/state HTTP/1.1\r\nHost: a\r\nX: " + "y".repeat(20_000) + END);

        assertThat(answer).matches("(?s)HTTP/1\\.1 (400|431) .*");
    }

    @Test
    void aHeadThatComesByteByByteIsCutOff() {
        assertThatCode(() -> {
                    try (RawSocket slow = new RawSocket(sandboxPort())) {
                        slow.say("GET /sandbox/v1/state HTTP/1.1\r\nHost: a\r\n");
                        long start = System.nanoTime();
                        while (Duration.ofNanos(System.nanoTime() - start).toSeconds() < 10) {
                            Thread.sleep(100);
                            slow.say("x");
                        }
                        throw new AssertionError("the connection was not closed");
                    }
                })
                .isInstanceOf(IOException.class);
    }

    @Test
    void aBodyThatComesByteByByteIsCutOff() throws Exception {
        Sandbox sandbox = world.boot(world.session(), 1);
        try (RawSocket slow = new RawSocket(sandboxPort())) {
            slow.say("POST /sandbox/v1/heartbeat HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    + "Authorization: Bearer " + sandbox.token() + "\r\nContent-Length: 1000" + END);
            Thread dripping = Thread.startVirtualThread(() -> {
                try {
                    while (true) {
                        slow.say(" ");
                        Thread.sleep(100);
                    }
                } catch (IOException | InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });

            assertThat(slow.hear()).startsWith("HTTP/1.1 408").contains("too_slow");
            dripping.interrupt();
        }
        assertThat(sandbox.get("/state").status()).isEqualTo(200);
    }

    @Test
    void anUnfinishedBodyThatGoesSilentIsCutOff() throws Exception {
        Sandbox sandbox = world.boot(world.session(), 1);
        try (RawSocket slow = new RawSocket(sandboxPort())) {
            slow.say("POST /sandbox/v1/heartbeat HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    + "Authorization: Bearer " + sandbox.token() + "\r\nContent-Length: 1000" + END + "{");

            assertThat(slow.hearAll()).startsWith("HTTP/1.1 408");
        }
    }

    @Test
    void aSessionThatCallsTooOftenIsToldToSlowDownAndNobodyElseIs() {
        Sandbox loud = world.boot(world.session(), 1);
        Sandbox quiet = world.boot(world.session(), 1);

        int refused = 0;
        for (int i = 0; i < 400 && refused == 0; i++) {
            Http.Answer answer = loud.get("/next?wait=0");
            if (answer.status() == 429) {
                assertThat(answer.headers().firstValue("Retry-After")).isPresent();
                refused++;
            }
        }

        assertThat(refused).isEqualTo(1);
        assertThat(quiet.get("/next?wait=0").status()).isEqualTo(204);
    }

    private int sandboxPort() {
        return URI.create(world.sandboxOrigin()).getPort();
    }

    private static String answer(int port, String text) throws IOException {
        try (RawSocket socket = new RawSocket(port)) {
            return socket.say(text).hearAll();
        }
    }
}
