package dev.skerry.system.chaos;

import dev.skerry.system.chaos.Fault.Away;
import dev.skerry.system.chaos.PublicApi.Answer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.function.BooleanSupplier;

/** Somebody who creates sessions and does with each whatever comes to mind; the seed decides what that is. */
final class Person implements Runnable {
    private static final Set<String> QUIET = Set.of("idle", "suspended", "terminated", "failed");
    private static final Set<String> ENDING = Set.of("terminating", "terminated", "failed");
    private static final Duration PATIENCE = Duration.ofSeconds(45);
    /** The end of a session is recorded by the control plane, which may be away. */
    private static final Duration RECORDED_WITHIN = Away.OUTAGE.plusMinutes(1);

    private static final Duration LOOK = Duration.ofMillis(250);
    private static final int LONGEST_PAUSE_MILLIS = 1_500;
    /** So that what everybody keeps together does not fill the metro. */
    private static final int MOST_KEPT = 3;

    private final PublicApi api;
    private final Accepted accepted;
    private final Random random;
    private final BooleanSupplier goesOn;
    private final String name;
    private final Queue<String> kept = new ArrayDeque<>();
    private int said;

    Person(String name, PublicApi api, Accepted accepted, long seed, BooleanSupplier goesOn) {
        this.name = name;
        this.api = api;
        this.accepted = accepted;
        this.random = new Random(seed);
        this.goesOn = goesOn;
    }

    @Override
    public void run() {
        do {
            useOneSession();
        } while (goesOn.getAsBoolean());
    }

    private void useOneSession() {
        String text = something();
        String idle = chance(3) ? "PT2S" : "PT5M";
        String suspended = chance(2) ? "PT1S" : "PT1H";
        Answer created = api.post(
                "/v1/sessions", Map.of("message", text, "timeouts", Map.of("idle", idle, "suspended", suspended)));
        expect(created, 201);
        String session = created.body().path("id").asString();
        accepted.session(session);
        accepted.message(session, created.body().path("turn").path("id").asString(), text);
        String path = "/v1/sessions/" + session;
        int steps = 2 + random.nextInt(4);
        for (int step = 0; step < steps; step++) {
            Pace.pause(Duration.ofMillis(random.nextInt(LONGEST_PAUSE_MILLIS)));
            if (!act(session, path)) {
                return;
            }
        }
        kept.add(path);
        if (!chance(5) || kept.size() > MOST_KEPT) {
            expect(api.delete(kept.remove()), 202);
        }
    }

    /** Answers false once the session is over. */
    private boolean act(String session, String path) {
        return switch (random.nextInt(10)) {
            case 0, 1, 2 -> say(session, path);
            case 3 -> say(session, path) && say(session, path);
            case 4, 5 -> steer(path, "/suspend");
            case 6 -> steer(path, "/resume");
            case 7 -> cancel(session, path);
            default -> awaitQuiet(path);
        };
    }

    private boolean say(String session, String path) {
        String text = something();
        Answer answer = api.post(path + "/messages", Map.of("text", text));
        if (isOver(path, answer)) {
            return false;
        }
        expect(answer, 202);
        accepted.message(session, answer.body().path("turn").path("id").asString(), text);
        return true;
    }

    private boolean cancel(String session, String path) {
        accepted.cancellation(session);
        return steer(path, "/cancel");
    }

    private boolean steer(String path, String wish) {
        Answer answer = api.post(path + wish, Map.of());
        if (isOver(path, answer)) {
            return false;
        }
        expect(answer, 202);
        return true;
    }

    private boolean awaitQuiet(String path) {
        return !ENDING.contains(await(QUIET, path, PATIENCE));
    }

    /** Answers the last status that it saw. */
    private String await(Set<String> wanted, String path, Duration patience) {
        Instant deadline = Instant.now().plus(patience);
        String status;
        do {
            Pace.pause(LOOK);
            status = api.get(path).body().path("status").asString();
        } while (!wanted.contains(status) && Instant.now().isBefore(deadline));
        return status;
    }

    private String something() {
        String directions = switch (random.nextInt(4)) {
            case 0 -> " rehearse:sleep=1";
            case 1 -> " rehearse:fail";
            default -> "";
        };
        return "Note " + name + "-" + ++said + " in list.txt" + directions;
    }

    private boolean chance(int outOf) {
        return random.nextInt(outOf) == 0;
    }

    /** Whether the answer says so; then the session's record has to say so too, which it may do a little later. */
    private boolean isOver(String path, Answer answer) {
        if (answer.status() != 409 || !answer.body().path("code").asString().equals("session_ended")) {
            return false;
        }
        String status = await(ENDING, path, RECORDED_WITHIN);
        if (!ENDING.contains(status)) {
            throw new AssertionError(answer + " of a session that is " + status);
        }
        return true;
    }

    private static void expect(Answer answer, int status) {
        if (answer.status() != status) {
            throw new AssertionError("expected " + status + ", got " + answer);
        }
    }
}
