package dev.skerry.activities.provider;

import dev.skerry.session.Provisioned;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxName;
import dev.skerry.session.SessionId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whoever runs sandboxes. Every verb is idempotent, returns when its effect is there, and calls {@code alive} at least every few
 * seconds while it waits; what {@code alive} throws ends the wait.
 */
public interface SandboxProvider {
    /** The driver's name, such as {@code unikraft}. */
    String name();

    /** Creates and starts a VM, or finds the one that an earlier attempt created by the same name; answers how it was started. */
    Provisioned create(Spec spec, Runnable alive) throws ProviderException;

    /** What was created warm did not come to life; the next one had better be started otherwise. */
    default void saidNoHello(SandboxName name) {}

    /** Freezes a running VM; a frozen one stays frozen. */
    void suspend(SandboxName name, Runnable alive) throws ProviderException;

    /** Wakes a frozen VM; a running one goes on. */
    void resume(SandboxName name, Runnable alive) throws ProviderException;

    /** Returns when there is no VM of that name. */
    void destroy(SandboxName name, Runnable alive) throws ProviderException;

    Sighting inspect(SandboxName name) throws ProviderException;

    /** One page of what this installation owns, in a stable order; {@code after} is the last key of the page before. */
    Page listOwned(@Nullable String after) throws ProviderException;

    /** How it is now, for placement: asked often, so it must be cheap. */
    default Condition condition() throws ProviderException {
        return Condition.UNKNOWN;
    }

    /** The last words of a sandbox's console; empty when there are none, or when this provider keeps none. */
    default Optional<String> lastWords(SandboxName name) throws ProviderException {
        return Optional.empty();
    }

    /**
     * What a provider says of itself.
     *
     * @param room how many more sandboxes fit, null when it cannot say
     * @param ailment why it should be spared, in a few words, null when nothing is known against it
     */
    record Condition(@Nullable Integer room, @Nullable String ailment) {
        public static final Condition UNKNOWN = new Condition(null, null);
    }

    /**
     * What to create.
     *
     * @param environment the three variables that enter a sandbox; holds a secret
     * @param tags for finding it again: installation, session, incarnation
     */
    record Spec(SandboxName name, Map<String, String> environment, List<String> tags) {
        @Override
        public String toString() {
            return "Spec[" + name + "]";
        }
    }

    /**
     * A page of a listing.
     *
     * @param next pass it to get the next page, null on the last one
     */
    record Page(List<Owned> owned, @Nullable String next) {}

    /**
     * A VM that this installation owns.
     *
     * @param ending how it ended, a phrase that goes on after its name; null while it has not, or where a listing does not tell
     */
    record Owned(
            SandboxName name,
            List<String> tags,
            Instant createdAt,
            @Nullable String ending) {
        private static final String SESSION_TAG = "session=";

        public Owned(SandboxName name, List<String> tags, Instant createdAt) {
            this(name, tags, createdAt, null);
        }

        /** The session that it was created for, as its tags say. */
        public Optional<SessionId> session() {
            return tags.stream()
                    .filter(tag -> tag.startsWith(SESSION_TAG))
                    .map(tag -> tag.substring(SESSION_TAG.length()))
                    .filter(SessionId::valid)
                    .findFirst()
                    .map(SessionId::new);
        }
    }
}
