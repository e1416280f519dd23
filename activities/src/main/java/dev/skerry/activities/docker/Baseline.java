package dev.skerry.activities.docker;

import com.github.dockerjava.api.model.Capability;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.LogConfig;
import com.github.dockerjava.api.model.Ulimit;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * What every container is refused: the threat model's baseline in the engine's words.
 *
 * <p>The four capabilities that stay are those with which the runtime's first process turns the others into users of their own; it
 * gives them up before it starts anything. Writable folders live in memory and are counted as memory, so they are given less of it
 * than there is: a full folder is an error that an agent can read, and not the end of the sandbox.
 */
final class Baseline {
    static final int AGENT = 10002;

    private static final long MIB = 1024 * 1024;
    private static final long CPU = 1_000_000_000;
    private static final long PROCESSES = 512;
    private static final long DOOR_PROCESSES = 16;
    private static final long DOOR_MIB = 96;
    private static final long SHARED_MEMORY_SHARE = 16;
    private static final long BYTES_PER_FILE = 4096;
    private static final long FILES = 8192;
    private static final String SECCOMP = resource("seccomp.json");
    private static final LogConfig LOG =
            new LogConfig(LogConfig.LoggingType.JSON_FILE, Map.of("max-size", "1m", "max-file", "1"));

    private Baseline() {}

    static HostConfig sandbox(DockerSettings settings) {
        long memory = settings.memoryMb() * MIB;
        HostConfig config = locked(memory, PROCESSES)
                .withCapAdd(Capability.SETUID, Capability.SETGID, Capability.SETPCAP, Capability.KILL)
                .withNanoCPUs(settings.vcpus() * CPU)
                .withShmSize(memory / SHARED_MEMORY_SHARE)
                .withTmpFs(Map.of(
                        "/workspace", folder(memory / 2, "mode=0700,uid=" + AGENT + ",gid=" + AGENT),
                        "/tmp", folder(memory / 4, "mode=1777")));
        return settings.runtime() == null ? config : config.withRuntime(settings.runtime());
    }

    static HostConfig door() {
        return locked(DOOR_MIB * MIB, DOOR_PROCESSES).withSysctls(Map.of("net.ipv4.ip_forward", "0"));
    }

    private static HostConfig locked(long memory, long processes) {
        return HostConfig.newHostConfig()
                .withCapDrop(Capability.ALL)
                .withSecurityOpts(List.of("no-new-privileges:true", "seccomp=" + SECCOMP))
                .withReadonlyRootfs(true)
                .withPrivileged(false)
                .withIpcMode("private")
                .withMemory(memory)
                .withMemorySwap(memory)
                .withPidsLimit(processes)
                .withUlimits(new Ulimit[] {new Ulimit("core", 0L, 0L), new Ulimit("nofile", FILES, FILES)})
                .withLogConfig(LOG);
    }

    private static String folder(long bytes, String owner) {
        return "rw,exec,nosuid,nodev,size=" + bytes + ",nr_inodes=" + bytes / BYTES_PER_FILE + "," + owner;
    }

    static String resource(String name) {
        try (InputStream in = Baseline.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException(name + " is missing from this module's jar.");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
