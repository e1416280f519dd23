package dev.skerry.activities.docker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import org.junit.jupiter.api.Test;

class SubnetTest {
    @Test
    void countsThroughItsRangeAndRound() {
        assertThat(Subnet.of("10.211.0.0/16", 0).cidr()).isEqualTo("10.211.0.0/29");
        assertThat(Subnet.of("10.211.0.0/16", 33).cidr()).isEqualTo("10.211.1.8/29");
        assertThat(Subnet.of("10.211.0.0/16", 8192).cidr()).isEqualTo("10.211.0.0/29");
        assertThat(Subnet.of("10.211.0.0/16", -1).cidr()).isEqualTo("10.211.255.248/29");
    }

    @Test
    void givesEachItsAddress() {
        Subnet subnet = Subnet.parse("192.168.7.16/29");
        assertThat(subnet.bridge()).isEqualTo("192.168.7.17");
        assertThat(subnet.door()).isEqualTo("192.168.7.18");
        assertThat(subnet.sandbox()).isEqualTo("192.168.7.19");
    }

    @Test
    void knowsWhichAddressesAreItsOwn() throws Exception {
        Subnet subnet = Subnet.parse("192.168.7.16/29");
        assertThat(subnet.holds(InetAddress.getByName("192.168.7.16"))).isTrue();
        assertThat(subnet.holds(InetAddress.getByName("192.168.7.23"))).isTrue();
        assertThat(subnet.holds(InetAddress.getByName("192.168.7.24"))).isFalse();
        assertThat(subnet.holds(InetAddress.getByName("::1"))).isFalse();
    }

    @Test
    void knowsTheRangeItLiesIn() {
        Subnet subnet = Subnet.parse("10.211.1.8/29");
        assertThat(subnet.isWithin("10.211.1.8/29")).isTrue();
        assertThat(subnet.isWithin("10.211.0.0/16")).isTrue();
        assertThat(subnet.isWithin("10.211.1.16/29")).isFalse();
        assertThat(subnet.isWithin("fd00::/64")).isFalse();
        assertThat(subnet.isWithin(null)).isFalse();
    }

    @Test
    void refusesWhatIsNoRange() {
        for (String wrong :
                new String[] {"10.211.0.0", "10.211.0.0/30", "10.211.0/16", "10.211.0.999/16", "somewhere/16"}) {
            assertThatThrownBy(() -> Subnet.of(wrong, 1)).as(wrong).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
