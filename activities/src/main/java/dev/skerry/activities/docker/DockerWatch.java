package dev.skerry.activities.docker;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.async.ResultCallback;
import com.github.dockerjava.api.model.Event;
import com.github.dockerjava.api.model.EventActor;
import com.github.dockerjava.api.model.EventType;
import dev.skerry.session.SandboxLost;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears of containers that end without having been told to, long before a missing heartbeat would tell.
 *
 * <p>It is a shortcut and no more: when the engine's stream breaks it is taken up where it ended, and what is missed nevertheless
 * is found out by the heartbeat.
 */
final class DockerWatch implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(DockerWatch.class);
    private static final Duration PAUSE = Duration.ofSeconds(2);
    private static final int MOST_REMEMBERED = 1000;

    private final DockerClient engine;
    private final String installation;
    private final Predicate<SandboxName> expected;
    private final BiConsumer<SessionId, SandboxLost> lost;
    private final Thread thread;
    private final Set<String> starved = Collections.newSetFromMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > MOST_REMEMBERED;
        }
    });
    private volatile @Nullable String since;

    /** {@code expected} knows the sandboxes that this process itself is ending. */
    DockerWatch(
            DockerSettings settings,
            String installation,
            Predicate<SandboxName> expected,
            BiConsumer<SessionId, SandboxLost> lost) {
        this.engine = Engine.listener(settings);
        this.installation = installation;
        this.expected = expected;
        this.lost = lost;
        this.thread = Thread.ofVirtual().name("docker-events").start(this::run);
    }

    private void run() {
        while (!Thread.currentThread().isInterrupted()) {
            try (ResultCallback.Adapter<Event> events = listen()) {
                events.awaitCompletion();
                Thread.sleep(PAUSE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (IOException | RuntimeException e) {
                log.warn("The Docker Engine's events broke off and are taken up again: {}", e.getMessage());
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private ResultCallback.Adapter<Event> listen() {
        var command = engine.eventsCmd()
                .withEventTypeFilter(EventType.CONTAINER)
                .withEventFilter("die", "oom")
                .withLabelFilter(Labels.installation(installation));
        String last = since;
        if (last != null) {
            command.withSince(last);
        }
        return command.exec(new ResultCallback.Adapter<>() {
            @Override
            public void onNext(Event event) {
                hear(event);
            }

            @Override
            public void onError(Throwable failure) {
                log.warn("The Docker Engine's events broke off and are taken up again: {}", failure.getMessage());
                onComplete();
            }
        });
    }

    private void hear(Event event) {
        EventActor actor = event.getActor();
        if (actor == null || actor.getAttributes() == null) {
            return;
        }
        since = String.valueOf(event.getTime());
        Map<String, String> attributes = actor.getAttributes();
        String name = attributes.getOrDefault("name", "");
        if ("oom".equals(event.getAction())) {
            starved.add(name);
            log.info("Sandbox {} reached its memory limit", name);
        } else {
            ended(new SandboxName(name), attributes);
        }
    }

    private void ended(SandboxName name, Map<String, String> attributes) {
        long code = Long.parseLong(attributes.getOrDefault("exitCode", "0"));
        Ending ending = Ending.of(starved.remove(name.value()), code, null);
        Optional<SessionId> session = Optional.ofNullable(attributes.get(Labels.SESSION))
                .filter(SessionId::valid)
                .map(SessionId::new);
        if (session.isPresent() && !expected.test(name)) {
            log.info("Sandbox {} {}", name, ending.sentence());
            lost.accept(session.get(), new SandboxLost(0, ending.code(), name, ending.sentence()));
        }
    }

    @Override
    public void close() {
        thread.interrupt();
        try {
            engine.close();
        } catch (IOException e) {
            log.debug("The Docker Engine's connection did not close cleanly", e);
        }
    }
}
