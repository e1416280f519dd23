package dev.skerry.metro.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
class TimeStampCounterTest {
    private static final long SLOWEST = 500_000;
    private static final long FASTEST = 10_000_000;

    @Test
    void twoMeasurementsAgreeClosely() throws IOException {
        long first = TimeStampCounter.kilohertz();
        assertThat(first).isBetween(SLOWEST, FASTEST);
        assertThat(TimeStampCounter.kilohertz()).isCloseTo(first, Percentage.withPercentage(0.1));
    }
}
