package dev.skerry.controlplane.llm;

import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The models that this control plane offers: those of the providers it has a key for, and always the rehearsal. */
public final class ModelCatalogue {
    private static final String BUILT_IN = "/models/prices.json";
    private static final String ANTHROPIC = "https://api.anthropic.com";
    private static final int REHEARSAL_CONTEXT = 200_000;
    private static final int MODEST_OUTPUT = 8_192;
    private static final int MODEST_CONTEXT = 32_768;
    private static final int MESSAGE_OVERHEAD_TOKENS = 16;

    private final Map<String, Offer> offers = new HashMap<>();
    private final Map<String, List<Offer>> fallbacks = new HashMap<>();
    private final Map<String, Upstream> upstreams = new HashMap<>();
    private final List<ModelInfo> models = new ArrayList<>();
    private final ModelInfo defaultModel;
    private final String priceVersion;
    private final JsonMapper json;

    /** A model and who serves it. */
    public record Offer(ModelInfo model, ModelProvider provider) {}

    /** Throws {@link IllegalArgumentException} with advice when the settings contradict themselves. */
    public ModelCatalogue(ModelSettings settings, JsonMapper json, MeterRegistry meters) {
        this.json = json;
        JsonNode prices = prices(settings.pricesFile());
        this.priceVersion = prices.path("version").asString("");
        if (priceVersion.isBlank()) {
            throw new IllegalArgumentException("The price table needs a \"version\", which is kept with each call.");
        }
        String preferred = settings.defaultModel();
        if (settings.anthropicKey() != null) {
            String base = settings.anthropicBaseUrl() == null ? ANTHROPIC : settings.anthropicBaseUrl();
            Circuit circuit = new Circuit(AnthropicProvider.NAME, meters);
            ModelProvider provider = new GuardedProvider(
                    new RetryingProvider(new AnthropicProvider(base, settings.anthropicKey(), json), meters), circuit);
            listed(prices, "anthropic").forEach(model -> offer(model, provider));
            upstreams.put("anthropic", Upstream.anthropic(base, settings.anthropicKey(), circuit));
            preferred = preferred == null
                    ? prices.path("defaults").path("anthropic").asString(null)
                    : preferred;
        }
        if (settings.openAiKey() != null || settings.openAiBaseUrl() != null) {
            preferred = offerOpenAi(settings, prices, meters, preferred);
        }
        offer(
                new ModelInfo(
                        RehearsalProvider.MODEL, "rehearsal", REHEARSAL_CONTEXT, MODEST_OUTPUT, ModelInfo.Prices.FREE),
                new RetryingProvider(new RehearsalProvider(json), meters));
        String chosen = preferred == null ? RehearsalProvider.MODEL : preferred;
        this.defaultModel = resolve(chosen)
                .orElseThrow(() -> new IllegalArgumentException("The default model '" + chosen
                        + "' is not offered. Offered are: " + String.join(", ", offers.keySet()) + "."))
                .model();
        settings.fallbacks().forEach(this::fallBack);
    }

    private void fallBack(String model, List<String> others) {
        List<Offer> found = new ArrayList<>();
        for (String other : others) {
            found.add(resolve(other)
                    .orElseThrow(() -> new IllegalArgumentException(
                            "skerry.models.fallbacks names the model '" + other + "', which is not offered.")));
        }
        fallbacks.put(model, List.copyOf(found));
    }

    private @Nullable String offerOpenAi(
            ModelSettings settings, JsonNode prices, MeterRegistry meters, @Nullable String preferred) {
        String base = settings.openAiBaseUrl() == null ? OpenAiProvider.OPENAI : settings.openAiBaseUrl();
        Circuit circuit = new Circuit(OpenAiProvider.NAME, meters);
        ModelProvider adapter = switch (settings.openAiApi()) {
            case CHAT -> new OpenAiProvider(base, settings.openAiKey(), json);
            case RESPONSES -> new OpenAiResponsesProvider(base, settings.openAiKey(), json);
        };
        ModelProvider provider = new GuardedProvider(new RetryingProvider(adapter, meters), circuit);
        boolean compatible = !base.startsWith(OpenAiProvider.OPENAI);
        if (compatible && settings.openAiModel() == null) {
            throw new IllegalArgumentException(
                    "OPENAI_BASE_URL is set: set OPENAI_MODEL as well, to the model that this server serves.");
        }
        upstreams.put("openai", Upstream.openAi(base, settings.openAiKey(), circuit));
        String named = settings.openAiModel();
        listed(prices, "openai").stream()
                .filter(model -> !compatible || model.id().equals(named))
                .forEach(model -> offer(model, provider));
        if (named != null && !offers.containsKey(named)) {
            offer(new ModelInfo(named, "openai", MODEST_CONTEXT, MODEST_OUTPUT, ModelInfo.Prices.FREE), provider);
        }
        if (preferred != null) {
            return preferred;
        }
        return named != null ? named : prices.path("defaults").path("openai").asString(null);
    }

    private void offer(ModelInfo model, ModelProvider provider) {
        models.add(model);
        offers.put(model.id(), new Offer(model, provider));
    }

    public List<ModelInfo> models() {
        return List.copyOf(models);
    }

    public ModelInfo defaultModel() {
        return defaultModel;
    }

    /** Empty for a model that is not offered: it is refused. */
    public Optional<Offer> resolve(String id) {
        return Optional.ofNullable(offers.get(id));
    }

    /** What to ask, in this order, where a model is not available. */
    public List<Offer> fallbacks(String model) {
        return fallbacks.getOrDefault(model, List.of());
    }

    /** Where calls in a provider's own form go; empty when there is no key for it. */
    public Optional<Upstream> upstream(String provider) {
        return Optional.ofNullable(upstreams.get(provider));
    }

    /** Which price table is in force; kept with each call. */
    public String priceVersion() {
        return priceVersion;
    }

    /**
     * The most input tokens that a request can be: a token for each byte of its JSON, which no tokenizer exceeds, plus an overhead for
     * each message and tool, and never more than the model can read.
     */
    public long inputTokenUpperBound(ModelInfo model, ModelRequest request) {
        long bytes = 0L
                + json.writeValueAsBytes(request.system()).length
                + json.writeValueAsBytes(request.messages()).length
                + json.writeValueAsBytes(request.tools()).length;
        long pieces = request.messages().size() + request.tools().size() + 1L;
        return Math.min(model.contextTokens(), bytes + pieces * MESSAGE_OVERHEAD_TOKENS);
    }

    private JsonNode prices(@Nullable String file) {
        try (InputStream in = file == null
                ? ModelCatalogue.class.getResourceAsStream(BUILT_IN)
                : Files.newInputStream(Path.of(file))) {
            if (in == null) {
                throw new IllegalStateException("The built-in price table is missing from the jar.");
            }
            return json.readTree(in);
        } catch (IOException e) {
            throw new IllegalArgumentException("The price table " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static List<ModelInfo> listed(JsonNode prices, String provider) {
        return prices.path("models")
                .valueStream()
                .filter(model -> model.path("provider").asString("").equals(provider))
                .map(model -> new ModelInfo(
                        model.path("id").asString(),
                        provider,
                        model.path("context_tokens").asInt(),
                        model.path("max_output_tokens").asInt(),
                        new ModelInfo.Prices(
                                usd(model, "input"),
                                usd(model, "output"),
                                usd(model, "cache_read"),
                                usd(model, "cache_write"))))
                .toList();
    }

    private static BigDecimal usd(JsonNode model, String field) {
        return new BigDecimal(model.path("usd_per_mtok").path(field).asString("0"));
    }
}
