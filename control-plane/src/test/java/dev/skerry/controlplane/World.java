package dev.skerry.controlplane;

import dev.skerry.controlplane.Http.Answer;
import dev.skerry.controlplane.http.Listeners;
import dev.skerry.session.Ulid;
import dev.skerry.store.ApiKeys;
import dev.skerry.store.Events;
import dev.skerry.store.Events.EventRow;
import dev.skerry.store.Messages;
import dev.skerry.store.Sessions;
import dev.skerry.store.Turns;
import java.time.Clock;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.springframework.core.env.Environment;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/** What tests start from: sessions as the API makes them, calls as worker and sandbox make them. */
@Component
public class World {
    public static final long DOLLAR = 1_000_000_000L;

    private final Ulid ids = new Ulid(Clock.systemUTC());
    private final Listeners listeners;
    private final ApiKeys apiKeys;
    private final Sessions sessions;
    private final Turns turns;
    private final Messages messages;
    private final Events events;
    private final JdbcClient jdbc;
    private final Environment environment;

    World(
            Listeners listeners,
            ApiKeys apiKeys,
            Sessions sessions,
            Turns turns,
            Messages messages,
            Events events,
            JdbcClient jdbc,
            Environment environment) {
        this.listeners = listeners;
        this.apiKeys = apiKeys;
        this.sessions = sessions;
        this.turns = turns;
        this.messages = messages;
        this.events = events;
        this.jdbc = jdbc;
        this.environment = environment;
    }

    public String sandboxOrigin() {
        return "http://127.0.0.1:" + listeners.sandboxPort();
    }

    public String internalOrigin() {
        return "http://127.0.0.1:" + listeners.internalPort();
    }

    public String managementOrigin() {
        return "http://127.0.0.1:" + environment.getProperty("local.management.port");
    }

    public JdbcClient jdbc() {
        return jdbc;
    }

    public String session() {
        return session("rehearsal", DOLLAR);
    }

    public String session(String model, long capNanoUsd) {
        return session("ten_test", model, capNanoUsd);
    }

    public String session(String tenant, String model, long capNanoUsd) {
        String id = ids.session().value();
        apiKeys.ensureTenant(tenant, "Test");
        sessions.insert(new Sessions.NewSession(id, tenant, model, false, capNanoUsd, 1, 1, 1, "{}"));
        return id;
    }

    public String turn(String session, String text) {
        String turn = ids.turn().value();
        turns.append(session, turn, null).orElseThrow();
        messages.appendUser(
                session,
                turn,
                "msg_" + ids.next(),
                Http.JSON.writeValueAsString(List.of(java.util.Map.of("type", "text", "text", text))));
        return turn;
    }

    /** Calls the internal listener as the worker does; {@code json} may use apostrophes for quotes. */
    public Answer worker(String session, String path, String json) {
        return worker(internalOrigin(), session, path, json);
    }

    /** Like {@link #worker(String, String, String)}, at another control plane. */
    public Answer worker(String origin, String session, String path, String json) {
        return Http.call(
                "POST",
                origin + "/internal/v1/sessions/" + session + path,
                ControlPlaneTest.INTERNAL_TOKEN,
                json.replace('\'', '"'));
    }

    /** Calls the internal listener as an operator does; {@code json} may use apostrophes for quotes. */
    public Answer operator(String method, String path, String json) {
        return Http.call(
                method,
                internalOrigin() + "/internal/v1/operator" + path,
                ControlPlaneTest.OPERATOR_TOKEN,
                json == null ? null : json.replace('\'', '"'));
    }

    public String bootToken(String session, int incarnation) {
        return worker(session, "/incarnations", "{'number': " + incarnation + ", 'resumes': null}")
                .body()
                .path("boot_token")
                .asString("");
    }

    public static String nonce() {
        byte[] bytes = new byte[16];
        ThreadLocalRandom.current().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    public Answer hello(String bearer, String nonce) {
        return hello(bearer, nonce, "{'id': 'S01', 'result': 'pass', 'detail': ''}");
    }

    public Answer hello(String bearer, String nonce, String probes) {
        return Http.call(
                "POST",
                sandboxOrigin() + "/sandbox/v1/hello",
                bearer,
                ("{'nonce': '" + nonce + "', 'runtime_version': '0.1.0', 'driver': 'plain', 'probes': [" + probes
                                + "]}")
                        .replace('\'', '"'));
    }

    public Sandbox boot(String session, int incarnation) {
        Answer welcome = hello(bootToken(session, incarnation), nonce());
        return new Sandbox(
                sandboxOrigin(),
                session,
                incarnation,
                welcome.body().path("session_token").asString(""));
    }

    /** What the worker sends with a turn. */
    public static String giving(String taskToken) {
        return "{'task_token': '" + taskToken
                + "', 'transition': {'number': 3, 'status': 'running', 'incarnation': 1}}";
    }

    public Answer give(Sandbox sandbox, String turn) {
        String token = Base64.getEncoder().encodeToString("no activity".getBytes());
        return worker(sandbox.session(), "/incarnations/" + sandbox.incarnation() + "/turns/" + turn, giving(token));
    }

    public List<EventRow> events(String session) {
        return events.list(session, 0, 1000);
    }

    public List<String> eventTypes(String session) {
        return events(session).stream().map(EventRow::type).toList();
    }
}
