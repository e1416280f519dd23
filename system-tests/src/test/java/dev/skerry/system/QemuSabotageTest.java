package dev.skerry.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.testing.TestingMicroVmImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A micro-VM of a sabotaged image is caught by its own report and never gets a turn. */
@Timeout(180)
class QemuSabotageTest {
    @TempDir
    private static Path directory;

    private static TestingMicroVmImage sound;
    private static Path disk;
    private static LocalStack stack;

    @BeforeAll
    static void start() throws Exception {
        sound = TestingMicroVmImage.demand();
        Path images = Files.createDirectories(directory.resolve("images"));
        Path rootfs =
                Files.createDirectories(images.resolve(sound.disk().getParent().getFileName()));
        link(TestingMicroVmImage.images(), images);
        link(sound.disk().getParent(), rootfs);
        disk = rootfs.resolve(sound.disk().getFileName());
        stack = LocalStack.up(directory, Map.of("SKERRY_IMAGES", images.toString()), "--driver", "qemu");
        try (Stream<Path> made = Files.list(images)) {
            assertThat(made.filter(QemuSabotageTest::isRootfs))
                    .as("what the built skerry boots is what these sources make")
                    .containsExactly(rootfs);
        }
    }

    @AfterAll
    static void stop() {
        if (stack != null) {
            stack.close();
        }
    }

    @ParameterizedTest
    @EnumSource
    void isCaughtByExactlyTheProbeThatShould(Sabotage sabotage) throws Exception {
        Path tree = directory.resolve(sabotage.name());
        Path made = directory.resolve(sabotage + ".squashfs");
        run(
                directory,
                "unsquashfs",
                "-quiet",
                "-no-progress",
                "-dest",
                tree.toString(),
                sound.disk().toString());
        run(tree, "sh", "-c", sabotage.script());
        run(
                directory,
                "mksquashfs",
                tree.toString(),
                made.toString(),
                "-all-root",
                "-noI",
                "-noD",
                "-noF",
                "-quiet",
                "-no-progress");
        Files.move(made, disk, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);

        sabotage.demandNoTurn(stack);
    }

    /** Names what is there in another folder as well, so that one file of it can be replaced. */
    private static void link(Path from, Path to) throws IOException {
        try (Stream<Path> entries = Files.list(from)) {
            for (Path entry : entries.toList()) {
                Path name = to.resolve(entry.getFileName());
                if (!Files.exists(name) && !entry.endsWith(".lock") && !isRootfs(entry)) {
                    Files.createSymbolicLink(name, entry);
                }
            }
        }
    }

    private static boolean isRootfs(Path folder) {
        return folder.getFileName().toString().startsWith("rootfs-");
    }

    private static void run(Path folder, String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes());
        assertThat(process.waitFor()).as(List.of(command) + " said: " + said).isZero();
    }
}
