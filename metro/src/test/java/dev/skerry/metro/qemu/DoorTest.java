package dev.skerry.metro.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DoorTest {
    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, 8085, http://127.0.0.1:8085, http://10.0.2.100:8085",
        "localhost, 8085, http://localhost:8085/base, http://10.0.2.100:8085/base",
        "192.0.2.7, 80, http://192.0.2.7, http://10.0.2.100:80",
        "192.0.2.7, 443, https://192.0.2.7/a?b=c, https://10.0.2.100:443/a?b=c",
        "::1, 8085, http://[::1]:8085/, http://10.0.2.100:8085/",
    })
    void aUrlThatNamesTheDoorByANumberIsToldWithItsAddressInside(String host, int port, String told, String seen) {
        assertThat(new Door(host, port).seenFromInside(told)).isEqualTo(seen);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1:8086",
                "http://127.0.0.2:8085",
                "127.0.0.1:8085",
                "see http://127.0.0.1:8085",
                "http://bad host:8085",
                "",
                "tok_http://127.0.0.1:8085"
            })
    void everyOtherValueStays(String value) {
        assertThat(new Door("127.0.0.1", 8085).seenFromInside(value)).isEqualTo(value);
    }

    @Test
    void aNameStaysInUrlsAndIsForTheHostsFile() {
        Door door = new Door("control.example.org", 443);
        assertThat(door.seenFromInside("https://control.example.org")).isEqualTo("https://control.example.org");
        assertThat(door.name()).contains("control.example.org");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "-x", "host,exec=rm", "$(id)", "a\nb"})
    void whatIsNoHostIsRefused(String host) {
        assertThatIllegalArgumentException().isThrownBy(() -> new Door(host, 80));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, 65_536})
    void whatIsNoPortIsRefused(int port) {
        assertThatIllegalArgumentException().isThrownBy(() -> new Door("host", port));
    }
}
