package dev.skerry.api.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class SubscriptionTest {
    private static final Duration AT_ONCE = Duration.ofMillis(1);

    private final Subscription subscription = new Subscription();
    private final Delta delta = new Delta("ses_1", "trn_1", 1, "{}");

    @Test
    void keepsTheOrderInWhichThingsHappened() throws Exception {
        subscription.look();
        subscription.pass(delta);
        subscription.look();
        assertThat(subscription.await(AT_ONCE))
                .containsExactly(
                        new Subscription.Step.Look(), new Subscription.Step.Pass(delta), new Subscription.Step.Look());
        assertThat(subscription.await(AT_ONCE)).isEmpty();
    }

    @Test
    void holdsNoMoreThanASlowReaderCanBeGiven() throws Exception {
        for (int i = 0; i < 10_000; i++) {
            subscription.pass(delta);
            subscription.look();
        }
        assertThat(subscription.await(AT_ONCE))
                .hasSizeLessThanOrEqualTo(513)
                .last()
                .isEqualTo(new Subscription.Step.Look());
    }

    @Test
    void leavesAtOnceWhenClosed() throws Exception {
        subscription.look();
        subscription.close();
        assertThat(subscription.await(Duration.ofHours(1))).containsExactly(new Subscription.Step.Stop());
    }
}
