package dev.skerry.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.store.Events;
import dev.skerry.store.Sessions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class EventsTest {
    private final TestingApi api = TestingApi.shared();
    private final TestingClient client = api.client();
    private final Events events = api.bean(Events.class);
    private final String session = client.newSession();
    private final String path = "/v1/sessions/" + session + "/events";

    @Test
    void listsPageByPage() {
        append(5);
        TestingClient.Answer page = client.get(path + "?after=1&limit=2");
        assertThat(page.json()
                        .at("/data")
                        .valueStream()
                        .map(event -> event.at("/id").asInt()))
                .containsExactly(2, 3);
        assertThat(page.at("/next_cursor")).isEqualTo("3");
        assertThat(page.json().at("/data/0/data").toString()).isEqualTo("{\"n\":0}");
        TestingClient.Answer rest = client.get(path + "?after=3");
        assertThat(rest.json().at("/data")).hasSize(3);
        assertThat(rest.json().at("/has_more").asBoolean()).isFalse();
    }

    @Test
    void replaysThenFollowsWithoutGapOrRepetitionUntilTheEnd() throws Exception {
        append(700);
        try (Stream<String> stream = client.stream(path)) {
            CompletableFuture<List<String>> ids =
                    CompletableFuture.supplyAsync(() -> stream.filter(line -> line.startsWith("id: "))
                            .map(line -> line.substring(4))
                            .toList());
            append(300);
            end();
            assertThat(ids.get(20, TimeUnit.SECONDS))
                    .containsExactlyElementsOf(IntStream.rangeClosed(1, 1002)
                            .mapToObj(Integer::toString)
                            .toList());
        }
    }

    @Test
    void writesEventsAsTheStandardSays() {
        end();
        try (Stream<String> stream = client.stream(path)) {
            List<String> lines = stream.toList();
            assertThat(lines.subList(0, 2)).containsExactly("id: 1", "event: session.created");
            assertThat(lines.get(2))
                    .startsWith("data: {\"id\":1,\"type\":\"session.created\",\"at\":\"")
                    .endsWith(
                            "Z\",\"turn\":null,\"incarnation\":null,\"data\":{\"model\": \"rehearsal\", \"rehearsal\": true}}");
            assertThat(lines.get(3)).isEmpty();
        }
    }

    @Test
    void goesOnWhereTheReaderLeft() {
        append(3);
        end();
        try (Stream<String> stream = client.stream(path + "?after=1", "Last-Event-ID", "3")) {
            assertThat(stream.filter(line -> line.startsWith("id: "))).containsExactly("id: 4", "id: 5");
        }
        try (Stream<String> stream = client.stream(path + "?after=4")) {
            assertThat(stream.filter(line -> line.startsWith("id: "))).containsExactly("id: 5");
        }
    }

    @Test
    void tellsAReaderThatHasSeenTheEndNotToComeBack() {
        api.bean(Sessions.class).project(session, 1, "terminated", null, null, null, null, null);
        end();
        TestingClient.Answer done = client.get(path, "Accept", "text/event-stream", "Last-Event-ID", "2");
        assertThat(done.status()).isEqualTo(204);
    }

    @Test
    void passesDeltasOnWithoutAnId() throws Exception {
        try (Stream<String> stream = client.stream(path)) {
            var lines = stream.iterator();
            skipTo(lines, ": heartbeat");
            events.publishTransient(
                    "{\"session\":\"" + session + "\",\"turn\":\"trn_1\",\"data\":{\"text\":\"Hel\",\"seq\":1}}");
            String before = "";
            String line = lines.next();
            while (!line.equals("event: model.delta")) {
                before = line;
                line = lines.next();
            }
            assertThat(before).doesNotStartWith("id:");
            assertThat(lines.next())
                    .startsWith("data: {\"id\":null,\"type\":\"model.delta\"")
                    .endsWith("\"turn\":\"trn_1\",\"incarnation\":null,\"data\":{\"text\":\"Hel\",\"seq\":1}}");
        }
    }

    @Test
    void keepsOtherSessionsAndNonsenseOutOfTheStream() {
        String other = client.newSession();
        try (Stream<String> stream = client.stream(path)) {
            var lines = stream.iterator();
            skipTo(lines, ": heartbeat");
            events.publishTransient("not json");
            events.publishTransient("{\"session\":\"" + other + "\",\"data\":{\"text\":\"secret\",\"seq\":1}}");
            events.append(other, "sandbox.log", null, null, "{\"text\":\"secret\"}");
            end();
            List<String> rest = new ArrayList<>();
            lines.forEachRemaining(rest::add);
            assertThat(rest).contains("event: session.terminated").noneMatch(line -> line.contains("secret"));
        }
    }

    @Test
    void showsThatItLivesWhenNothingHappens() {
        try (Stream<String> stream = client.stream(path)) {
            assertThat(stream.filter(": heartbeat"::equals).limit(2)).hasSize(2);
        }
    }

    @Test
    void forgetsReadersThatLeft() {
        double before = openStreams();
        Stream<String> stream = client.stream(path);
        skipTo(stream.iterator(), ": heartbeat");
        assertThat(openStreams()).isGreaterThan(before);
        stream.close();
        Eventually.happens(() -> openStreams() <= before);
    }

    @Test
    void refusesACursorThatIsNone() {
        assertThat(client.get(path, "Accept", "text/event-stream", "Last-Event-ID", "x")
                        .at("/code"))
                .isEqualTo("invalid_request");
        assertThat(client.get(path + "?after=-1").status()).isEqualTo(422);
        assertThat(client.get(path + "?limit=1001").status()).isEqualTo(422);
    }

    private static void skipTo(java.util.Iterator<String> lines, String wanted) {
        while (!lines.next().equals(wanted)) {
            assertThat(lines.hasNext()).isTrue();
        }
    }

    private double openStreams() {
        return api.bean(io.micrometer.core.instrument.MeterRegistry.class)
                .get("skerry.api.streams")
                .gauge()
                .value();
    }

    private void append(int count) {
        for (int i = 0; i < count; i++) {
            events.append(session, "sandbox.log", null, 1, "{\"n\":" + i + "}");
        }
    }

    private void end() {
        events.append(session, "session.terminated", null, null, "{}");
    }
}
