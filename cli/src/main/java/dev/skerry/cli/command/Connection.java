package dev.skerry.cli.command;

import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Home;
import dev.skerry.cli.client.ApiClient;
import dev.skerry.cli.stack.StackFile;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Finds the API that a client command is meant for, and the key for it. */
final class Connection {
    private final Map<String, String> environment;
    private final Home home;

    Connection() {
        this.environment = System.getenv();
        this.home = Home.of(environment);
    }

    Home home() {
        return home;
    }

    /** The address that a person set; empty means the stack of this machine. */
    Optional<String> explicitUrl() {
        return Optional.ofNullable(environment.get("SKERRY_URL")).filter(url -> !url.isBlank());
    }

    /** An API that answers; empty when none was named and no stack runs. */
    Optional<ApiClient> find() {
        Optional<String> explicit = explicitUrl();
        if (explicit.isPresent()) {
            ApiClient client = open(explicit.get());
            if (!client.isHealthy()) {
                client.close();
                throw new Failure(
                        ExitCode.NO_STACK,
                        "Nothing answers at SKERRY_URL " + client.base() + ".",
                        "Start it, correct SKERRY_URL, or unset it to use a stack of this machine.");
            }
            return Optional.of(client);
        }
        return StackFile.running(home).map(stack -> open(stack.apiUrl())).filter(ApiClient::isHealthy);
    }

    /** An API that answers, or the advice to start one. */
    ApiClient demand() {
        return find().orElseThrow(() -> new Failure(
                ExitCode.NO_STACK,
                "No stack runs on this machine.",
                "Start one with `skerry up`, or set SKERRY_URL to one that runs elsewhere."));
    }

    /** The control plane's calls for operators, of this machine's stack unless another one is named. */
    ApiClient operator() {
        String url = environment.getOrDefault("SKERRY_OPERATOR_URL", "").strip();
        String token = environment.getOrDefault("SKERRY_OPERATOR_TOKEN", "").strip();
        try {
            if (url.isEmpty() && Files.exists(home.operatorUrl())) {
                url = Files.readString(home.operatorUrl()).strip();
                token = Files.readString(home.operatorToken()).strip();
            }
        } catch (IOException e) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "The operator's token " + home.operatorToken() + " cannot be read.",
                    "Set SKERRY_OPERATOR_URL and SKERRY_OPERATOR_TOKEN.",
                    e);
        }
        if (url.isEmpty() || token.isEmpty()) {
            throw new Failure(
                    ExitCode.NO_STACK,
                    "No control plane of this machine can be asked.",
                    "Start a stack with `skerry up`, or set SKERRY_OPERATOR_URL to a control plane's internal address and SKERRY_OPERATOR_TOKEN.");
        }
        return ApiClient.ofOperator(ApiClient.url(url), token);
    }

    private ApiClient open(String url) {
        return new ApiClient(ApiClient.url(url), key());
    }

    private @Nullable String key() {
        String given = environment.getOrDefault("SKERRY_API_KEY", "");
        if (!given.isBlank()) {
            return given.strip();
        }
        try {
            return Files.exists(home.apiKey()) ? Files.readString(home.apiKey()).strip() : null;
        } catch (IOException e) {
            throw new Failure(
                    ExitCode.NO_STACK, "The API key " + home.apiKey() + " cannot be read.", "Set SKERRY_API_KEY.", e);
        }
    }
}
