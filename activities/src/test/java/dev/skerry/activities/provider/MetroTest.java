package dev.skerry.activities.provider;

import static org.assertj.core.api.Assertions.assertThat;

import dev.skerry.activities.provider.SandboxProvider.Condition;
import dev.skerry.session.ControlActivities.MetroView;
import dev.skerry.session.Provisioned;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxName;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What placement learns of a metro. */
class MetroTest {
    private final TestingClock clock = new TestingClock();
    private final TestingProvider provider = new TestingProvider();
    private final Metro metro = new Metro("tst", 2, provider, clock);

    @Test
    void itsRoomAndItsHealthAreThoseThatItTells() {
        provider.condition = new Condition(7, null);
        assertThat(metro.view()).isEqualTo(new MetroView("tst", "testing", true, 2, 7, null));
        clock.pass(Duration.ofSeconds(6));
        provider.condition = new Condition(6, "degraded: images");
        assertThat(metro.view()).isEqualTo(new MetroView("tst", "testing", false, 2, 6, "degraded: images"));
    }

    @Test
    void itIsNotAskedAgainAtOnce() {
        metro.view();
        metro.view();
        assertThat(provider.asked).isEqualTo(1);
        clock.pass(Duration.ofSeconds(6));
        metro.view();
        assertThat(provider.asked).isEqualTo(2);
    }

    @Test
    void oneThatDoesNotSayCountsAsWellWithUnknownRoom() {
        provider.failing = true;
        assertThat(metro.view()).isEqualTo(new MetroView("tst", "testing", true, 2, null, null));
    }

    @Test
    void threeFailuresInARowOpenItsCircuit() {
        metro.failed();
        metro.failed();
        metro.succeeded();
        metro.failed();
        metro.failed();
        assertThat(metro.view().healthy()).isTrue();
        metro.failed();
        assertThat(metro.view().ailment()).isEqualTo("keeps failing");
    }

    @Test
    void afterAWhileOneMayTryAndItsSuccessClosesTheCircuit() {
        open();
        clock.pass(Duration.ofSeconds(31));
        assertThat(metro.view().healthy()).isTrue();
        assertThat(metro.view().healthy()).isFalse();
        metro.succeeded();
        assertThat(metro.view().healthy()).isTrue();
    }

    @Test
    void aFailedTrialOpensItForAsLongAgain() {
        open();
        clock.pass(Duration.ofSeconds(31));
        assertThat(metro.view().healthy()).isTrue();
        metro.failed();
        clock.pass(Duration.ofSeconds(29));
        assertThat(metro.view().healthy()).isFalse();
        clock.pass(Duration.ofSeconds(2));
        assertThat(metro.view().healthy()).isTrue();
    }

    @Test
    void operatorsSeeWhatPlacementSees() {
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        metro.measure(meters);
        assertThat(gauge(meters, "skerry.metro.free")).isNaN();
        provider.condition = new Condition(3, "degraded: images");
        metro.view();
        open();
        assertThat(gauge(meters, "skerry.metro.free")).isEqualTo(3);
        assertThat(gauge(meters, "skerry.metro.ailing")).isEqualTo(1);
        assertThat(gauge(meters, "skerry.metro.weight")).isEqualTo(2);
        assertThat(gauge(meters, "skerry.metro.circuit")).isEqualTo(2);
        clock.pass(Duration.ofSeconds(31));
        assertThat(gauge(meters, "skerry.metro.circuit")).isEqualTo(1);
    }

    private void open() {
        for (int failure = 0; failure < 3; failure++) {
            metro.failed();
        }
    }

    private static double gauge(SimpleMeterRegistry meters, String name) {
        return meters.get(name).tag("metro", "tst").gauge().value();
    }

    private static final class TestingClock extends Clock {
        private Instant now = Instant.parse("2026-01-01T00:00:00Z");

        void pass(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private static final class TestingProvider implements SandboxProvider {
        private volatile Condition condition = Condition.UNKNOWN;
        private volatile boolean failing;
        private volatile int asked;

        @Override
        public String name() {
            return "testing";
        }

        @Override
        public Condition condition() throws ProviderException {
            asked++;
            if (failing) {
                throw new ProviderException.Unknown("away", null);
            }
            return condition;
        }

        @Override
        public Provisioned create(Spec spec, Runnable alive) {
            return Provisioned.cold("testing");
        }

        @Override
        public void suspend(SandboxName name, Runnable alive) {}

        @Override
        public void resume(SandboxName name, Runnable alive) {}

        @Override
        public void destroy(SandboxName name, Runnable alive) {}

        @Override
        public Sighting inspect(SandboxName name) {
            return Sighting.GONE;
        }

        @Override
        public Page listOwned(@Nullable String after) {
            return new Page(List.of(), null);
        }
    }
}
