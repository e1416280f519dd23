package dev.skerry.api.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.api.TestingApi;
import dev.skerry.store.Events;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class EventStreamTest {
    private final TestingApi api = TestingApi.shared();
    private final Events events = api.bean(Events.class);
    private final String session = api.client().newSession();
    private final Subscription subscription = new Subscription();

    @Test
    void dropsPiecesOfAnAnswerThatWasDeliveredWhole() throws Exception {
        events.append(session, "model.response", "trn_1", 1, "{\"seq\":1,\"text\":\"Hello\"}");
        subscription.pass(new Delta(session, "trn_1", 1, "{\"text\":\"late\"}"));
        subscription.pass(new Delta(session, "trn_1", 2, "{\"text\":\"next\"}"));
        subscription.pass(new Delta(session, "trn_2", 1, "{\"text\":\"other\"}"));
        assertThat(run()).contains("next", "other").doesNotContain("late");
    }

    @Test
    void writesNothingAfterTheEnd() throws Exception {
        events.append(session, "session.failed", null, null, "{}");
        events.append(session, "sandbox.log", null, null, "{\"text\":\"late\"}");
        assertThat(run()).contains("session.failed").doesNotContain("late");
    }

    private String run() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        EventStream stream = new EventStream(
                events,
                JsonMapper.builder().build(),
                Clock.systemUTC(),
                Duration.ofMillis(100),
                session,
                0,
                new ClosingAfterOneHeartbeat(out));
        stream.run(subscription);
        return out.toString(StandardCharsets.UTF_8);
    }

    private final class ClosingAfterOneHeartbeat extends java.io.FilterOutputStream {
        ClosingAfterOneHeartbeat(ByteArrayOutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] bytes) throws java.io.IOException {
            if (bytes[0] == ':') {
                subscription.close();
            }
            super.write(bytes);
        }
    }
}
