package dev.skerry.metro;

import dev.skerry.metro.Instance.State;
import dev.skerry.metro.driver.Exit;
import dev.skerry.metro.driver.Image;
import dev.skerry.metro.driver.Launch;
import dev.skerry.metro.driver.Sandbox;
import dev.skerry.metro.driver.SandboxDriver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * Every instance of the metro, its state on disk, its processes.
 *
 * <p>Stop reasons are those of the platform: 28 forced by the user, 15 stopped by the user, 32 suspended, 3 ended by itself, 4 with code 1
 * image missing.
 */
final class Instances {
    private static final Logger log = LoggerFactory.getLogger(Instances.class);
    private static final Duration STOP_GRACE = Duration.ofSeconds(2);
    private static final int STOPPED_BY_USER = 15;
    private static final int FORCED_BY_USER = 28;
    private static final int SUSPENDED = 32;
    private static final int ENDED_BY_ITSELF = 3;
    private static final int PLATFORM = 4;
    private static final int IMAGE_MISSING = 1;

    private final MetroConfiguration configuration;
    private final SandboxDriver driver;
    private final JsonMapper json;
    private final Path directory;
    private final Map<String, Instance> byUuid = new LinkedHashMap<>();

    Instances(MetroConfiguration configuration, SandboxDriver driver, JsonMapper json) {
        this.configuration = configuration;
        this.driver = driver;
        this.json = json;
        this.directory = configuration.stateDirectory().toAbsolutePath().resolve("instances");
        try {
            Files.createDirectories(directory);
            load();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a create asks for. */
    record Order(
            String name,
            String image,
            Map<String, String> environment,
            int memoryMb,
            int vcpus,
            List<String> tags,
            Map<String, String> annotations,
            tools.jackson.databind.@Nullable JsonNode scaleToZero,
            long autokillMillis,
            boolean autostart) {}

    synchronized Instance create(Order order) throws ItemException {
        if (find(order.name()).isPresent()) {
            throw new ItemException(
                    ItemException.ALREADY_EXISTS, "An instance with the name '" + order.name() + "' already exists");
        }
        if (byUuid.size() >= configuration.maxInstances()) {
            throw new ItemException(
                    ItemException.QUOTA,
                    "Failed to allocate instance. Quota exceeded: " + configuration.maxInstances());
        }
        Instance instance = new Instance();
        instance.uuid = UUID.randomUUID().toString();
        instance.name = order.name();
        instance.image = order.image();
        instance.memoryMb = order.memoryMb();
        instance.vcpus = order.vcpus();
        instance.tags = order.tags();
        Map<String, String> annotations = new LinkedHashMap<>(order.annotations());
        annotations.put("metro.driver", driver.description());
        instance.annotations = annotations;
        instance.scaleToZero = order.scaleToZero();
        instance.autokillMillis = order.autokillMillis();
        instance.createdAt = now();
        try {
            Files.createDirectories(
                    directory(instance).resolve("sandbox"),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            writeSecretly(directory(instance).resolve("env.json"), json.writeValueAsBytes(order.environment()));
        } catch (IOException e) {
            throw failed("prepare", e);
        }
        byUuid.put(instance.uuid, instance);
        save(instance);
        if (order.autostart()) {
            boot(instance);
        }
        return instance;
    }

    private void boot(Instance instance) throws ItemException {
        Image image = configuration.images().get(instance.image);
        if (image == null) {
            instance.stopReason = PLATFORM;
            instance.stopCode = IMAGE_MISSING;
            instance.stoppedAt = now();
            save(instance);
            return;
        }
        long began = System.nanoTime();
        try {
            Sandbox sandbox = driver.start(launch(instance, image));
            instance.sandbox = sandbox;
            instance.state = State.RUNNING;
            instance.startCount++;
            instance.startedAt = now();
            instance.stoppedAt = null;
            instance.bootTimeMicros = (System.nanoTime() - began) / 1_000;
            save(instance);
            watch(instance, sandbox);
        } catch (IOException e) {
            throw failed("start", e);
        }
    }

    private Launch launch(Instance instance, Image image) throws IOException {
        Map<String, String> environment =
                json.readValue(Files.readAllBytes(directory(instance).resolve("env.json")), new TypeReference<>() {});
        return new Launch(
                instance.name,
                image,
                List.of(),
                environment,
                instance.memoryMb,
                instance.vcpus,
                Map.of(),
                directory(instance).resolve("sandbox"),
                console(instance));
    }

    private void watch(Instance instance, Sandbox sandbox) {
        sandbox.onExit(exit -> ended(instance, sandbox, exit));
    }

    private synchronized void ended(Instance instance, Sandbox sandbox, Exit exit) {
        if (sandbox.equals(instance.sandbox) && byUuid.containsKey(instance.uuid)) {
            sandbox.end(Duration.ZERO);
            stopped(instance, ENDED_BY_ITSELF, exit instanceof Exit.Ended ended ? ended.code() : 0);
        }
    }

    private void stopped(Instance instance, int reason, int exitCode) {
        instance.sandbox = null;
        instance.state = State.STOPPED;
        instance.stopReason = reason;
        instance.stopCode = 0;
        instance.exitCode = exitCode;
        instance.stoppedAt = now();
        save(instance);
    }

    synchronized void start(Instance instance) throws ItemException {
        switch (instance.state) {
            case RUNNING -> {}
            case STOPPED -> boot(instance);
            case STANDBY -> {
                if (instance.sandbox == null) {
                    boot(instance);
                    return;
                }
                try {
                    instance.sandbox.thaw();
                } catch (IOException e) {
                    stopped(instance, ENDED_BY_ITSELF, 0);
                    throw failed("start", e);
                }
                instance.state = State.RUNNING;
                instance.startCount++;
                instance.startedAt = now();
                save(instance);
            }
        }
    }

    synchronized void suspend(Instance instance) throws ItemException {
        switch (instance.state) {
            case STANDBY -> {}
            case STOPPED ->
                throw new ItemException(
                        ItemException.WRONG_STATE,
                        "Cannot suspend instance '" + instance.name + "' in state 'stopped'");
            case RUNNING -> {
                Sandbox sandbox = instance.sandbox;
                if (sandbox == null) {
                    throw new ItemException(ItemException.OPERATION_FAILED, "The instance has no process");
                }
                if (stateful(instance)) {
                    try {
                        sandbox.freeze();
                    } catch (IOException e) {
                        throw failed("suspend", e);
                    }
                } else {
                    instance.sandbox = null;
                    sandbox.end(STOP_GRACE);
                }
                instance.state = State.STANDBY;
                instance.stopReason = SUSPENDED;
                instance.stoppedAt = now();
                save(instance);
            }
        }
    }

    /** Memory is kept unless the instance says otherwise; whether the platform does so is not documented. */
    private static boolean stateful(Instance instance) {
        return instance.scaleToZero == null
                || instance.scaleToZero.path("stateful").asBoolean(true);
    }

    synchronized void stop(Instance instance, boolean force) {
        Sandbox sandbox = instance.sandbox;
        instance.sandbox = null;
        if (sandbox != null) {
            sandbox.end(force ? Duration.ZERO : STOP_GRACE);
        }
        if (instance.state != State.STOPPED) {
            stopped(instance, force ? FORCED_BY_USER : STOPPED_BY_USER, 0);
        }
    }

    synchronized void delete(Instance instance) throws ItemException {
        stop(instance, true);
        byUuid.remove(instance.uuid);
        try {
            deleteTree(directory(instance));
        } catch (IOException e) {
            throw failed("delete", e);
        }
    }

    synchronized Optional<Instance> find(String nameOrUuid) {
        return byUuid.values().stream()
                .filter(instance -> instance.name.equals(nameOrUuid) || instance.uuid.equals(nameOrUuid))
                .findFirst();
    }

    /** Oldest first. */
    synchronized Collection<Instance> all() {
        return List.copyOf(byUuid.values());
    }

    synchronized void save(Instance instance) {
        try {
            Path target = directory(instance).resolve("instance.json");
            Path fresh = directory(instance).resolve("instance.json.new");
            Files.write(fresh, json.writeValueAsBytes(instance));
            Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            log.error("cannot keep the state of instance {}: {}", instance.uuid, e.getMessage());
        }
    }

    private void load() throws IOException {
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(directory)) {
            for (Path path : directories) {
                Path file = path.resolve("instance.json");
                if (!Files.exists(file)) {
                    deleteTree(path);
                    continue;
                }
                try {
                    adopt(json.readValue(Files.readAllBytes(file), Instance.class));
                } catch (JacksonException e) {
                    log.error("cannot read {}: its instance is left alone", file);
                }
            }
        }
    }

    private void adopt(Instance instance) {
        byUuid.put(instance.uuid, instance);
        Image image = configuration.images().get(instance.image);
        if (instance.state == State.STOPPED || image == null) {
            return;
        }
        try {
            Sandbox sandbox = driver.find(launch(instance, image));
            switch (sandbox.condition()) {
                case RUNNING, FROZEN -> {
                    instance.sandbox = sandbox;
                    watch(instance, sandbox);
                }
                case ENDED -> stopped(instance, ENDED_BY_ITSELF, 0);
            }
        } catch (IOException e) {
            log.error("cannot look for the sandbox of instance {}: {}", instance.uuid, e.getMessage());
        }
    }

    /** Deletes what was stopped for longer than its autokill; a standby instance does not count as stopped. */
    synchronized void autokill(Instant now) {
        for (Instance instance : List.copyOf(byUuid.values())) {
            boolean due = instance.state == State.STOPPED
                    && instance.autokillMillis > 0
                    && instance.stoppedAt != null
                    && Instant.parse(instance.stoppedAt)
                            .plusMillis(instance.autokillMillis)
                            .isBefore(now);
            if (due) {
                try {
                    delete(instance);
                } catch (ItemException e) {
                    log.warn("autokill of {}: {}", instance.name, e.getMessage());
                }
            }
        }
    }

    synchronized void stopAll() {
        byUuid.values().forEach(instance -> stop(instance, true));
    }

    Path console(Instance instance) {
        return directory(instance).resolve("console.log");
    }

    private Path directory(Instance instance) {
        return directory.resolve(instance.uuid);
    }

    private static ItemException failed(String verb, IOException cause) {
        return new ItemException(ItemException.OPERATION_FAILED, "Failed to " + verb + ": " + cause.getMessage());
    }

    private static String now() {
        return Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
    }

    private static void writeSecretly(Path file, byte[] bytes) throws IOException {
        Files.deleteIfExists(file);
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(file, bytes);
    }

    private static void deleteTree(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure) throws IOException {
                Files.delete(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
