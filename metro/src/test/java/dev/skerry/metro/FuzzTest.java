package dev.skerry.metro;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.metro.TestingMetro.Answer;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * Anything at all, sent to a metro, is answered and never with a 5xx.
 *
 * <p>{@code -Dskerry.fuzz.seconds=60} goes on for longer, {@code -Dskerry.fuzz.seed} repeats a run; the seed is printed on failure.
 */
class FuzzTest {
    private static final long SECONDS = Long.getLong("skerry.fuzz.seconds", 10);
    private static final List<String> METHODS =
            List.of("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW");
    private static final List<String> PARTS = List.of(
            "instances",
            "services",
            "users",
            "quotas",
            "images",
            "image-store",
            "healthz",
            "metros",
            "volumes",
            "certificates",
            "templates",
            "checkpoints",
            "start",
            "stop",
            "suspend",
            "wait",
            "log",
            "metrics",
            "history",
            "plugins",
            "sandbox",
            "autoscale",
            "a",
            "b",
            "..",
            "%2e%2e",
            "%2F",
            "%00",
            "%",
            "~",
            "nothing",
            "8a8bc1b9-0000-4000-8000-000000000000",
            "%F0%9F%90%9F",
            "");
    private static final List<String> MEMBERS = List.of(
            "name",
            "uuid",
            "image",
            "args",
            "env",
            "memory_mb",
            "vcpus",
            "service_group",
            "autostart",
            "timeout_s",
            "replicas",
            "restart_policy",
            "scale_to_zero",
            "features",
            "roms",
            "tags",
            "annotations",
            "template",
            "autokill",
            "hostname",
            "prop",
            "op",
            "value",
            "state",
            "offset",
            "limit",
            "force",
            "drain_timeout_ms",
            "services",
            "domains",
            "soft_limit",
            "hard_limit",
            "port",
            "handlers",
            "prepare",
            "create_args",
            "files",
            "path",
            "data",
            "encoding",
            "at",
            "time_ms",
            "policy",
            "stateful",
            "unheard_of",
            "schedules",
            "id");
    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1",
            "3",
            "1e400",
            "-0.0",
            "99999999999999999999",
            "443",
            "128",
            "\"\"",
            "\"a\"",
            "\"b\"",
            "\"test/sleeper:1\"",
            "\"../../etc/passwd\"",
            "\"/\"",
            "\"\\u0000\"",
            "\"running\"",
            "\"set\"",
            "\"add\"",
            "\"del\"",
            "\"memory_mb\"",
            "\"env\"",
            "\"tags\"",
            "\"image\"",
            "\"tls\"",
            "\"http\"",
            "\"delete-on-stop\"",
            "\"always\"",
            "\"base64\"",
            "\"8a8bc1b9-0000-4000-8000-000000000000\"",
            "\"\\ud83d\\ude00\"",
            "[]",
            "{}");

    @TempDir
    Path directory;

    @Test
    void neverAnswersWithAServerErrorAndLivesOn() throws IOException {
        long seed = Long.getLong("skerry.fuzz.seed", 20261125L);
        Random random = new Random(seed);
        Path outside = Files.writeString(directory.resolve("outside"), "untouched");
        try (TestingMetro metro = TestingMetro.start(directory.resolve("metro"))) {
            long end = System.nanoTime() + SECONDS * 1_000_000_000L;
            long sent = 0;
            while (System.nanoTime() < end) {
                String request = request(random);
                String answer = exchange(metro.server().port(), request);
                assertThat(answer)
                        .as("seed %d, request %d:%n%s", seed, sent, request)
                        .startsWith("HTTP/1.1 ")
                        .doesNotStartWith("HTTP/1.1 5");
                sent++;
            }
            Answer after = metro.call("GET", "/v1/healthz");
            assertThat(after.status()).isEqualTo(200);
            JsonNode created = metro.running("after", "");
            boolean full = created.path("error").asInt(0) == ItemException.QUOTA;
            assertThat(full || created.path("state").asString("").equals("running"))
                    .as("seed %d: %s", seed, created)
                    .isTrue();
            System.out.println("fuzz: " + sent + " requests in " + SECONDS + " s, seed " + seed);
        }
        assertThat(outside).hasContent("untouched");
        assertThat(directory.toFile().list()).containsExactlyInAnyOrder("outside", "metro");
    }

    private static String request(Random random) {
        StringBuilder path = new StringBuilder(random.nextInt(20) == 0 ? "/" + pick(random, PARTS) : "/v1");
        path.append("/").append(random.nextBoolean() ? "instances" : pick(random, PARTS));
        for (int parts = random.nextInt(4); parts > 0; parts--) {
            path.append('/').append(pick(random, PARTS));
        }
        if (random.nextInt(3) == 0) {
            path.append('?').append(query(random));
        }
        byte[] body = body(random).getBytes(StandardCharsets.UTF_8);
        String token = random.nextInt(15) == 0 ? "wrong" : TestingMetro.TOKEN;
        return pick(random, METHODS) + " " + path + " HTTP/1.1\r\nHost: metro\r\nConnection: close\r\n"
                + "Authorization: Bearer " + token + "\r\nContent-Length: " + body.length + "\r\n\r\n"
                + new String(body, StandardCharsets.ISO_8859_1);
    }

    private static String query(Random random) {
        StringBuilder query = new StringBuilder();
        for (int pairs = 1 + random.nextInt(3); pairs > 0; pairs--) {
            query.append(pick(
                            random,
                            List.of("name", "uuid", "details", "count", "from", "order", "sortby", "tags", "tag", "%")))
                    .append('=')
                    .append(pick(
                            random,
                            List.of("a", "b", "true", "-1", "asc", "%zz", "", "999999999999", "create_time", ",,")))
                    .append('&');
        }
        return query.toString();
    }

    private static String body(Random random) {
        return switch (random.nextInt(8)) {
            case 0 -> "";
            case 1 -> pick(random, VALUES);
            case 2 -> "{\"name\":";
            case 3 -> "[".repeat(random.nextInt(3000));
            case 4 -> "[" + object(random, 2) + "," + object(random, 2) + "]";
            default -> object(random, 3);
        };
    }

    /** Mostly near to what is understood: waits are kept short, or the fuzz would only wait. */
    private static String object(Random random, int depth) {
        StringBuilder object = new StringBuilder("{\"timeout_s\":0");
        if (random.nextInt(3) == 0) {
            object.append(",\"name\":\"")
                    .append(random.nextBoolean() ? "a" : "b")
                    .append('"');
        }
        if (random.nextInt(3) == 0) {
            object.append(",\"image\":\"test/sleeper:1\"");
        }
        for (int members = random.nextInt(5); members > 0; members--) {
            String member = pick(random, MEMBERS);
            if (!member.equals("timeout_s") && !member.equals("prepare")) {
                object.append(",\"").append(member).append("\":").append(value(random, depth));
            }
        }
        return object.append('}').toString();
    }

    private static String value(Random random, int depth) {
        if (depth > 0 && random.nextInt(3) == 0) {
            return random.nextBoolean() ? object(random, depth - 1) : "[" + value(random, depth - 1) + "]";
        }
        return pick(random, VALUES);
    }

    private static String pick(Random random, List<String> from) {
        return from.get(random.nextInt(from.size()));
    }

    /** A wait may take its time, and is left alone; everything else answers soon. */
    private static String exchange(int port, String request) throws IOException {
        boolean waits = request.lines().findFirst().orElse("").contains("/wait");
        try (Socket socket = new Socket("127.0.0.1", port)) {
            socket.setSoTimeout(waits ? 200 : 30_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            InputStream in = socket.getInputStream();
            return new String(in.readNBytes(64), StandardCharsets.ISO_8859_1);
        } catch (SocketTimeoutException e) {
            assertThat(waits).as("no answer to%n%s", request).isTrue();
            return "HTTP/1.1 waiting";
        }
    }
}
