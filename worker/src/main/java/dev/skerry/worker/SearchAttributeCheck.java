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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/**
 * Stops a worker at its start when Temporal lacks a search attribute or has it with another type: a session would hang at its first step
 * otherwise.
 */
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
            compare(registered);
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

    private void compare(Map<String, IndexedValueType> registered) {
        StringBuilder create = new StringBuilder();
        StringBuilder remove = new StringBuilder();
        List<String> wrong = new ArrayList<>();
        SearchAttributes.cliTypes().forEach((name, type) -> {
            IndexedValueType found = registered.get(name);
            if (found != SearchAttributes.TYPES.get(name)) {
                create.append(" --name ").append(name).append(" --type ").append(type);
                if (found != null) {
                    remove.append(" --name ").append(name);
                    wrong.add(name + " is " + SearchAttributes.cliType(found) + " and not " + type);
                }
            }
        });
        if (!wrong.isEmpty()) {
            throw new IllegalStateException("Temporal at " + settings.target()
                    + " has search attributes of another type: " + String.join(", ", wrong) + ". Run: "
                    + command("remove") + remove + " --yes && " + command("create") + create);
        }
        if (!create.isEmpty()) {
            throw new IllegalStateException("Temporal at " + settings.target() + " lacks search attributes. Run: "
                    + command("create") + create);
        }
    }

    private String command(String verb) {
        return "temporal operator search-attribute " + verb + " --address " + settings.target() + " --namespace "
                + settings.namespace();
    }
}
