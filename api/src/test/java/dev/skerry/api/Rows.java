package dev.skerry.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.skerry.session.Ulid;
import dev.skerry.store.Incarnations;
import dev.skerry.store.Ledger;
import dev.skerry.store.Sessions;
import dev.skerry.store.Turns;
import java.time.Clock;
import java.time.Duration;

/** Writes what other roles would have written, or what a crash left. */
final class Rows {
    private static final Ulid ids = new Ulid(Clock.systemUTC());

    private Rows() {}

    /** A session that Temporal never heard of. */
    static String session(TestingApi api, String tenant) {
        String id = ids.session().value();
        api.bean(Sessions.class)
                .insert(new Sessions.NewSession(
                        id, tenant, "rehearsal", true, 1_000_000_000L, 300_000, 604_800_000L, 2_592_000_000L, "{}"));
        return id;
    }

    /** A sandbox that has said hello, and whose token counts. */
    static void sandbox(TestingApi api, String session) {
        Incarnations incarnations = api.bean(Incarnations.class);
        incarnations.open(session, 1, null);
        incarnations.exchange(
                session, 1, "nonce", session.getBytes(UTF_8), Duration.ofMinutes(1), "unikraft", "1", "[]");
    }

    static String turn(TestingApi api, String session) {
        return api.bean(Turns.class)
                .append(session, ids.turn().value(), null)
                .orElseThrow()
                .id();
    }

    static void call(
            TestingApi api, String session, String turn, int seq, String model, long inputTokens, long nanoUsd) {
        String id = "call_" + ids.next();
        Ledger ledger = api.bean(Ledger.class);
        ledger.reserve(new Ledger.Reservation(id, session, turn, seq, 1, model, nanoUsd));
        ledger.settle(id, new Ledger.Settlement(nanoUsd, inputTokens, 1, false, "ok"));
    }
}
