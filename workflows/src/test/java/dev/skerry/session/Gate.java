package dev.skerry.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Stops an activity while a test does what has to happen in the middle of it. */
final class Gate {
    private static final int PATIENCE_SECONDS = 20;

    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);

    /** For the activity, which may not throw that it was interrupted. */
    void pass() {
        reached.countDown();
        try {
            open.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** For the test: waits until the activity stands at the gate. */
    void awaitReached() throws InterruptedException {
        assertThat(reached.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                .as("the activity began")
                .isTrue();
    }

    void open() {
        open.countDown();
    }
}
