package dev.skerry.cli.stack;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The port that sandboxes know survives the stack that chose it. */
class PortsTest {
    @TempDir
    private Path home;

    @Test
    void noPortIsGivenTwiceAlsoBeforeItsServerListens() throws IOException {
        Set<Integer> given = new HashSet<>();
        given.add(Ports.kept(file()));
        for (int i = 0; i < 2_000; i++) {
            assertThat(given.add(Ports.free())).isTrue();
        }
    }

    @Test
    void theNextStackHasThePortOfTheOneBefore() throws IOException {
        int first = Ports.kept(file());
        assertThat(Ports.kept(file())).isEqualTo(first);
    }

    @Test
    void aPortThatSomebodyElseTookIsReplacedForGood() throws IOException {
        int first = Ports.kept(file());
        int second;
        try (ServerSocket somebody = new ServerSocket(first, 1, InetAddress.getLoopbackAddress())) {
            assertThat(somebody.isBound()).isTrue();
            second = Ports.kept(file());
        }
        assertThat(second).isNotEqualTo(first);
        assertThat(Ports.kept(file())).isEqualTo(second);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "garbage", "80", "99999", "7070"})
    void aFileThatNamesNoSuchPortIsReplaced(String content) throws IOException {
        Files.writeString(file(), content);
        int port = Ports.kept(file());
        assertThat(port).isBetween(20_000, 31_999);
        assertThat(Files.readString(file()).strip()).isEqualTo(Integer.toString(port));
    }

    private Path file() {
        return home.resolve("sandbox-port");
    }
}
