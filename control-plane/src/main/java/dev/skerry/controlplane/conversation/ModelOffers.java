package dev.skerry.controlplane.conversation;

import dev.skerry.controlplane.credential.ProviderKeys;
import dev.skerry.controlplane.llm.ModelCatalogue;
import dev.skerry.controlplane.llm.ModelInfo;
import dev.skerry.session.Money;
import dev.skerry.store.Models;
import io.micrometer.core.instrument.MeterRegistry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.ApplicationRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import tools.jackson.databind.json.JsonMapper;

/** Makes the catalogue of models and publishes it for everybody else to read. */
@Configuration(proxyBeanMethods = false)
class ModelOffers {
    private static final Logger log = LoggerFactory.getLogger(ModelOffers.class);
    private static final String REHEARSAL = "rehearsal";

    @Bean
    ModelCatalogue modelCatalogue(
            ModelProperties properties, ProviderKeys keys, JsonMapper json, MeterRegistry meters) {
        return new ModelCatalogue(properties.settings(provider -> new StoredKey(keys, provider)), json, meters);
    }

    @Bean
    ApplicationRunner publishModels(ModelCatalogue catalogue, Models models) {
        return arguments -> {
            String standard = catalogue.defaultModel().id();
            models.publish(catalogue.models().stream()
                    .map(model -> row(model, standard))
                    .toList());
            log.info(
                    "offering {} models, {} unless a session names another",
                    catalogue.models().size(),
                    standard);
        };
    }

    private static Models.ModelRow row(ModelInfo model, String standard) {
        return new Models.ModelRow(
                model.id(),
                model.provider(),
                model.id().equals(standard),
                model.provider().equals(REHEARSAL),
                Money.ofUsd(model.prices().input()).nanoUsd(),
                Money.ofUsd(model.prices().output()).nanoUsd(),
                model.contextTokens());
    }
}
