package dev.skerry.cli.command;

import dev.skerry.activities.provider.ProviderException;
import dev.skerry.activities.unikraft.MetroDiscovery;
import dev.skerry.activities.unikraft.UnikraftCheck;
import dev.skerry.activities.unikraft.UnikraftSettings;
import dev.skerry.cli.ExitCode;
import dev.skerry.cli.Failure;
import dev.skerry.cli.Json;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/** The metros that this environment's worker settings name, each tried out. */
final class MetroChecks {
    private static final String PREFIX = "SKERRY_WORKER_METROS_";
    private static final String DISCOVERY = "SKERRY_WORKER_DISCOVERY_";

    private MetroChecks() {}

    /** Reads {@code SKERRY_WORKER_METROS_0_CODE} and its like, as a worker would. */
    static List<UnikraftSettings> configured(Map<String, String> environment) {
        List<UnikraftSettings> metros = new ArrayList<>();
        for (int index = 0; environment.containsKey(PREFIX + index + "_CODE"); index++) {
            String prefix = PREFIX + index + "_";
            metros.add(new UnikraftSettings(
                    needed(environment, prefix + "CODE"),
                    needed(environment, prefix + "URL"),
                    needed(environment, prefix + "TOKEN"),
                    needed(environment, prefix + "IMAGE"),
                    number(environment, prefix + "MEMORYMB", 512),
                    number(environment, prefix + "VCPUS", 1),
                    Duration.ofHours(1)));
        }
        return metros;
    }

    /** Without any that is named, the metros that {@code SKERRY_WORKER_DISCOVERY_TOKEN} and its like lead to, as for a worker. */
    static List<UnikraftSettings> discovered(Map<String, String> environment) throws ProviderException {
        String url = environment.getOrDefault(DISCOVERY + "URL", MetroDiscovery.PLATFORM);
        String token = needed(environment, DISCOVERY + "TOKEN");
        String image = needed(environment, DISCOVERY + "IMAGE");
        int memoryMb = number(environment, DISCOVERY + "MEMORYMB", 512);
        int vcpus = number(environment, DISCOVERY + "VCPUS", 1);
        return MetroDiscovery.find(url, token, Json.MAPPER).stream()
                .map(found -> new UnikraftSettings(
                        found.code(), found.url(), token, image, memoryMb, vcpus, Duration.ofHours(1)))
                .toList();
    }

    static boolean discovers(Map<String, String> environment) {
        return !environment.containsKey(PREFIX + "0_CODE") && environment.containsKey(DISCOVERY + "TOKEN");
    }

    private static String needed(Map<String, String> environment, String name) {
        String value = environment.getOrDefault(name, "");
        if (value.isBlank()) {
            throw new Failure(ExitCode.USAGE, name + " is not set.", "Set it as for a worker.");
        }
        return value;
    }

    private static int number(Map<String, String> environment, String name, int otherwise) {
        String value = environment.getOrDefault(name, Integer.toString(otherwise));
        if (!value.matches("\\d{1,6}")) {
            throw new Failure(ExitCode.USAGE, name + " is '" + value + "'.", "Set it to a number.");
        }
        return Integer.parseInt(value);
    }

    /** Tells each step of each metro; answers whether all of them would do. */
    static boolean run(List<UnikraftSettings> metros, BiConsumer<String, UnikraftCheck.Step> tell) {
        boolean well = true;
        for (UnikraftSettings metro : metros) {
            well &= UnikraftCheck.run(metro, Json.MAPPER, step -> tell.accept(metro.metro(), step));
        }
        return well;
    }
}
