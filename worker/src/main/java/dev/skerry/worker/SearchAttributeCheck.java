package dev.skerry.worker;

import dev.skerry.temporal.SearchAttributes;
import dev.skerry.temporal.TemporalSettings;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.temporal.api.enums.v1.IndexedValueType;
import io.temporal.api.operatorservice.v1.ListSearchAttributesRequest;
import io.temporal.serviceclient.OperatorServiceStubs;
import io.temporal.serviceclient.OperatorServiceStubsOptions;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** Stops a worker at its start when Temporal lacks a search attribute: a session would hang at its first step otherwise. */
@Component
class SearchAttributeCheck {
    private static final Logger log = LoggerFactory.getLogger(SearchAttributeCheck.class);
    private static final Duration DEADLINE = Duration.ofSeconds(10);

    private final TemporalSettings settings;

    SearchAttributeCheck(TemporalSettings settings) {
        this.settings = settings;
    }

    void everyAttributeIsRegistered() {
        OperatorServiceStubs operator = OperatorServiceStubs.newServiceStubs(OperatorServiceStubsOptions.newBuilder()
                .setTarget(settings.target())
                .validateAndBuildWithDefaults());
        try {
            Map<String, IndexedValueType> registered = operator.blockingStub()
                    .withDeadlineAfter(DEADLINE.toSeconds(), TimeUnit.SECONDS)
                    .listSearchAttributes(ListSearchAttributesRequest.newBuilder()
                            .setNamespace(settings.namespace())
                            .build())
                    .getCustomAttributesMap();
            String missing = SearchAttributes.cliTypes().entrySet().stream()
                    .filter(wanted -> !registered.containsKey(wanted.getKey()))
                    .map(wanted -> "--name " + wanted.getKey() + " --type " + wanted.getValue())
                    .collect(Collectors.joining(" "));
            if (!missing.isEmpty()) {
                throw new IllegalStateException("Temporal at " + settings.target()
                        + " lacks search attributes. Run: temporal operator search-attribute create --address "
                        + settings.target() + " --namespace " + settings.namespace() + " " + missing);
            }
        } catch (StatusRuntimeException e) {
            if (e.getStatus().getCode() != Status.Code.UNIMPLEMENTED
                    && e.getStatus().getCode() != Status.Code.PERMISSION_DENIED) {
                throw new IllegalStateException(
                        "Temporal at " + settings.target() + " does not answer: "
                                + e.getStatus().getCode() + ". Check skerry.temporal.target.",
                        e);
            }
            log.warn(
                    "cannot see which search attributes Temporal has: {}",
                    e.getStatus().getCode());
        } finally {
            operator.shutdown();
        }
    }
}
