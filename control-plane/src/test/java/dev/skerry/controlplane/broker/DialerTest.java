package dev.skerry.controlplane.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.controlplane.TestingTarget;
import dev.skerry.controlplane.problem.RefusedException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DialerTest {
    private static final Duration DEADLINE = Duration.ofSeconds(3);

    private final AddressGuard guard = new AddressGuard(List.of("127.0.0.1:" + TestingTarget.port()));
    private final AtomicInteger lookups = new AtomicInteger();

    @BeforeEach
    void target() {
        TestingTarget.on("/dialled", (exchange, received) -> TestingTarget.text(exchange, 200, "here"));
    }

    @Test
    void connectsToTheAddressThatItValidatedWhateverTheNameMeansLater() throws Exception {
        Dialer dialer =
                new Dialer(host -> addresses(lookups.getAndIncrement() == 0 ? "127.0.0.1" : "127.0.0.2"), guard);

        assertThat(dialer.exchange(request("rebinding.example"), DEADLINE, Response::code))
                .isEqualTo(200);
        assertThat(lookups).hasValue(1);
    }

    @Test
    void validatesEveryAddressOfAHost() {
        Dialer dialer = new Dialer(host -> addresses("127.0.0.1", "169.254.169.254"), guard);

        assertThatThrownBy(() -> dialer.exchange(request("mixed.example"), DEADLINE, Response::code))
                .isInstanceOf(RefusedException.class);
        assertThat(TestingTarget.received("/dialled")).isEmpty();
    }

    @Test
    void validatesAddressesThatAreWrittenOut() {
        Dialer dialer = new Dialer(host -> List.of(InetAddress.getAllByName(host)), new AddressGuard(List.of()));

        for (String host : List.of("127.0.0.1", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:127.0.0.1]")) {
            assertThatThrownBy(() -> dialer.exchange(request(host), DEADLINE, Response::code))
                    .as(host)
                    .matches(refused -> refused instanceof RefusedException || !((Unreachable) refused).sent());
        }
        assertThat(TestingTarget.received("/dialled")).isEmpty();
    }

    @Test
    void saysThatNothingWasSentToAHostThatIsNotKnown() {
        Dialer dialer = new Dialer(
                host -> {
                    throw new UnknownHostException(host);
                },
                guard);

        assertThatThrownBy(() -> dialer.exchange(request("nowhere.example"), DEADLINE, Response::code))
                .isInstanceOfSatisfying(
                        Unreachable.class, e -> assertThat(e.sent()).isFalse());
    }

    private static Request request(String host) {
        return new Request.Builder()
                .url("http://" + host + ":" + TestingTarget.port() + "/dialled")
                .build();
    }

    private static List<InetAddress> addresses(String... texts) throws UnknownHostException {
        InetAddress[] addresses = new InetAddress[texts.length];
        for (int i = 0; i < texts.length; i++) {
            addresses[i] = InetAddress.getByName(texts[i]);
        }
        return List.of(addresses);
    }
}
