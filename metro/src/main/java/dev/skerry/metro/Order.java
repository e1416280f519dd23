package dev.skerry.metro;

import dev.skerry.metro.Instance.Rom;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What a create asks for, checked.
 *
 * @param name empty for one of the metro's choice
 * @param template uuid or name of the template to clone, null for an image
 * @param serviceGroup uuid of an existing one
 */
record Order(
        String name,
        String image,
        @Nullable String template,
        List<String> args,
        Map<String, String> env,
        int memoryMb,
        int vcpus,
        String hostname,
        List<String> tags,
        Map<String, String> annotations,
        boolean deleteOnStop,
        String restartPolicy,
        @Nullable JsonNode scaleToZero,
        List<Rom> roms,
        long autokillMillis,
        @Nullable String serviceGroup,
        boolean autostart) {}
