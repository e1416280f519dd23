package dev.skerry.metro;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.skerry.metro.driver.Sandbox;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** One instance as kept on disk; guarded by the lock of {@link Instances}. */
final class Instance {
    public String uuid = "";
    public String name = "";
    public int number;
    public String image = "";
    public List<String> args = List.of();
    public Map<String, String> env = Map.of();
    public int memoryMb = 128;
    public int vcpus = 1;
    public String hostname = "";
    public List<String> tags = List.of();
    public Map<String, String> annotations = new LinkedHashMap<>();
    public boolean deleteLock;
    public boolean deleteOnStop;
    public String restartPolicy = "never";
    public @Nullable JsonNode scaleToZero;
    public List<Rom> roms = List.of();
    public long autokillMillis;
    public long templateAutokillMillis;
    public @Nullable String serviceGroup;
    public @Nullable String clonedFrom;
    public boolean warm;

    public State state = State.STOPPED;
    public @Nullable State goal;
    public boolean deleting;
    public boolean toTemplate;
    public int pendingStopReason;
    public String createdAt = "";
    public @Nullable String startedAt;
    public @Nullable String stoppedAt;
    public @Nullable String lastClonedAt;
    public long uptimeMillis;
    public long bootTimeMicros;
    public int startCount;
    public int restartCount;
    public int restartAttempt;
    public @Nullable String restartAt;
    public int stopReason;
    public int stopCode;
    public int exitCode;
    public long consoleDropped;
    public List<Update> updates = new ArrayList<>();

    @JsonIgnore
    transient @Nullable Sandbox sandbox;

    /** Held while the driver does something to the sandbox; never taken inside the lock of {@link Instances}. */
    @JsonIgnore
    final transient ReentrantLock box = new ReentrantLock();

    /** Where an instance is in its life; names as on the wire in lower case, numbers as in the platform's metrics. */
    enum State {
        STOPPED(0),
        STARTING(1),
        RUNNING(2),
        DRAINING(3),
        STOPPING(4),
        STANDBY(5),
        TEMPLATE(6),
        DELETED(7);

        private final int number;

        State(int number) {
            this.number = number;
        }

        int number() {
            return number;
        }

        String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * Read-only files of the instance's own.
     *
     * @param files path below {@code at} to content in Base64
     */
    record Rom(String name, @Nullable String at, Map<String, String> files) {}

    /** A change of something that the guest can see, to be made when it is stopped. */
    record Update(
            String prop,
            String op,
            @Nullable JsonNode value,
            @Nullable String error) {}

    boolean isTemplate() {
        return state == State.TEMPLATE || toTemplate;
    }

    boolean live() {
        return state != State.STOPPED && state != State.TEMPLATE;
    }
}
