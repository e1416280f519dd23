package dev.skerry.activities.docker;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.BadRequestException;
import com.github.dockerjava.api.exception.ConflictException;
import com.github.dockerjava.api.exception.DockerException;
import com.github.dockerjava.api.exception.NotFoundException;
import com.github.dockerjava.api.exception.NotModifiedException;
import com.github.dockerjava.core.DefaultDockerClientConfig;
import com.github.dockerjava.core.DockerClientImpl;
import com.github.dockerjava.zerodep.ZerodepDockerHttpClient;
import dev.skerry.activities.provider.ProviderException;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Calls a Docker Engine and sorts its failures.
 *
 * <p>Every call has a deadline and is observed. That a thing is not there, is there already or is as wanted already is no failure
 * but an answer, and stays an exception of the client library for whoever asked.
 */
final class Engine implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration DEADLINE = Duration.ofSeconds(30);
    private static final int MOST_CONNECTIONS = 256;
    private static final int LONGEST_TOLD = 300;
    private static final List<String> NO_ROOM = List.of("no space left", "cannot allocate memory");

    private final String metro;
    private final DockerClient client;
    private final ObservationRegistry observations;

    Engine(DockerSettings settings, ObservationRegistry observations) {
        this.metro = settings.metro();
        this.client = client(settings, DEADLINE);
        this.observations = observations;
    }

    /** A client without a deadline for answers, for the stream of events. */
    static DockerClient listener(DockerSettings settings) {
        return client(settings, Duration.ZERO);
    }

    private static DockerClient client(DockerSettings settings, Duration answer) {
        DefaultDockerClientConfig.Builder builder = DefaultDockerClientConfig.createDefaultConfigBuilder();
        if (!settings.url().isBlank()) {
            builder.withDockerHost(settings.url()).withDockerTlsVerify(settings.certificates() != null);
        }
        if (settings.certificates() != null) {
            builder.withDockerCertPath(settings.certificates()).withDockerTlsVerify(true);
        }
        DefaultDockerClientConfig config = builder.build();
        ZerodepDockerHttpClient.Builder http = new ZerodepDockerHttpClient.Builder()
                .dockerHost(config.getDockerHost())
                .sslConfig(config.getSSLConfig())
                .maxConnections(MOST_CONNECTIONS)
                .connectionTimeout(CONNECT);
        if (!answer.isZero()) {
            http.responseTimeout(answer);
        }
        return DockerClientImpl.getInstance(config, http.build());
    }

    interface Call<T extends @Nullable Object> {
        T on(DockerClient engine);
    }

    /** Calls; what the library throws for 304, 404 and 409 passes through. */
    <T extends @Nullable Object> T call(String operation, Call<T> call) throws ProviderException {
        Observation observation = Observation.createNotStarted("skerry.provider.call", observations)
                .lowCardinalityKeyValue("operation", operation)
                .lowCardinalityKeyValue("host", metro);
        try {
            return observation.observe(() -> call.on(client));
        } catch (NotFoundException | ConflictException | NotModifiedException e) {
            throw e;
        } catch (RuntimeException e) {
            throw failure(operation, e);
        }
    }

    /** The answer, or empty when there is nothing of that name. */
    <T> Optional<T> find(String operation, Call<T> call) throws ProviderException {
        try {
            return Optional.of(call(operation, call));
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    /** Calls for an effect that may be there already, or on something that may be gone already. */
    void ensure(String operation, Call<@Nullable Void> call) throws ProviderException {
        try {
            call(operation, call);
        } catch (NotFoundException | NotModifiedException e) {
            return;
        }
    }

    ProviderException failure(String operation, RuntimeException failure) {
        String told = "The Docker Engine of metro " + metro + " could not " + operation + ": " + message(failure);
        if (failure instanceof DockerException refused) {
            String lower = told.toLowerCase(Locale.ROOT);
            if (NO_ROOM.stream().anyMatch(lower::contains)) {
                return new ProviderException.Full(told);
            }
            if (refused instanceof BadRequestException
                    || refused instanceof NotFoundException
                    || refused.getHttpStatus() == 401
                    || refused.getHttpStatus() == 403) {
                return new ProviderException.Rejected(told);
            }
            return new ProviderException.Unknown(told, failure);
        }
        if (cause(failure) instanceof IOException) {
            return new ProviderException.Unknown(
                    "The Docker Engine of metro " + metro + " does not answer " + operation + ": " + message(failure)
                            + ". Start it, or correct its address.",
                    failure);
        }
        return new ProviderException.Unknown(told, failure);
    }

    private static @Nullable Throwable cause(Throwable failure) {
        Throwable each = failure;
        while (each != null && !(each instanceof IOException)) {
            each = each.getCause();
        }
        return each;
    }

    private static String message(RuntimeException failure) {
        Throwable root = cause(failure);
        String message = String.valueOf((root == null ? failure : root).getMessage());
        return message.length() > LONGEST_TOLD ? message.substring(0, LONGEST_TOLD) : message;
    }

    @Override
    public void close() {
        try {
            client.close();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
