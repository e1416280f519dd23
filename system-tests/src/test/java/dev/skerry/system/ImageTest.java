package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.testing.Required;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code skerry image}, from the distribution alone and without a Docker Engine. */
@Timeout(300)
class ImageTest {
    @TempDir
    private Path directory;

    @BeforeAll
    static void demandTheDistributionsTools() {
        boolean there =
                Stream.of("apt-get", "dpkg-deb").allMatch(program -> Files.isExecutable(Path.of("/usr/bin", program)));
        Required.server("apt", there, "apt-get and dpkg-deb are not installed");
    }

    @Test
    void makesTheSameBytesTwiceAndKnowsWhatIsInThem() throws Exception {
        Command.Result first =
                skerry(Map.of("SKERRY_IMAGES", directory.resolve("a").toString()), "build");
        assertThat(first.exitCode()).as(first.output()).isZero();
        Path rootfs = Path.of(field(first.output(), "rootfs"));
        assertThat(Files.readString(Path.of(field(first.output(), "sbom"))))
                .contains("\"SPDX-2.3\"", "pkg:deb/debian/bash@", field(first.output(), "digest"));

        Command.Result second = skerry(
                Map.of("SKERRY_IMAGES", directory.resolve("b").toString(), "TZ", "Asia/Tokyo", "LC_ALL", "tr_TR.UTF-8"),
                "build");
        assertThat(second.exitCode()).as(second.output()).isZero();
        assertThat(field(second.output(), "digest")).isEqualTo(field(first.output(), "digest"));
        assertThat(Files.mismatch(Path.of(field(second.output(), "rootfs")), rootfs))
                .isEqualTo(-1);

        Map<String, String> built =
                Map.of("SKERRY_IMAGES", directory.resolve("b").toString());
        Command.Result inspected = skerry(built, "inspect");
        assertThat(inspected.output())
                .contains(field(first.output(), "digest"), "\"python3-minimal\": \"", "\"entrypoint\"");

        Command.Result scanned = skerry(built, "scan", rootfs.toString());
        assertThat(scanned.exitCode()).as(scanned.output()).isZero();
        assertThat(Pattern.compile("\"id\": \"([A-Z0-9]+)\", \"result\": \"pass\"")
                        .matcher(scanned.output())
                        .results()
                        .map(found -> found.group(1)))
                .containsExactly("P05", "S05", "S06", "S07");
    }

    @Test
    void saysWhatToDoWhenItCannot() throws Exception {
        Map<String, String> nothing =
                Map.of("SKERRY_IMAGES", directory.resolve("c").toString());
        refuses(nothing, 1, "is not a package's name", "build", "--package", "../etc");
        refuses(nothing, 2, "Add --docker", "build", "--tag", "mine");
        refuses(nothing, 1, "is not a tar archive", "scan", "/etc/passwd");
        Map<String, String> noEngine = Map.of("DOCKER_HOST", "unix://" + directory.resolve("nobody.sock"));
        refuses(noEngine, 1, "docker", "scan", "some/image:1");
    }

    private void refuses(Map<String, String> environment, int code, String because, String... arguments)
            throws Exception {
        Command.Result refused = skerry(environment, arguments);
        assertThat(refused.exitCode()).as(refused.output()).isEqualTo(code);
        assertThat(refused.output()).containsIgnoringCase(because).doesNotContain("Traceback", "Exception");
    }

    private Command.Result skerry(Map<String, String> more, String... arguments)
            throws IOException, InterruptedException {
        Map<String, String> environment = new HashMap<>(LocalStack.environment(directory));
        environment.putAll(more);
        String[] command =
                Stream.concat(Stream.of("image"), Stream.of(arguments)).toArray(String[]::new);
        return Command.run(directory, environment, command);
    }

    private static String field(String output, String name) {
        Matcher matcher = Pattern.compile("\"" + name + "\": \"([^\"]+)\"").matcher(output);
        assertThat(matcher.find()).as(output).isTrue();
        return matcher.group(1);
    }
}
