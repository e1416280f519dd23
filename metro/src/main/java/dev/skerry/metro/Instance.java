package dev.skerry.metro;

import com.fasterxml.jackson.annotation.JsonIgnore;
import dev.skerry.metro.driver.Sandbox;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** One instance as kept on disk, without its environment; guarded by the lock of {@link Instances}. */
final class Instance {
    public String uuid = "";
    public String name = "";
    public String image = "";
    public State state = State.STOPPED;
    public int memoryMb = 128;
    public int vcpus = 1;
    public List<String> tags = List.of();
    public Map<String, String> annotations = Map.of();
    public @Nullable JsonNode scaleToZero;
    public long autokillMillis;
    public String createdAt = "";
    public @Nullable String startedAt;
    public @Nullable String stoppedAt;
    public long bootTimeMicros;
    public int startCount;
    public int stopReason;
    public int stopCode;
    public int exitCode;

    @JsonIgnore
    public transient @Nullable Sandbox sandbox;

    /** Where an instance is in its life; names as on the wire in lower case. */
    enum State {
        STOPPED,
        RUNNING,
        STANDBY;

        String wire() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }
}
