package dev.skerry.activities.provider;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.skerry.activities.provider.SandboxProvider.Owned;
import dev.skerry.activities.provider.SandboxProvider.Page;
import dev.skerry.activities.provider.SandboxProvider.Spec;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a session may rely on, whoever runs its sandboxes. */
public abstract class AbstractSandboxProviderTest {
    protected static final String INSTALLATION = "contract";
    private static final String OTHER_INSTALLATION = "somebody";
    private static final Runnable ALIVE = () -> {};
    private static final String[] SESSIONS = {
        "ses_01KAVX5T3M0123456789ABCDEF", "ses_01KAVX5T3M0123456789ABCDEG", "ses_01KAVX5T3M0123456789ABCDEH"
    };

    /** A provider of an installation, whose image starts a program that goes on by itself whatever happens to its control plane. */
    protected abstract SandboxProvider provider(String installation) throws Exception;

    /** The same with an image that is not there. */
    protected abstract SandboxProvider providerWithoutImage() throws Exception;

    /** A control plane address that this provider accepts; nothing needs to answer there. */
    protected abstract String controlPlaneUrl() throws Exception;

    /** Ends the sandbox's program as a crash would, behind the provider's back. */
    protected abstract void crash(SandboxName name) throws Exception;

    @AfterEach
    void destroyEverything() throws Exception {
        for (String installation : List.of(INSTALLATION, OTHER_INSTALLATION)) {
            SandboxProvider provider = provider(installation);
            for (Owned owned : everything(provider)) {
                provider.destroy(owned.name(), ALIVE);
            }
        }
    }

    @Test
    void createsARunningSandbox() throws Exception {
        Spec spec = spec(INSTALLATION, 0, 1);
        provider(INSTALLATION).create(spec, ALIVE);
        assertThat(provider(INSTALLATION).inspect(spec.name())).isEqualTo(Sighting.RUNNING);
    }

    @Test
    void creatingTwiceFindsTheSameOne() throws Exception {
        SandboxProvider provider = provider(INSTALLATION);
        provider.create(spec(INSTALLATION, 0, 1), ALIVE);
        List<Owned> once = everything(provider);
        provider(INSTALLATION).create(spec(INSTALLATION, 0, 1), ALIVE);
        assertThat(everything(provider)).isEqualTo(once);
    }

    @Test
    void twoWorkersCreatingAtOnceMakeOne() throws Exception {
        Callable<Boolean> create = () -> {
            provider(INSTALLATION).create(spec(INSTALLATION, 0, 1), ALIVE);
            return true;
        };
        try (ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Boolean>> attempts = workers.invokeAll(List.of(create, create));
            assertThat(attempts).anyMatch(attempt -> attempt.state() == Future.State.SUCCESS);
        }
        assertThat(everything(provider(INSTALLATION))).hasSize(1);
        provider(INSTALLATION).create(spec(INSTALLATION, 0, 1), ALIVE);
        assertThat(provider(INSTALLATION).inspect(spec(INSTALLATION, 0, 1).name()))
                .isEqualTo(Sighting.RUNNING);
    }

    @Test
    void refusesANameThatBelongsToSomebodyElse() throws Exception {
        Spec mine = spec(INSTALLATION, 0, 1);
        provider(INSTALLATION).create(mine, ALIVE);
        Spec theirs = new Spec(
                mine.name(), mine.environment(), spec(INSTALLATION, 1, 1).tags());
        assertThatThrownBy(() -> provider(INSTALLATION).create(theirs, ALIVE))
                .isInstanceOf(ProviderException.Rejected.class)
                .hasMessageContaining("is taken");
        assertThat(provider(INSTALLATION).inspect(mine.name())).isEqualTo(Sighting.RUNNING);
    }

    @Test
    void suspendsAndResumesAsOftenAsAsked() throws Exception {
        SandboxProvider provider = provider(INSTALLATION);
        Spec spec = spec(INSTALLATION, 0, 1);
        provider.create(spec, ALIVE);
        for (int round = 0; round < 2; round++) {
            provider.suspend(spec.name(), ALIVE);
            provider.suspend(spec.name(), ALIVE);
            assertThat(provider.inspect(spec.name())).isEqualTo(Sighting.FROZEN);
            provider.resume(spec.name(), ALIVE);
            provider.resume(spec.name(), ALIVE);
            assertThat(provider.inspect(spec.name())).isEqualTo(Sighting.RUNNING);
        }
    }

    @Test
    void whatIsNotThereCanBeNeitherSuspendedNorResumed() throws Exception {
        SandboxProvider provider = provider(INSTALLATION);
        SandboxName name = spec(INSTALLATION, 0, 1).name();
        assertThat(provider.inspect(name)).isEqualTo(Sighting.GONE);
        assertThatThrownBy(() -> provider.suspend(name, ALIVE)).isInstanceOf(ProviderException.Rejected.class);
        assertThatThrownBy(() -> provider.resume(name, ALIVE)).isInstanceOf(ProviderException.Rejected.class);
    }

    @Test
    void destroysWhatRunsWhatIsFrozenAndWhatIsGone() throws Exception {
        SandboxProvider provider = provider(INSTALLATION);
        Spec running = spec(INSTALLATION, 0, 1);
        Spec frozen = spec(INSTALLATION, 1, 1);
        provider.create(running, ALIVE);
        provider.create(frozen, ALIVE);
        provider.suspend(frozen.name(), ALIVE);
        for (Spec spec : List.of(running, frozen, running)) {
            provider.destroy(spec.name(), ALIVE);
            assertThat(provider.inspect(spec.name())).isEqualTo(Sighting.GONE);
        }
        assertThat(everything(provider)).isEmpty();
    }

    @Test
    void aNameIsFreeAgainAfterItsSandboxWasDestroyed() throws Exception {
        SandboxProvider provider = provider(INSTALLATION);
        Spec spec = spec(INSTALLATION, 0, 1);
        provider.create(spec, ALIVE);
        provider.destroy(spec.name(), ALIVE);
        provider.create(spec, ALIVE);
        assertThat(provider.inspect(spec.name())).isEqualTo(Sighting.RUNNING);
    }

    @Test
    void listsItsOwnWithTagsAndTimesAndNobodyElses() throws Exception {
        Instant before = Instant.now().minusSeconds(5);
        provider(OTHER_INSTALLATION).create(spec(OTHER_INSTALLATION, 2, 1), ALIVE);
        for (int session = 0; session < 3; session++) {
            provider(INSTALLATION).create(spec(INSTALLATION, session, session + 1), ALIVE);
        }
        List<Owned> owned = everything(provider(INSTALLATION));
        assertThat(owned)
                .extracting(Owned::name)
                .containsExactlyInAnyOrder(
                        spec(INSTALLATION, 0, 1).name(),
                        spec(INSTALLATION, 1, 2).name(),
                        spec(INSTALLATION, 2, 3).name());
        for (Owned each : owned) {
            assertThat(each.tags()).contains("skerry", "installation=" + INSTALLATION);
            assertThat(each.createdAt()).isBetween(before, Instant.now().plusSeconds(5));
        }
    }

    @Test
    void aCrashedSandboxIsSeenIsNotResumedAndCanBeDestroyed() throws Exception {
        SandboxProvider provider = provider(INSTALLATION);
        Spec spec = spec(INSTALLATION, 0, 1);
        provider.create(spec, ALIVE);
        crash(spec.name());
        Awaitility.await()
                .atMost(Duration.ofSeconds(20))
                .until(() -> provider.inspect(spec.name()) != Sighting.RUNNING);
        assertThat(provider.inspect(spec.name())).isIn(Sighting.STOPPED, Sighting.GONE);
        assertThatThrownBy(() -> provider.resume(spec.name(), ALIVE)).isInstanceOf(ProviderException.class);
        provider.destroy(spec.name(), ALIVE);
        assertThat(provider.inspect(spec.name())).isEqualTo(Sighting.GONE);
    }

    @Test
    void anImageThatIsNotThereIsRejectedAndLeavesNothing() throws Exception {
        Spec spec = spec(INSTALLATION, 0, 1);
        assertThatThrownBy(() -> providerWithoutImage().create(spec, ALIVE))
                .isInstanceOf(ProviderException.Rejected.class)
                .hasMessageContaining("image");
        assertThat(provider(INSTALLATION).inspect(spec.name())).isEqualTo(Sighting.GONE);
        assertThat(everything(provider(INSTALLATION))).isEmpty();
    }

    @Test
    void whatAnExceptionSaysHoldsNoSecret() throws Exception {
        Spec spec = spec(INSTALLATION, 0, 1);
        assertThatThrownBy(() -> providerWithoutImage().create(spec, ALIVE))
                .hasMessageNotContaining("boot-secret-of-the-contract");
        assertThat(spec.toString()).doesNotContain("boot-secret-of-the-contract");
    }

    private static List<Owned> everything(SandboxProvider provider) throws ProviderException {
        List<Owned> all = new ArrayList<>();
        @Nullable String after = null;
        do {
            Page page = provider.listOwned(after);
            all.addAll(page.owned());
            after = page.next();
        } while (after != null);
        return all;
    }

    private Spec spec(String installation, int session, int incarnation) throws Exception {
        SessionId id = new SessionId(SESSIONS[session]);
        return new Spec(
                SandboxName.of(installation, id, incarnation),
                Map.of(
                        "SESSION_TOKEN",
                        "boot-secret-of-the-contract",
                        "CONTROL_PLANE_URL",
                        controlPlaneUrl(),
                        "SESSION_ID",
                        id.value()),
                List.of("skerry", "installation=" + installation, "session=" + id, "incarnation=" + incarnation));
    }
}
