package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** What the platform's own tool is told about the image fits its format and the image. */
class KraftfileTest {
    private static final Path FOLDER = Distribution.root().resolve("sandbox-image");
    private static final Set<String> KEYS = Set.of(
            "spec",
            "name",
            "runtime",
            "template",
            "unikraft",
            "libraries",
            "targets",
            "rootfs",
            "roms",
            "cmd",
            "env",
            "labels",
            "volumes",
            "outdir");
    private static final Set<String> SOURCES = Set.of("oci", "dir", "file", "tarball", "cpio", "erofs", "dockerfile");

    private final Map<String, Object> kraftfile = parse();

    @Test
    void speaksTheFormatThatItNames() {
        assertThat(kraftfile.keySet()).isSubsetOf(KEYS);
        assertThat(kraftfile).containsEntry("spec", "v0.7").containsEntry("runtime", "base-compat:latest");
        assertThat(strings(kraftfile.get("targets"))).containsExactly("kraftcloud/x86_64");
        assertThat(rootfs().keySet()).isSubsetOf("source", "format", "type");
        assertThat(rootfs()).containsEntry("format", "erofs");
        assertThat(source().keySet()).isSubsetOf("path", "type", "dockerfile");
        assertThat(SOURCES).contains(source().get("type").toString());
        assertThat(map(kraftfile.get("labels"))).allSatisfy((name, value) -> {
            assertThat(name).matches("[a-zA-Z0-9._/-]+");
            assertThat(value).isInstanceOf(String.class);
        });
    }

    @Test
    void startsWhatItsDockerfileAndTheOtherImagesStart() throws IOException {
        String dockerfile = dockerfile();
        Matcher entry = Pattern.compile("ENTRYPOINT \\[(.*)]").matcher(dockerfile);
        assertThat(entry.find()).isTrue();
        List<String> entrypoint = Stream.of(entry.group(1).split(", *", -1))
                .map(word -> word.replace("\"", ""))
                .toList();
        assertThat(strings(kraftfile.get("cmd"))).isEqualTo(entrypoint);
        Process recipe = new ProcessBuilder(
                        "python3", "-B", "-c", "from builder import recipe; print(*recipe.ENTRYPOINT, sep='\\n')")
                .directory(FOLDER.toFile())
                .start();
        assertThat(recipe.inputReader().readAllAsString().strip().lines()).containsExactlyElementsOf(entrypoint);
    }

    @Test
    void buildsFromFilesThatAreThere() throws IOException {
        Matcher copied =
                Pattern.compile("^COPY (?!--from)(\\S+) ", Pattern.MULTILINE).matcher(dockerfile());
        List<String> sources = copied.results().map(found -> found.group(1)).toList();
        assertThat(sources).contains("runtime");
        assertThat(sources).allSatisfy(name -> assertThat(FOLDER.resolve(name)).exists());
        List<String> kept = Files.readAllLines(FOLDER.resolve("Dockerfile.dockerignore")).stream()
                .filter(line -> line.startsWith("!"))
                .map(line -> line.substring(1))
                .toList();
        assertThat(sources)
                .allSatisfy(
                        name -> assertThat(kept).anyMatch(line -> line.equals(name) || line.startsWith(name + "/")));
    }

    private String dockerfile() throws IOException {
        return Files.readString(FOLDER.resolve(source().get("path").toString()).normalize());
    }

    private Map<String, Object> rootfs() {
        return map(kraftfile.get("rootfs"));
    }

    private Map<String, Object> source() {
        return map(rootfs().get("source"));
    }

    private static Map<String, Object> parse() {
        try {
            return map(new Yaml(new SafeConstructor(new LoaderOptions()))
                    .load(Files.readString(FOLDER.resolve("Kraftfile"))));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Object value) {
        assertThat(value).isInstanceOf(Map.class);
        return (Map<String, Object>) value;
    }

    private static List<String> strings(Object value) {
        assertThat(value)
                .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.LIST)
                .allMatch(String.class::isInstance);
        return ((List<?>) value).stream().map(String.class::cast).toList();
    }
}
