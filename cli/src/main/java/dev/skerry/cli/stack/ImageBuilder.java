package dev.skerry.cli.stack;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.cli.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Makes sandbox images with the builder that this program carries; what was made is found again by its content. */
public final class ImageBuilder {
    private static final String ROOT = "/skerry-image";
    private static final String MARKER = ROOT + "/build";
    private static final String RESULTS = "SKERRY_IMAGES";
    private static final int NAME_LENGTH = 16;

    private final Home home;
    private final Python python;
    private final Path program;

    private ImageBuilder(Home home, Python python, Path program) {
        this.home = home;
        this.python = python;
        this.program = program;
    }

    public static ImageBuilder of(Home home) {
        try {
            return new ImageBuilder(home, Python.find(), unpack(home));
        } catch (IOException e) {
            throw home.unwritable(e);
        }
    }

    /** Where results are kept: {@code SKERRY_IMAGES}, else in the home's cache. */
    public Path results() {
        String explicit = System.getenv().getOrDefault(RESULTS, "");
        return explicit.isBlank()
                ? home.cache().resolve("images")
                : Path.of(explicit).toAbsolutePath();
    }

    /** The command line of the builder, for whoever shows its output to a person. */
    public List<String> command(List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(python.executable().toString(), "-B", "-I", program.toString()));
        command.addAll(arguments);
        command.addAll(List.of("--output", results().toString()));
        return command;
    }

    /** Runs one of the builder's commands to its end, tells its progress, and answers what it made. */
    public JsonNode run(List<String> arguments, Consumer<String> progress) {
        try {
            Process process = new ProcessBuilder(command(arguments)).start();
            process.getOutputStream().close();
            List<String> told = new ArrayList<>();
            try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
                Future<String> result =
                        pool.submit(() -> new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8));
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    told.add(line);
                    progress.accept(line);
                }
                if (process.waitFor() == 0) {
                    return Json.MAPPER.readTree(result.get());
                }
            }
            throw failed(told);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ExecutionException | JacksonException e) {
            throw new IllegalStateException("The image builder's answer could not be read.", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Failure(ExitCode.INTERRUPTED, "Interrupted while making the image.", "Run it again.", e);
        }
    }

    private static Failure failed(List<String> told) {
        String last = told.isEmpty() ? "it said nothing" : told.getLast();
        String reason = told.stream()
                .filter(line -> line.startsWith("sandbox-image: "))
                .reduce((_, later) -> later)
                .map(line -> line.substring("sandbox-image: ".length()))
                .orElse(last);
        return new Failure(
                ExitCode.NO_STACK,
                "The sandbox image could not be made. " + reason,
                "Correct that, then run the same command again.");
    }

    private static Path unpack(Home home) throws IOException {
        Map<String, byte[]> files = carried();
        Path target = home.runtime().resolve("image-" + digest(files));
        if (!Files.isDirectory(target)) {
            Path fresh = Files.createTempDirectory(home.runtime(), ".unpacking");
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                Path path = fresh.resolve(file.getKey());
                Files.createDirectories(path.getParent());
                Files.write(path, file.getValue());
            }
            Files.move(fresh, target, StandardCopyOption.ATOMIC_MOVE);
        }
        return target.resolve("build");
    }

    private static Map<String, byte[]> carried() throws IOException {
        URL marker = ImageBuilder.class.getResource(MARKER);
        if (marker == null) {
            throw new IOException("the distribution lacks " + MARKER);
        }
        try {
            URI where = marker.toURI();
            if (!"jar".equals(where.getScheme())) {
                return read(Path.of(where).resolveSibling(""));
            }
            try (FileSystem jar = FileSystems.newFileSystem(where, Map.of())) {
                return read(jar.getPath(ROOT));
            }
        } catch (URISyntaxException e) {
            throw new IOException("the distribution's own place " + marker + " cannot be read", e);
        }
    }

    private static Map<String, byte[]> read(Path root) throws IOException {
        Map<String, byte[]> files = new LinkedHashMap<>();
        try (Stream<Path> walk = Files.walk(root)) {
            for (Path path : walk.filter(Files::isRegularFile).sorted().toList()) {
                files.put(root.relativize(path).toString(), Files.readAllBytes(path));
            }
        }
        return files;
    }

    private static String digest(Map<String, byte[]> files) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            files.forEach((name, content) -> {
                digest.update(name.getBytes(StandardCharsets.UTF_8));
                digest.update(content);
            });
            return HexFormat.of().formatHex(digest.digest()).substring(0, NAME_LENGTH);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
