package dev.skerry.worker;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.unikraft.MetroDiscovery;
import dev.skerry.worker.WorkerSettings.DiscoverySettings;
import dev.skerry.worker.WorkerSettings.MetroSettings;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** The metros that this worker serves: those that its settings name, or else those that the platform does. */
@Component
class ChosenMetros {
    private static final Logger log = LoggerFactory.getLogger(ChosenMetros.class);

    private final List<MetroSettings> all;

    ChosenMetros(WorkerSettings settings, JsonMapper wire) {
        DiscoverySettings discovery = settings.discovery();
        this.all = settings.metros().isEmpty() && discovery != null ? discovered(discovery, wire) : settings.metros();
    }

    List<MetroSettings> all() {
        return all;
    }

    private static List<MetroSettings> discovered(DiscoverySettings discovery, JsonMapper wire) {
        try {
            List<MetroSettings> found = MetroDiscovery.find(discovery.url(), discovery.token(), wire).stream()
                    .map(discovery::metro)
                    .toList();
            log.info(
                    "discovered metros {}",
                    found.stream().map(MetroSettings::code).toList());
            return found;
        } catch (ProviderException e) {
            throw new IllegalStateException(
                    "The metros could not be discovered: " + e.getMessage()
                            + " Check skerry.worker.discovery.url and .token, or name the metros in skerry.worker.metros.",
                    e);
        }
    }
}
