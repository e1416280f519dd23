package dev.skerry.metro.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.metro.driver.Exit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EndingTest {
    @TempDir
    private Path directory;

    @Test
    void theKernelTellsTheStatusOfItsFirstProgram() throws IOException {
        assertThat(read("[ 2.3] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300\r\n", 0))
                .isEqualTo(new Exit.Ended(3));
    }

    @Test
    void anEndBySignalIsToldAsAShellTellsIt() throws IOException {
        assertThat(read("Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009\n", 0))
                .isEqualTo(new Exit.Ended(137));
    }

    @Test
    void theLastBootCounts() throws IOException {
        assertThat(read(
                        "Attempted to kill init! exitcode=0x00000300\nAttempted to kill init! exitcode=0x00000b00\n",
                        0))
                .isEqualTo(new Exit.Ended(11));
    }

    @Test
    void anotherPanicIsACrash() throws IOException {
        assertThat(read("Kernel panic - not syncing: System is deadlocked on memory\r\nmore\n", 0))
                .isEqualTo(new Exit.Crashed("kernel panic: System is deadlocked on memory"));
    }

    @Test
    void aKilledQemuIsACrash() throws IOException {
        assertThat(read("tick\n", 137)).isEqualTo(new Exit.Crashed("its virtual machine ended with code 137"));
    }

    @Test
    void nobodySawWhatNobodyWrote() {
        assertThat(Ending.read(directory.resolve("absent"), OptionalInt.empty()))
                .isEqualTo(new Exit.Unseen());
    }

    @Test
    void onlyTheEndOfALongConsoleIsRead() throws IOException {
        String old = "Attempted to kill init! exitcode=0x00000300\n";
        assertThat(read(old + "x".repeat(20_000), 0)).isEqualTo(new Exit.Ended(0));
    }

    private Exit read(String console, int qemu) throws IOException {
        Path file = Files.writeString(directory.resolve("console.log"), console);
        return Ending.read(file, OptionalInt.of(qemu));
    }
}
