package dev.skerry.activities.reaper;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.provider.SandboxProvider;
import dev.skerry.session.Provisioned;
import dev.skerry.session.SandboxActivities.Sighting;
import dev.skerry.session.SandboxName;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/** Lists one VM a page, and misbehaves on demand. */
final class ListedProvider implements SandboxProvider {
    final Map<String, Owned> machines = new ConcurrentSkipListMap<>();
    volatile Runnable beforeSecondListing = () -> {};
    volatile Runnable beforeFirstDestroy = () -> {};
    volatile int missingPage = -1;
    volatile boolean circular;
    volatile @Nullable String indestructible;

    private int listings;
    private int destroyed;

    @Override
    public String name() {
        return "listed";
    }

    @Override
    public synchronized Page listOwned(@Nullable String after) throws ProviderException {
        if (after == null && ++listings == 2) {
            beforeSecondListing.run();
        }
        List<Owned> rest = machines.values().stream()
                .filter(owned -> after == null || owned.name().value().compareTo(after) > 0)
                .toList();
        if (machines.size() - rest.size() == missingPage) {
            throw new ProviderException.Unknown("The connection was reset.", null);
        }
        if (rest.size() <= 1 && !circular) {
            return new Page(rest, null);
        }
        return new Page(
                List.of(rest.getFirst()),
                circular ? "again" : rest.getFirst().name().value());
    }

    @Override
    public synchronized void destroy(SandboxName name, Runnable alive) throws ProviderException {
        if (++destroyed == 1) {
            beforeFirstDestroy.run();
        }
        if (name.value().equals(indestructible)) {
            throw new ProviderException.Rejected("It has a delete lock.");
        }
        machines.remove(name.value());
    }

    @Override
    public Provisioned create(Spec spec, Runnable alive) {
        throw new UnsupportedOperationException("a reaper creates nothing");
    }

    @Override
    public void suspend(SandboxName name, Runnable alive) {
        throw new UnsupportedOperationException("a reaper suspends nothing");
    }

    @Override
    public void resume(SandboxName name, Runnable alive) {
        throw new UnsupportedOperationException("a reaper resumes nothing");
    }

    @Override
    public Sighting inspect(SandboxName name) {
        return machines.containsKey(name.value()) ? Sighting.RUNNING : Sighting.GONE;
    }
}
